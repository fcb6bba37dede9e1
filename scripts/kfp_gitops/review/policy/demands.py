"""What a team wants of a change by how far it reaches: a label on its pull request, or that it does not come. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from kfp_gitops.base.errors import Problem
from kfp_gitops.review.policy import alike
from kfp_gitops.review.policy.reader import Demand, Policy


@dataclass(frozen=True)
class Changed:
    """A pipeline that a pull request changes, and how far the change reaches."""

    environment: str
    pipeline: str
    category: str
    breaks: tuple[str, ...] = ()


def unmet(policy: Policy, changes: Iterable[Changed], labels: Collection[str]) -> list[Problem]:
    """Every change that a demand refuses, for want of its label or altogether."""
    return alike.together(
        (
            (demand.index, found.environment, found.category, found.breaks),
            found.pipeline,
            _problem(policy, demand, found),
        )
        for found, demand in _unmet(policy, changes, labels)
    )


def _unmet(
    policy: Policy, changes: Iterable[Changed], labels: Collection[str]
) -> Iterator[tuple[Changed, Demand]]:
    for found in changes:
        for demand in policy.demands:
            if demand.is_about(found.environment, found.category) and demand.label not in labels:
                yield found, demand


def _problem(policy: Policy, demand: Demand, found: Changed) -> Problem:
    what = f"{found.environment}/{found.pipeline}: the change is of category {found.category}"
    what += f" ({'; '.join(found.breaks)})" if found.breaks else ""
    todo = f"give the pull request the label {demand.label}" if demand.label else "it may not come like this"
    return policy.document.problem(("changes", demand.index), f"{what}: {demand.reason}", todo)
