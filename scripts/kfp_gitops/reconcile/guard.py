"""What is too much to do without being told so. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfp_gitops.base import columns
from kfp_gitops.base.errors import RefusedError
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.plan import Plan


@dataclass(frozen=True)
class Limits:
    """The blast radius that a person allows."""

    max_delete: int = 10
    """Removals; a replacement is none, nor is a version that nothing uses any more."""
    protect: frozenset[str] = frozenset()
    """Pipelines of which nothing may be removed."""
    allow_empty: bool = False
    """Whether an environment without a pipeline is meant."""


def check(plan: Plan, limits: Limits, *, desired_pipelines: int) -> None:
    """Refuse a plan that removes too much.

    Raises:
        RefusedError: with every reason.
    """
    reasons = list(_reasons(plan, limits, desired_pipelines))
    if reasons:
        raise RefusedError("\n".join(reasons))


def _reasons(plan: Plan, limits: Limits, desired_pipelines: int) -> Iterator[str]:
    removals = [change for change in plan.to_do if change.removal]
    if not desired_pipelines and not limits.allow_empty:
        yield (
            f"environment {plan.environment} has no pipeline, which means to stop everything; "
            "say --allow-empty if that is meant"
        )
    if len(removals) > limits.max_delete:
        yield (
            f"{len(removals)} removals, more than {limits.max_delete}: {_named(removals)}; "
            f"look at the plan, and say --max-delete {len(removals)} if that is meant"
        )
    gone = [*removals, *(change for change in plan.to_do if _is_version_of_a_tombstone(change))]
    protected = [change for change in gone if _is_of(change, limits.protect)]
    if protected:
        yield f"protected: {_named(protected)}; leave out --protect if that is meant"


def _is_of(change: Change, pipelines: frozenset[str]) -> bool:
    """What is left of a vanished pipeline is known by the beginning of its name alone."""
    return change.pipeline in pipelines or any(change.name.startswith(f"{name}-") for name in pipelines)


def _is_version_of_a_tombstone(change: Change) -> bool:
    """Not counted one by one, yet removed because somebody wrote so."""
    return change.kind is Kind.VERSION and change.action is Action.DELETE and not change.tidying


def _named(changes: list[Change]) -> str:
    return columns.some([f"{change.kind} {change.name}" for change in changes], 10)
