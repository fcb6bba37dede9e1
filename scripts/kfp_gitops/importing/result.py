"""What an import comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base.errors import Problem


@dataclass(frozen=True)
class Imported:
    """What is to be written, and what the proof said."""

    name: str
    template: Mapping[str, str]
    specs: Mapping[str, str]
    values: Mapping[str, Any]
    images: tuple[str, ...]
    digest: str
    told: tuple[str, ...]
    """What kfp 2.17 writes in another way than the file has it, and means the same."""
    kept: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    """The compiled files beside the template, each with why no manifest says it; of a whole file it is this one."""
    whole: bool = False
    """The file stays in one piece, in place of tasks."""
    accepted: tuple[str, ...] = ()
    """The kinds of faults that the file has, which its manifest accepts."""
