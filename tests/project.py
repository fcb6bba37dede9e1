"""The repository as tests see it. Not in conftest.py, of which there may be several.

`ROOT` is the repository that these files stand in, which may be a fork: for tests of its own inputs.
`PROJECT` has the same code and what the product ships in place of what a fork changes: for tests of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import assembly

HERE = Path(__file__).parent
ROOT = HERE.parent
if TYPE_CHECKING:
    PROJECT: Path


@cache
def __getattr__(name: str) -> Path:
    """`PROJECT` when it is asked for: a fork's own tests spare the seconds that it takes to assemble."""
    if name == "PROJECT":
        return assembly.project()
    raise AttributeError(name)


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
