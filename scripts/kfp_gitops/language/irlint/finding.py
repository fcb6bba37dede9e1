"""One thing that is wrong in an IR."""

from __future__ import annotations

from dataclasses import dataclass

from kfp_gitops.base.yamltext import Path


@dataclass(frozen=True)
class Finding:
    """`document` is 0 for the pipeline spec and 1 for the platform spec; `at` is a path in it.

    `fault`: its kind, where KFP registers the pipeline anyway and some runs work (`language.faults`).
    """

    document: int
    at: Path
    what: str
    todo: str
    fault: str = ""
