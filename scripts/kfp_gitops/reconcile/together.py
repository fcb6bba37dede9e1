"""Pipelines of a plan that change in the same way, so that the way is told once and each of them is named.

Told together is only what differs in nothing but the pipeline's name, its versions, the digest of its release and when
its schedules fire; the first two and the last are told of each one, and a version stands for its release.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from kfp_gitops.base import alike
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.drift import Difference
from kfp_gitops.reconcile.plan import Plan


def blocks(plan: Plan) -> list[list[list[Change]]]:
    """What changes, by pipeline: those that stand alone first, for a reader of many alike would miss them."""
    return alike.grouped(
        _by_pipeline(plan), lambda changes: id(changes) if _alone(changes) else _key(changes)
    )


def are_alike(block: Sequence[object]) -> bool:
    """Whether a block is told as one."""
    return len(block) >= alike.MANY


def _by_pipeline(plan: Plan) -> list[list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in plan.changes:
        if change.action is not Action.UNCHANGED:
            found.setdefault(change.pipeline, []).append(change)
    return list(found.values())


def _alone(changes: Sequence[Change]) -> bool:
    """Whether a person should look at this one: a conflict, runs in flight, firings that did not happen."""
    return any(change.action is Action.CONFLICT or change.in_flight or change.missed for change in changes)


def _key(changes: Sequence[Change]) -> tuple[object, ...]:
    """Equal for what may be told together: values count in their whole length, also digests in them."""
    return tuple((c.action, c.kind, shaped(c, c.name), shaped(c, c.reason), _values(c)) for c in changes)


def shaped(change: Change, text: str) -> str:
    """A text about a change without what is its pipeline's own."""
    return alike.shape(text, change.pipeline)


def _values(change: Change) -> tuple[object, ...]:
    return tuple((d.field, without_own(change, d)) for d in change.differences)


def without_own(change: Change, found: Difference) -> tuple[object, object]:
    """The values of a difference, a version as `sha-…` and the pipeline's name as `…`."""
    return _without(change, found, found.old), _without(change, found, found.new)


def _without(change: Change, found: Difference, value: object) -> object:
    if found.field == "version" and value is not None:
        return alike.VERSION.sub("sha-…", str(value))
    return alike.named(json.dumps(value, sort_keys=True, default=str), change.pipeline)


def own(changes: Sequence[Change]) -> str:
    """A pipeline with its versions, old → new, what goes of them, and when its schedules fire."""
    gone = [c.name for c in changes if c.kind is Kind.VERSION and c.action is Action.DELETE]
    new = [c.name for c in changes if c.kind is Kind.VERSION and c.action is not Action.DELETE]
    pins = [d for c in changes for d in c.differences if d.field == "version"]
    old = [str(d.old) for d in pins if d.old is not None and d.old not in new]
    crons = [cron for c in changes for cron in alike.CRON.findall(c.reason)]
    versions = " → ".join(dict.fromkeys([*old, *new, *(str(d.new) for d in pins)]))
    more = [*([f"without {' '.join(gone)}"] if gone else []), *(f"({cron})" for cron in crons)]
    return " ".join(filter(None, [changes[0].pipeline, versions, *more]))
