"""Values that a run is given from outside: by hand, by a backfill, or by the run that is run again.

They are judged as those of a trigger are, which begins a run with some, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kfp_gitops.base import gojson
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document
from kfp_gitops.checking.check import quotes, sizes, uses, values
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language import argotext
from kfp_gitops.language.manifest import Manifest, Trigger
from kfp_gitops.sources.components import Interface

_AT = "--param"


@dataclass(frozen=True)
class _Given(Document):
    """Has no lines: a problem of a given value is told at its name, any other at nothing."""

    def problem(
        self, at: Sequence[str | int], what: str, todo: str, *, key: bool = False, fault: str = ""
    ) -> Problem:
        del key, fault  # a value that is given has one place only, and nobody accepts what is wrong with it
        name = ".".join(map(str, at[2:])) if at[:1] == (_AT,) else ""
        return Problem(name, 1, 1, what, todo)


def faults(
    manifest: Manifest, pipelines: Mapping[str, Interface], given: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Name, what is wrong and what to do, of each value that KFP or Argo would not take as it is."""
    document = _Given("", manifest.document.value, {}, {})
    defaults = {p.name: p.default.value for p in manifest.parameters if p.default is not None}
    start = Trigger(_AT, given, (_AT,))
    alone = replace(manifest, document=document, schedules=(), triggers=(start,))
    context = Context(alone, {}, pipelines)
    found = [*_alone(given), *too_large({**defaults, **given})]
    for name, value in given.items():
        found += _told(values.constant_problems(context, value, (_AT, "parameters", name)))
    for check in (quotes, uses):
        found += _told(check.problems(context))
    return sorted(set(found))


def _alone(given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    todo = "keep the braces apart, such as { {…} }"
    for at, text in argotext.places(dict(given)):
        yield ".".join(map(str, at)), argotext.said(text), todo


def too_large(given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Parameters that are no argument of the driver any more; told of the largest."""
    size = gojson.size({"parameterValues": dict(given)})
    if size > sizes.MOST:
        largest = max(given, key=lambda name: gojson.size({name: given[name]}))
        what = f"the parameters of the run are {size} bytes of JSON, one argument of KFP's driver"
        yield (
            largest,
            what,
            f"hand large values over as an artifact: Linux takes {sizes.MOST} bytes in one argument",
        )


def unknown_pipeline(given: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The same where only the values are known, and not what uses them."""
    return [*_alone(given), *too_large(given)]


def _told(problems: Iterator[Problem]) -> Iterator[tuple[str, str, str]]:
    for problem in problems:
        if problem.path:
            yield problem.path, problem.what, problem.todo
