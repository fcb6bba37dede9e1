"""Backfills that come, go or change: how many runs merging asks for, which days, and about how long. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from kfp_gitops.base import columns, visible
from kfp_gitops.language import cron, firings
from kfp_gitops.language.firings import Range
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import Action, BackfillDiff
from kfp_gitops.review.diff.state import mapping
from kfp_gitops.review.diff.wording import SIGNS, value

KEY = "backfills"
_SHOWN = 3
"""Firings that are told one by one, beside the last one."""
_MOST = 20_000


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[BackfillDiff]:
    """Those of an environment.yaml that differ, by id."""
    left, right = _by_id(before), _by_id(after)
    found = []
    for name in sorted({**left, **right}):
        old, new = left.get(name), right.get(name)
        if old != new:
            action = Action.ADDED if old is None else Action.REMOVED if new is None else Action.CHANGED
            found.append(BackfillDiff(action, name, old, new))
    return found


def _by_id(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    entries = settings.get(KEY)
    maps = (mapping(one) for one in (entries if isinstance(entries, list) else ()))
    return {str(one["id"]): one for one in maps if "id" in one}


def are_whole(settings: Any) -> bool:
    """Whether `changes` tells all of them: each is a map with an id of its own, as render writes them."""
    entries = mapping(settings).get(KEY, [])
    if not isinstance(entries, list):
        return False
    ids = [mapping(one).get("id") for one in entries]
    return all(isinstance(one, str) for one in ids) and len({*map(str, ids)}) == len(ids)


def ticks(entry: Mapping[str, Any]) -> list[datetime]:
    """The firings of one; none of what is malformed."""
    try:
        expression, within = cron.parse(str(entry["cron"])), Range.of(str(entry["from"]), str(entry["to"]))
    except (ValueError, KeyError):
        return []
    found = firings.of(expression, within) if isinstance(expression, cron.Fields) else iter(())
    return list(islice(found, _MOST))


def sentence(found: BackfillDiff) -> str:
    """One of them in one line."""
    entry = found.after or found.before or {}
    whose = "/".join(str(entry[key]) for key in ("pipeline", "schedule") if key in entry)
    begin = f"backfill {found.id} ({whose})"
    if found.action is Action.REMOVED:
        number = columns.counted(len(ticks(entry)), "run")
        return visible.line(
            f"{begin}: gone; what of its {number} has not begun is not run, what runs goes on; one that is finished "
            "loses nothing by it"
        )
    if found.action is Action.CHANGED:
        fields = ", ".join(
            f"{field}: {value(old)} → {value(new)}"
            for field, old, new in differences(found.before, found.after)
        )
        return visible.line(f"{begin}: {fields}; {_asked(found, entry)}")
    return visible.line(f"{begin}: {_asked(found, entry)}")


def _asked(found: BackfillDiff, entry: Mapping[str, Any]) -> str:
    its = ticks(entry)
    number, parallel = len(its), int(entry.get("parallel", 1))
    known = "" if found.there is None else f", {found.there:,} of them there already"
    left_out = (
        "what has run is left out" if entry.get("skipExisting", True) else "what has run runs once more"
    )
    order = str(entry.get("order", "")).replace("-", " ")
    text = (
        f"{columns.counted(number, 'run')} ({_days(its)}){known}; {parallel:,} at a time, {order}; {left_out}"
    )
    return f"{text}{_takes(found, number, parallel, entry)}: {entry.get('reason', '')}"


def _days(its: Sequence[datetime]) -> str:
    if not its:
        return "no firing"
    shown = [f"{tick:%Y-%m-%d %H:%M}" for tick in its[:_SHOWN]]
    more = ["…"] if len(its) > _SHOWN + 1 else []
    last = [f"{its[-1]:%Y-%m-%d %H:%M}"] if len(its) > _SHOWN else []
    return f"{', '.join([*shown, *more, *last])} UTC"


def _takes(found: BackfillDiff, number: int, parallel: int, entry: Mapping[str, Any]) -> str:
    """About how long, by how long past runs took."""
    if found.takes is None:
        return ""
    left = number - (found.there or 0 if entry.get("skipExisting", True) else 0)
    whole = found.takes * -(-max(left, 0) // parallel)
    return f"; about {hours(whole)} ({hours(found.takes)} each)"


def hours(span: timedelta) -> str:
    """`2.5 h`, `30 min`, `5 s`."""
    seconds = span.total_seconds()
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def lines(found: Sequence[BackfillDiff], most: int) -> list[str]:
    """Each with its sign; what is beyond so many is counted."""
    more = [f"… {len(found) - most:,} more backfills"] if len(found) > most else []
    return [*(f"{SIGNS[each.action]} {sentence(each)}" for each in found[:most]), *more]


def as_json(found: BackfillDiff) -> dict[str, Any]:
    """As `schemas/diff.schema.json` has it."""
    entry = found.after or found.before or {}
    its = ticks(entry)
    return {
        "action": found.action,
        "id": found.id,
        "pipeline": str(entry.get("pipeline", "")),
        "runs": len(its),
        "first": _stamp(its[:1]),
        "last": _stamp(its[-1:]),
        "there": found.there,
        "secondsEach": round(found.takes.total_seconds()) if found.takes is not None else None,
        "text": sentence(found),
    }


def _stamp(its: Sequence[datetime]) -> str | None:
    return next(_stamps(its), None)


def _stamps(its: Sequence[datetime]) -> Iterator[str]:
    return (f"{tick:%Y-%m-%dT%H:%M:%SZ}" for tick in its)
