"""Known events (a sale, a launch) that come, go or change: in words, and drawn over time.

They reach KFP as a parameter's default, a list; here it is told what they mean, once for all pipelines that take them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kfp_gitops.base import visible
from kfp_gitops.reconcile import timing
from kfp_gitops.review.diff.model import Action, KnownEvent
from kfp_gitops.review.diff.state import mapping
from kfp_gitops.review.diff.wording import SIGNS

_WIDTH = 40
_DRAWN = 20
# What stands in Mermaid's Gantt chart for itself; anything else may be its syntax.
_NOT_DRAWN = re.compile(r"[^A-Za-z0-9 ._*×≥-]")


_Key = tuple[tuple[str, ...], datetime, datetime, int | None, float | None, str, bool]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[KnownEvent]:
    """Events of an environment's manifests (pipeline → manifest) that came or went, by begin."""
    left, right = _by_event(before), _by_event(after)
    found = [
        *(
            KnownEvent(Action.REMOVED, *key, tuple(sorted(left[key] - right[key])))
            for key in left
            if left[key] - right[key]
        ),
        *(
            KnownEvent(Action.ADDED, *key, tuple(sorted(right[key] - left[key])))
            for key in right
            if right[key] - left[key]
        ),
    ]
    return sorted(found, key=lambda each: (each.begin, each.end, each.services, each.action))


def _by_event(manifests: Mapping[str, Any]) -> dict[_Key, set[str]]:
    found: defaultdict[_Key, set[str]] = defaultdict(set)
    for name, manifest in manifests.items():
        for parameter in mapping(mapping(mapping(manifest).get("spec")).get("parameters")).values():
            for key in _events(mapping(parameter).get("default")):
                found[key].add(name)
    return found


def _events(default: Any) -> Iterator[_Key]:
    """The items of a list that are events; a stranger's list is told as the list that it is."""
    for item in default if isinstance(default, list) else ():
        try:
            begin, end = (datetime.fromisoformat(item[key]).astimezone(UTC) for key in ("from", "to"))
            services = tuple(map(str, item["services"]))
            yield (
                services,
                begin,
                end,
                item.get("floor"),
                item.get("factor"),
                str(item["reason"]),
                item["learn"],
            )
        except (TypeError, KeyError, ValueError, OverflowError):
            continue


def sentence(found: KnownEvent, zone: str) -> str:
    """One event in one line: whom it meets, what it asks for, when, and why."""
    when = f"{_said(found.begin, zone)} to {_said(found.end, zone)} ({_length(found.end - found.begin)})"
    learnt = "" if found.learn else "; usage in it is not learnt"
    who = "all services" if "*" in found.services else ", ".join(found.services)
    asked = {"no floor": "no floor of its own"}.get(found.amount, found.amount)
    where = f" [{', '.join(found.pipelines)}]"
    return visible.line(f"event: {who}: {asked}, {when}: {found.reason}{learnt}{where}")


def lines(found: Sequence[KnownEvent], zone: str, most: int) -> list[str]:
    """Each with its sign; what is beyond so many is counted."""
    more = [f"… {len(found) - most:,} more events"] if len(found) > most else []
    return [*(f"{SIGNS[each.action]} {sentence(each, zone)}" for each in found[:most]), *more]


def _said(instant: datetime, zone: str) -> str:
    local = timing.zone_of(zone)
    text = f"{instant:%Y-%m-%d %H:%M} UTC"
    return text if zone == "UTC" else f"{text} ({instant.astimezone(local):%H:%M} {zone})"


def _length(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.3g} d" if hours >= 48 else f"{hours:.3g} h"


def bars(found: Sequence[KnownEvent]) -> list[str]:
    """The events over time for a terminal, a line each, and the span that the lines are of."""
    shown = found[:_DRAWN]
    if not shown:
        return []
    first, last = min(each.begin for each in shown), max(each.end for each in shown)
    lines = [f"{SIGNS[each.action]} |{_bar(each, first, last)}| {each.amount}" for each in shown]
    more = [f"… {len(found) - _DRAWN} more"] if len(found) > _DRAWN else []
    return [f"  {first:%Y-%m-%d %H:%M} … {last:%Y-%m-%d %H:%M} UTC", *lines, *more]


def _bar(each: KnownEvent, first: datetime, last: datetime) -> str:
    whole = (last - first) / timedelta(seconds=1)
    begin = int((each.begin - first) / timedelta(seconds=1) / whole * _WIDTH)
    end = max(begin + 1, round((each.end - first) / timedelta(seconds=1) / whole * _WIDTH))
    return "·" * begin + "█" * (end - begin) + "·" * (_WIDTH - end)


def mermaid(found: Sequence[KnownEvent]) -> str:
    """The same as a Gantt chart of Mermaid; what it could take for syntax is left out of the names."""
    lines = ["gantt", "  dateFormat YYYY-MM-DDTHH:mm", "  axisFormat %d %b %H:%M"]
    for services, events in _grouped(found[:_DRAWN]).items():
        lines.append(f"  section {_name(', '.join(services)) or 'services'}")
        for each in events:
            tag = "crit, " if each.action is Action.REMOVED else ""
            label = _name(f"{'gone - ' if tag else ''}{each.amount} {each.reason}")
            lines.append(f"  {label} :{tag}{each.begin:%Y-%m-%dT%H:%M}, {each.end:%Y-%m-%dT%H:%M}")
    return "\n".join(lines)


def _grouped(found: Iterable[KnownEvent]) -> dict[tuple[str, ...], list[KnownEvent]]:
    groups: defaultdict[tuple[str, ...], list[KnownEvent]] = defaultdict(list)
    for each in found:
        groups[each.services].append(each)
    return groups


def _name(text: str) -> str:
    return " ".join(_NOT_DRAWN.sub(" ", text).split())[:60]


def as_json(found: KnownEvent, zone: str) -> dict[str, Any]:
    """As `schemas/diff.schema.json` has it."""
    return {
        "action": found.action,
        "services": list(found.services),
        "from": f"{found.begin:%Y-%m-%dT%H:%M:%SZ}",
        "to": f"{found.end:%Y-%m-%dT%H:%M:%SZ}",
        "floor": found.floor,
        "factor": found.factor,
        "reason": found.reason,
        "learn": found.learn,
        "pipelines": list(found.pipelines),
        "text": sentence(found, zone),
    }
