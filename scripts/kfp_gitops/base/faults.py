"""What is wrong in many files in the same words, told once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kfp_gitops.base import alike
from kfp_gitops.base.errors import GitOpsError, InputError, Problem

_ENTRY = re.compile(r"\bpipelines\.[\w-]+")
_MOST = 50
"""Faults that are told one by one, however alike they are."""


def told(error: GitOpsError) -> str:
    """The text of an error; of very many faults the same one of many files once, for they are mended at once."""
    if not isinstance(error, InputError):
        return str(error)
    text = str(error) if len(error.problems) <= _MOST else _together(error.problems)
    return "\n".join([text, *_acceptable(error.problems)])


def _together(problems: Sequence[Problem]) -> str:
    return "\n".join(
        f"{first}{f' (and the same at {len(more):,} more places)' if more else ''}"
        for first, *more in grouped(problems)
    )


def _acceptable(problems: Sequence[Problem]) -> Iterator[str]:
    """How to go on with what KFP registers anyway, where nothing else is wrong."""
    if problems and all(problem.fault for problem in problems):
        kinds = ", ".join(sorted({problem.fault for problem in problems}))
        yield (
            "KFP registers that all the same; who runs it so can accept it in the manifest: "
            f"`acceptedFaults: [{kinds}]` in `spec:` (docs/manifest-reference.md)"
        )


def grouped(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Those with the same words together, where they are many."""
    return alike.grouped(problems, lambda one: (_words(one.what), _words(one.todo)))


def _words(text: str) -> str:
    """Without which pipeline it is of, where the place of a value says so."""
    return _ENTRY.sub("pipelines.…", alike.shape(text))
