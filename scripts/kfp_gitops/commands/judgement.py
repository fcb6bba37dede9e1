"""What the policy says of rendered environments, and of a change of them: for `policy`, and for the page of a diff."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from kfp_gitops.base import bounds
from kfp_gitops.base.errors import InputError, Problem, attempted
from kfp_gitops.rendering.rendered import ENVIRONMENT
from kfp_gitops.review import policy
from kfp_gitops.review.diff import revision
from kfp_gitops.review.policy.claims import twice_claimed
from kfp_gitops.review.policy.demands import Changed, unmet
from kfp_gitops.review.policy.in_environments import gates_of
from kfp_gitops.review.policy.of_teams import beyond_limits
from kfp_gitops.review.policy.subject import Subject
from kfp_gitops.review.policy.subjects import shared, subjects
from kfp_gitops.review.promotion.provenance import skipped
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment


@dataclass(frozen=True)
class Asked:
    """What is to be judged: `names` of the `known` environments, as of a day, and `beside` what they share.

    `parts`: of these environments only these files; None: all that is theirs.
    """

    root: Path
    known: Sequence[str]
    names: Sequence[str]
    today: date
    beside: bool
    labels: Sequence[str] = ()
    parts: Mapping[str, Collection[str]] | None = None


@dataclass(frozen=True)
class Found:
    """What is refused, what the policy wants of the change, and how much was looked at."""

    refused: Sequence[Problem]
    demanded: Sequence[Problem]
    said: str


def judged(asked: Asked, changed: Sequence[Changed] | None = None, base: str | None = None) -> Found:
    """The judgement; `changed` since `base` is judged too, where both are given.

    Raises:
        InputError: the policy, or what it is about, cannot be read: every problem of both, and of each environment.
    """
    root, names = asked.root, asked.names
    found, looked_at, inputs = _read(asked)
    # Else a waiver may be for what nobody looked at.
    whole = asked.beside and asked.parts is None and len(names) == len(asked.known)
    with bounds.bounded(policy.POLICY):  # a pattern in it can take for ever
        refused = policy.judge(found, looked_at, asked.today, whole=whole)
    demanded = _demanded(asked, found, changed, base) if changed is not None and base is not None else []
    past = skipped(root, inputs)
    limits = beyond_limits(root, names)
    said = f"policy: {len(found.checks)} checks, {len(looked_at)} objects"
    return Found([*twice_claimed(root, asked.known), *past, *limits, *refused], demanded, said)


def _read(asked: Asked) -> tuple[policy.Policy, list[Subject], list[Environment]]:
    """The policy, what it judges, and the inputs of the environments."""
    problems: list[Problem] = []
    found = attempted(problems, partial(policy.read, asked.root))
    problems += [] if found is None else policy.unknown_environments(found, asked.known)
    looked_at = [
        one for name in asked.names for one in attempted(problems, partial(_subjects, asked, name)) or ()
    ]
    looked_at += attempted(problems, lambda: [*shared(asked.root)]) or [] if asked.beside else []
    loaded = [attempted(problems, partial(environment.load, asked.root, name)) for name in asked.names]
    if problems or found is None:
        raise InputError(problems)
    inputs = [one for one in loaded if one is not None]
    looked_at += [one for env in inputs if _has_releases(asked, env.name) for one in gates_of(env)]
    return found, looked_at, inputs


def _has_releases(asked: Asked, name: str) -> bool:
    """Whether what tells its releases is to be judged."""
    return asked.parts is None or ENVIRONMENT in asked.parts.get(name, (ENVIRONMENT,))


def _subjects(asked: Asked, name: str) -> list[Subject]:
    return [*subjects(asked.root, name, (asked.parts or {}).get(name))]


def _demanded(asked: Asked, found: policy.Policy, changed: Sequence[Changed], base: str) -> list[Problem]:
    """By the policy as it is and as it was: who takes a demand out needs what it asks for, once more."""
    policies = [found]
    root = asked.root
    earlier = revision.at(root, revision.resolve(root, base), "environments").get("policy.yaml")
    if earlier is not None:
        policies.append(policy.from_text(earlier, f"{policy.POLICY} at {base}"))
    told = [problem for one in policies for problem in unmet(one, changed, asked.labels)]
    return list({(problem.what, problem.todo): problem for problem in reversed(told)}.values())
