"""What is refused of many pipelines for the same reason, told once: they are made from one template. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from kfp_gitops.base.errors import Problem

FEWEST = 3
"""Fewer are told one by one."""
_NAMED = 3
_PATH = re.compile(r"(manifests/[^/]+/pipelines/)([^/]+)(/.*)")


def pipeline_of(path: str) -> str:
    """Whose a rendered file is; empty where it is no pipeline's."""
    found = _PATH.fullmatch(path)
    return found[2] if found else ""


def together(found: Iterable[tuple[Hashable, str, Problem]]) -> list[Problem]:
    """Of (what makes it the same, whose it is, problem): those of many at the first of them, which says how many more.

    What is nobody's stands alone.
    """
    groups: dict[Hashable, list[tuple[str, Problem]]] = {}
    for index, (what, pipeline, problem) in enumerate(found):
        groups.setdefault((what, problem.todo) if pipeline else index, []).append((pipeline, problem))
    return [problem for group in groups.values() for problem in _of(group)]


def _of(group: Sequence[tuple[str, Problem]]) -> list[Problem]:
    others = list(dict.fromkeys(name for name, _ in group if name != group[0][0]))
    if len(others) + 1 < FEWEST:
        return [problem for _, problem in group]
    names = ", ".join(others[:_NAMED]) + (", …" if len(others) > _NAMED else "")
    first = group[0][1]
    own = [problem for name, problem in group if name == group[0][0] and problem != first]
    return [replace(first, what=f"{first.what} (and of {len(others):,} more pipelines: {names})"), *own]
