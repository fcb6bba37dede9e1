"""A compiled pipeline as files of this repository, and the proof that they compile to it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.importing.result import Imported
from kfp_gitops.importing.said import Asked, said
from kfp_gitops.importing.whole import whole
from kfp_gitops.sources import brought

__all__ = ["Imported", "imported"]


def imported(
    text: str,
    path: str,
    present: Mapping[str, str],
    owner: str | None,
    env: str,
    schedules: Sequence[Mapping[str, Any]] = (),
    *,
    strict: bool = False,
) -> Imported:
    """The files for a compiled pipeline; `present` are the specs of components/ that are there.

    `schedules` are those that it has, as a manifest says them; they become values. What no manifest says stays a
    compiled file: the smallest pipeline inside that has it, or the whole; with `strict` it is refused.

    Raises:
        InputError: it is none, or it cannot run; with `strict`, each place that a manifest cannot say, or that would
            not come out as it is.
    """
    file = brought.read(text, path)
    name = file.spec.value["pipelineInfo"]["name"]
    asked = Asked(present, owner or f"{name[:58]}-team", env, schedules)
    try:
        return said(file, asked, strict=strict)
    except InputError as error:
        if strict:
            raise
        return whole(file, text, asked, error.problems)
