"""Judge: subjects × checks − waivers → problems. Pure."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from jsonschema.exceptions import ValidationError, best_match

from kfp_gitops.base.errors import Problem
from kfp_gitops.review.policy import alike
from kfp_gitops.review.policy.reader import POLICY, Check, Policy, Waiver
from kfp_gitops.review.policy.subject import Subject


def judge(policy: Policy, subjects: Iterable[Subject], today: date, *, whole: bool = True) -> list[Problem]:
    """Every object that a check refuses and no waiver excuses, and every waiver that has ended or excuses nothing.

    `whole`: the subjects are those of all environments, so a waiver that excuses none of them is useless.
    """
    excused = {(waiver.check, waiver.object): waiver for waiver in policy.waivers}
    used: set[Waiver] = set()
    refused: list[tuple[Hashable, str, Problem]] = []
    for subject, check, problem in _refused(policy, subjects):
        waiver = excused.get((check.id, subject.name))
        if waiver is None:
            refused.append((_same(subject, check), alike.pipeline_of(problem.path), problem))
        else:
            used.add(waiver)
    idle = [waiver for waiver in policy.waivers if whole and waiver not in used]
    return sorted({*alike.together(refused), *_useless(policy, idle, today)})


def _same(subject: Subject, check: Check) -> Hashable:
    """What is the same for pipelines of one template: all of the object's name but the pipeline's."""
    environment, _, rest = subject.name.partition("/")
    return check.id, environment, rest.partition("/")[2], _shown(subject)


def _refused(policy: Policy, subjects: Iterable[Subject]) -> Iterator[tuple[Subject, Check, Problem]]:
    errors: dict[tuple[str, str], ValidationError | None] = {}
    for subject in subjects:
        for check in policy.checks:
            if check.select == subject.kind and check.is_about(subject.environment):
                error = _error(check, subject.value, errors)
                if error is not None:
                    at = (*subject.at, *error.absolute_path)
                    yield (
                        subject,
                        check,
                        subject.document.problem(at, _what(check, subject), subject.fix or check.fix),
                    )


def _error(
    check: Check, value: Any, known: dict[tuple[str, str], ValidationError | None]
) -> ValidationError | None:
    """What is wrong; the same text is judged once, for thousands of pipelines have the same few."""
    if not isinstance(value, str):
        found: ValidationError | None = best_match(check.validator.iter_errors(value))
        return found
    key = (check.id, value)
    if key not in known:
        known[key] = best_match(check.validator.iter_errors(value))
    return known[key]


def _what(check: Check, subject: Subject) -> str:
    return f"policy {check.id}: {subject.name}{_shown(subject)}: {check.reason}"


def _shown(subject: Subject) -> str:
    # A text may be refused because it is a secret, and what is told here stands in logs.
    return f" is {json.dumps(subject.value)}" if subject.kind in ("image", "install") else subject.said


def _useless(policy: Policy, idle: Sequence[Waiver], today: date) -> Iterator[Problem]:
    for waiver in policy.waivers:
        at: tuple[str | int, ...] = ("waivers", waiver.index)
        what = f"the waiver of {waiver.check} for {waiver.object}"
        if waiver.until < today:
            todo = "mend what it excused, or have a new date reviewed"
            yield policy.document.problem((*at, "until"), f"{what} ended on {waiver.until}", todo)
        elif waiver in idle:
            yield policy.document.problem(
                (*at, "object"), f"{what} excuses nothing", f"remove it from {POLICY}"
            )
