"""What a change does to what starts runs other than time, in records and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.review.diff import schedules, values
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import Action, Change, Kind

_STATES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "ENDED": "ended"}
_FACTS = {"output": "{} of that run", "run": "the {} of that run", "data": "the {} of the data"}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """What differs in the triggers of two manifests, by their names."""
    old, new = (schedules.by_name(manifest, "triggers") for manifest in (before, after))
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            yield Change(Action.ADDED, Kind.TRIGGER, name, after=new[name])
        elif name not in new:
            yield Change(Action.REMOVED, Kind.TRIGGER, name, before=old[name])
        else:
            for field, left, right in differences(old[name], new[name]):
                yield Change(Action.CHANGED, Kind.TRIGGER, name, field, left, right)


def words(trigger: Mapping[str, Any]) -> str:
    """All that one says: when it starts a run, how many, and with what."""
    known = {"name", "runOn", "parameters", "onlyWithin", "onMissed", "maxConcurrency", "enabled"}
    return ", ".join(
        [
            _on(trigger.get("runOn")),
            *(["off"] if trigger.get("enabled") is False else []),
            *([f"only {_window(trigger['onlyWithin'])}"] if "onlyWithin" in trigger else []),
            *([f"missed: {values.words(trigger['onMissed'])}"] if "onMissed" in trigger else []),
            *([f"{values.words(trigger['maxConcurrency'])} at once"] if "maxConcurrency" in trigger else []),
            *(_given(trigger)),
            *(f"{key}: {values.words(item)}" for key, item in trigger.items() if key not in known),
        ]
    )


def _on(said: Any) -> str:
    match said:
        case "change":
            return "when a release is new"
        case {"pipeline": str(name), **rest} if rest.keys() <= {"state", "versions"}:
            state = _STATES.get(str(rest.get("state", "SUCCEEDED")), values.words(rest.get("state")))
            any_version = ", of any version" if rest.get("versions") == "any" else ""
            return f"after each run of {name} that {state}{any_version}"
        case {"data": {"uri": str(uri), "changes": "etag"}}:
            return f"when {uri} is another object"
        case {"data": {"uri": str(uri), "changes": "newest-key"}}:
            return f"when another key under {uri} is the newest"
    return f"runOn: {values.words(said)}"


def _window(said: Any) -> str:
    match said:
        case {"from": str(start), "to": str(end), **rest} if rest.keys() <= {"days"}:
            days = f" on {values.words(rest['days'])}" if rest else ""
            return f"from {start} to {end}{days} UTC"
        case {"days": days, **rest} if not rest:
            return f"on {values.words(days)} UTC"
    return values.words(said)


def _given(trigger: Mapping[str, Any]) -> Iterator[str]:
    given = trigger.get("parameters") or {}
    if not isinstance(given, Mapping):
        yield f"parameters: {values.words(given)}"
        return
    by_cause = isinstance(trigger.get("runOn"), Mapping)
    yield from (
        f"{name}: {_value(value) if by_cause else values.words(value)}" for name, value in given.items()
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and len(value) == 1:
        ((key, inner),) = value.items()
        if key in _FACTS and isinstance(inner, str):
            return _FACTS[key].format(inner)
        if key == "constant":
            return values.words(inner)
    return values.words(value)
