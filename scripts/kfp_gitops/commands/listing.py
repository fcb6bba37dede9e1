"""Lists that grow with the fleet: the first lines and how many more there are, the same warning of many once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kfp_gitops.base import alike, columns, faults
from kfp_gitops.base.errors import Problem
from kfp_gitops.commands import console

_MOST = 20
"""Lines of a list."""


def results(lines: Iterable[str], *, everything: bool = False, option: str = "--verbose") -> None:
    """What was asked for, on stdout; `option` is what shows everything."""
    found = list(lines)
    for line in found if everything else columns.first_of(found, _MOST, f"… {{more}} more ({option})"):
        console.result(line)


def warnings(problems: Iterable[Problem], *, everything: bool = False, option: str = ": --verbose") -> None:
    """What is allowed and most likely not meant; `option` is what shows each."""
    found = list(problems)
    for first, *more in [[one] for one in found] if everything else faults.grouped(found):
        rest = f" (and the same at {len(more):,} more places{option})" if more else ""
        console.note(f"{first.as_warning()}{rest}")


def reasons(told: Sequence[tuple[str, str]], *, everything: bool = False, option: str = "--all") -> None:
    """Why pipelines (or other things of a name) were left or failed; the same reason of many stands there once."""
    groups = (
        [[one] for one in told]
        if everything
        else alike.grouped(told, lambda one: alike.shape(one[1], one[0]))
    )
    lines = [f"{name}{f' and {len(more):,} more' if more else ''}: {why}" for ((name, why), *more) in groups]
    for line in lines if everything else columns.first_of(lines, _MOST, f"… {{more}} more ({option})"):
        console.note(line)
