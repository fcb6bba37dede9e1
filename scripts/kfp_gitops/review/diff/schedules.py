"""What a change does to schedules: which are replaced, and when they fire before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any

from kfp_gitops.reconcile.timing import Timing, read_cron
from kfp_gitops.review.diff.fields import Difference, differences
from kfp_gitops.review.diff.model import Action, Change, Firings, Kind

SHOWN = 5


def by_name(manifest: Mapping[str, Any], section: str = "schedules") -> dict[str, Mapping[str, Any]]:
    """The schedules of a manifest, or its triggers, as YAML data."""
    found = manifest.get(section)
    items = found if isinstance(found, list) else []
    return {str(item["name"]): item for item in items if isinstance(item, Mapping) and "name" in item}


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], was: Mapping[str, Any], is_: Mapping[str, Any]
) -> Iterator[Change]:
    """What differs in the schedules of two manifests, and which are on or off for a pause (`was`, `is_`: in force)."""
    old, new = by_name(before), by_name(after)
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            yield Change(Action.ADDED, Kind.SCHEDULE, name, after=new[name])
        elif name not in new:
            yield Change(Action.REMOVED, Kind.SCHEDULE, name, before=old[name])
        else:
            found = [*differences(old[name], new[name])]
            on, stays_on = by_name(was)[name].get("enabled"), by_name(is_)[name].get("enabled")
            if on != stays_on and ("enabled", on, stays_on) not in found:
                found.append(("enabled", on, stays_on))
            for field, left, right in found:
                yield Change(Action.CHANGED, Kind.SCHEDULE, name, field, left, right)


def in_force(manifest: Mapping[str, Any], paused_until: Any, now: datetime) -> Mapping[str, Any]:
    """The manifest as `apply` brings it to KFP: while its pipeline is paused, no schedule is on."""
    if not is_paused(paused_until, now):
        return manifest
    off = [{**schedule, "enabled": False} for schedule in by_name(manifest).values()]
    return {**manifest, "schedules": off} if off else manifest


def is_paused(paused_until: Any, now: datetime) -> bool:
    """Whether a pipeline is paused at an instant."""
    until = _instant(paused_until)
    return until is not None and until > now


def switched_off(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The schedules that stay and fire no more."""
    left, right = by_name(before), by_name(after)
    on = [name for name in right if name in left and left[name].get("enabled")]
    return [name for name in on if not right[name].get("enabled")]


def only_in(manifest: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The schedules that only the first of two manifests has."""
    return [name for name in by_name(manifest) if name not in by_name(other)]


def replaced(before: Mapping[str, Any], after: Mapping[str, Any], new_version: bool) -> list[str]:
    """The schedules that exist already and are made anew: pinned to another version, or of another content.

    KFP has no call to update a recurring run; only disabling happens in place. Enabling is a replacement too:
    KFP lets an enabled schedule run at once what it missed while it was disabled.
    """
    left, right = by_name(before), by_name(after)
    return [
        name
        for name, schedule in right.items()
        if name in left and (new_version or any(map(_renews, differences(left[name], schedule))))
    ]


def _renews(difference: Difference) -> bool:
    field, _, after = difference
    return field != "enabled" or after is True


def firings(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> list[Firings]:
    """The next firings of every schedule whose firings differ."""
    left, right = by_name(before), by_name(after)
    found = []
    for name in [*right, *(name for name in left if name not in right)]:
        old, new = next_firings(left.get(name), now), next_firings(right.get(name), now)
        if (
            left.get(name) is None
            or right.get(name) is None
            or [*_triggers(left[name])] != [*_triggers(right[name])]
        ):
            found.append(Firings(name, old, new, [*_notes(right.get(name), new)]))
    return found


def next_firings(
    schedule: Mapping[str, Any] | None, now: datetime, count: int = SHOWN, until: datetime | None = None
) -> list[datetime]:
    """The next firings of an enabled schedule after an instant (aware, UTC); none of a disabled one.

    At most so many, and none later than `until`: looking for those costs what finding them costs.
    """
    if schedule is None or not schedule.get("enabled"):
        return []
    base = max(now, _instant(schedule.get("start")) or now)
    seconds, text = schedule.get("intervalSeconds"), schedule.get("cron")
    timing = Timing(
        read_cron(text if isinstance(text, str) else None),
        seconds if isinstance(seconds, int) else None,
        base,
        _instant(schedule.get("end")),
    )
    if until is not None:
        return [*islice(timing.between(base, until), count)]
    return [*timing.next_ones(base, count)]


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _triggers(schedule: Mapping[str, Any]) -> Iterator[Any]:
    for key in ("enabled", "cron", "intervalSeconds", "start", "end"):
        yield schedule.get(key)


def _notes(schedule: Mapping[str, Any] | None, after: Sequence[datetime]) -> Iterator[str]:
    if schedule is None:
        yield "it is removed: nothing fires any more, what runs goes on"
        return
    if not schedule.get("enabled"):
        yield "it is disabled: nothing fires"
        return
    if not after:
        yield "it never fires"
        return
    if schedule.get("intervalSeconds"):
        yield "an interval counts from the last firing or from when it is made: these are the earliest times"
    yield f"this change fires nothing until {after[0]:%Y-%m-%d %H:%M:%S} UTC"
    gaps = [later - earlier for earlier, later in pairwise(after)]
    if gaps:
        most = int(schedule.get("maxConcurrency") or 1)
        yield (
            f"{most} at once: a run that takes longer than {length(min(gaps) * most)} "
            "holds up the firing after it"
        )


def length(span: timedelta) -> str:
    """`1 d 2 h`: two units at the most."""
    seconds = int(span.total_seconds())
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"
