"""What is wrong with a template is wrong with each pipeline that is made from it: it is told once, and of whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kfp_gitops.base.errors import Problem
from kfp_gitops.sources import released, way
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import template_folder

_NAMED = 3  # pipelines
_VARIANTS = 3
"""Faults of one line that differ in what they quote: of more of them these are told, and how many pipelines more."""


def told(env: Environment, found: Iterable[tuple[str, Sequence[Problem]]]) -> list[Problem]:
    """Problems (or warnings) of pipelines, those at one template together, in order of position.

    So are pipelines that were never promoted, those of one file.
    """
    lone = _lone(env)
    wrong = {pipeline: problems for pipeline, problems in found if problems}
    missing = released.never_promoted(env, wrong)
    whose: dict[Problem, list[str]] = {}
    for pipeline, problems in wrong.items():
        for problem in () if pipeline in missing else dict.fromkeys(problems):
            whose.setdefault(problem, []).append(pipeline)
    plain = {problem for problem, pipelines in whose.items() if not _of_template(env, problem, pipelines[0])}
    plain |= {problem for problem, pipelines in whose.items() if len(pipelines) == 1 and pipelines[0] in lone}
    shared = {problem: pipelines for problem, pipelines in whose.items() if problem not in plain}
    return sorted([*plain, *_shared(shared), *way.never_promoted(env.values, env.name, [*missing])])


def _lone(env: Environment) -> set[str]:
    """Pipelines that have a template of their own name to themselves: its path tells which one it is."""
    used: dict[str, list[str]] = {}
    for name in env.pipelines:
        used.setdefault(env.template_of(name), []).append(name)
    return {template for template, names in used.items() if names == [template]}


def _of_template(env: Environment, problem: Problem, pipeline: str) -> bool:
    """A pinned copy is one pipeline's, and so is a line of an environment's values."""
    return problem.path.startswith(f"{template_folder(env.template_of(pipeline))}/")


def _shared(whose: Mapping[Problem, list[str]]) -> Iterator[Problem]:
    places: dict[tuple[str, int, int], list[Problem]] = {}
    for problem in sorted(whose):
        places.setdefault((problem.path, problem.line, problem.column), []).append(problem)
    for variants in places.values():
        some, rest = variants[:_VARIANTS], variants[_VARIANTS:]
        more = {pipeline for problem in rest for pipeline in whose[problem]}
        for problem in some:
            last = bool(more) and problem is some[-1]
            beside = f"; as wrong in its own way for {_more(len(more))}" if last else ""
            yield replace(problem, what=f"{problem.what} ({_of(whose[problem])}{beside})")


def _of(pipelines: Sequence[str]) -> str:
    names, more = [repr(name) for name in pipelines[:_NAMED]], len(pipelines) - _NAMED
    if len(pipelines) == 1:
        return f"for pipeline {names[0]}"
    if more > 0:
        return f"for pipelines {', '.join(names)} and {_more(more)}"
    return f"for pipelines {', '.join(names[:-1])} and {names[-1]}"


def _more(count: int) -> str:
    return f"{count} more pipeline{'' if count == 1 else 's'}"
