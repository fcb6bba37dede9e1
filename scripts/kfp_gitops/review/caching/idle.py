"""What does nothing from its second run on: every key is the same, so the cache answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language import macros
from kfp_gitops.language.manifest import OnChange, Trigger, triggers
from kfp_gitops.review.caching import read
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.starts import scheduled
from kfp_gitops.review.caching.values import Motion

WHY = "from its second firing on, KFP's cache answers every task, and nothing runs"
TODO = "write `cache: false` at the task that reads what moves, or hand it {run: schedule-time}"
_WHY_OF_TRIGGER = "from its second run on, KFP's cache answers every task, and nothing runs"
_TODO_OF_TRIGGER = (
    "write `cache: false` at the task that reads what moves, or give a parameter that it takes what moves with each "
    "cause, such as {run: id}, {output: …} or {data: etag}"
)


def idle(side: Side, *, enabled: bool = False) -> list[str]:
    """The schedules (of those that are on, with `enabled`) of which every firing has the keys of the first.

    A task whose key depends on a value that may come out another is taken for one that runs.
    """
    wanted = [one for one in scheduled(side.manifest) if one.get("enabled") or not enabled]
    return [str(one["name"]) for one in wanted if _stands_still(side, one.get("parameters") or {})]


def idle_triggers(side: Side, *, enabled: bool = False) -> list[str]:
    """The same of triggers after other pipelines and on data: those that hand over nothing of their cause."""
    found = side.manifest.get("triggers")
    wanted = [one for item in (found if isinstance(found, list) else []) if (one := _by_cause(item))]
    return [
        one.name
        for one in wanted
        if (one.enabled or not enabled)
        and not one.references
        and not any(True for value in one.constants.values() for _ in _macros(value))
        and _stands_still(side, one.constants)
    ]


def _by_cause(item: Any) -> Trigger | None:
    """None for one on change, of which each release has one run; and for what is none."""
    try:
        trigger = triggers.of(item, ())
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return None if isinstance(trigger.run_on, OnChange) else trigger


def _macros(value: Any) -> Iterator[str]:
    """Those that KFP expands anew for each run of a trigger."""
    if isinstance(value, str):
        yield from (name for name in macros.names(value) if name not in macros.OF_SCHEDULES)


def warnings(side: Side) -> list[str]:
    """A line for each that is on."""
    return [
        *(f"schedule {name}: {WHY}; {TODO}" for name in idle(side, enabled=True)),
        *(
            f"trigger {name}: {_WHY_OF_TRIGGER}; {_TODO_OF_TRIGGER}"
            for name in idle_triggers(side, enabled=True)
        ),
    ]


def _stands_still(side: Side, parameters: Mapping[str, Any]) -> bool:
    """Macros in the parameters of a schedule are not expanded (language.macros): they are texts like any other."""
    try:
        steps = read.steps(side, parameters)
    except read.UnreadableError:
        return False
    return bool(steps) and all(step.motion is Motion.STEADY for step in steps)
