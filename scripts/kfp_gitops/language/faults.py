"""Faults with which KFP registers a pipeline, and some of its runs work: who runs it so may accept them by kind.

What KFP's server, its driver or Kubernetes refuses of every run is none of them. The facts are of KFP 2.17.0, at the
modules that find each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from kfp_gitops.base.errors import Problem

KINDS: Mapping[str, str] = {
    "accelerator-left-out": "an accelerator without a type: KFP gives the container none",
    "claim-cached": "a claim of one name, made by a step with the cache on: after the first run KFP makes none",
    "claim-raced": "a claim that is removed while a task may still use it",
    "concat-as-json": "a `Concat` in a command line: the container gets it as the JSON that it is",
    "default-unread": "a default that a command line names, and the task does not hand over: it fails",
    "empty-loop": "a list that is empty by default, whose loop's results are collected: who takes these fails",
    "exit-forgotten": "a task that ignores failures, which KFP starts at no end of another: it never runs",
    "fact-left": "a fact of the run where KFP replaces none: the task gets the placeholder",
    "if-present-as-json": "an `IfPresent` that names an output: the container gets it as the JSON that it is",
    "if-present-of-artifact": "an `IfPresent` of an artifact, which is always false",
    "if-present-of-parts": "an `IfPresent` with parts that are no texts: the task fails where that branch is taken",
    "importer-name": "an importer in a branch, shown under another name: a task that takes its artifact fails",
    "json-unescaped": "a value that breaks the JSON in which KFP puts it, by default",
    "list-in-loop": "the list of a loop where it is used inside that loop: KFP takes it away there, and the task fails",
    "optional-artifact": "an optional artifact that is used: the task fails where it is not given",
    "optional-parameter": "an optional parameter where there must be a value: a run that does not give it fails",
    "output-unwritten": "an output of which the container is not told where to write it",
    "pipeline-root": "a pipeline root that KFP does not read: every run needs another",
    "placeholder-left": "a placeholder that KFP does not replace: the container gets its text",
    "retry-lost": "a retry that is never made, or ends in an error",
    "unfit-default": "a default that KFP or Kubernetes refuses where it is used: a run must give another",
}
"""All kinds, and what each is; those of a manifest's `spec.acceptedFaults`."""


def judged(problems: Iterable[Problem], accepted: Collection[str]) -> tuple[list[Problem], list[Problem]]:
    """What is refused, and what is accepted, as warnings."""
    refused: list[Problem] = []
    told: list[Problem] = []
    for problem in problems:
        if problem.fault and problem.fault in accepted:
            told.append(replace(problem, what=f"accepted ({problem.fault}): {problem.what}"))
        else:
            refused.append(problem)
    return refused, told


def once(warnings: Iterable[Problem]) -> list[Problem]:
    """Warnings with those of accepted faults once for each kind, at the first place, which says how many more."""
    found: list[Problem] = []
    more: dict[str, list[Problem]] = {}
    for warning in warnings:
        if warning.fault:
            more.setdefault(warning.fault, []).append(warning)
        else:
            found.append(warning)
    return sorted([*found, *map(_first, more.values())])


def _first(alike: list[Problem]) -> Problem:
    first, *others = sorted(alike)
    if not others:
        return first
    return replace(first, what=f"{first.what} (and at {len(others)} more)")
