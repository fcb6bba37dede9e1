"""What is wrong in many files in the same words, told once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfp_gitops.base import alike
from kfp_gitops.base.errors import GitOpsError, InputError, Problem

_ENTRY = re.compile(r"\bpipelines\.[\w-]+")
_MOST = 50
"""Faults that are told one by one, however alike they are."""


def told(error: GitOpsError) -> str:
    """The text of an error; of very many faults the same one of many files once, for they are mended at once."""
    if not isinstance(error, InputError) or len(error.problems) <= _MOST:
        return str(error)
    return "\n".join(
        f"{first}{f' (and the same at {len(more):,} more places)' if more else ''}"
        for first, *more in grouped(error.problems)
    )


def grouped(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Those with the same words together, where they are many."""
    return alike.grouped(problems, lambda one: (_words(one.what), _words(one.todo)))


def _words(text: str) -> str:
    """Without which pipeline it is of, where the place of a value says so."""
    return _ENTRY.sub("pipelines.…", alike.shape(text))
