"""A proposal into a work tree: what changed is written, what left is deleted, the rest is not touched."""

from __future__ import annotations

from pathlib import Path

from predictive_scaling.base.documents import write_bytes
from predictive_scaling.proposals.tree import Files


def write_files(folder: Path, before: Files, after: Files) -> None:
    """Make a folder's files those of a proposal."""
    for path, text in after.items():
        if before.get(path) != text:
            write_bytes(folder / path, text.encode())
    for path in before.keys() - after.keys():
        (folder / path).unlink(missing_ok=True)
        _prune(folder, (folder / path).parent)


def _prune(folder: Path, each: Path) -> None:
    """Delete folders that are empty now."""
    while each != folder and not any(each.iterdir()):
        each.rmdir()
        each = each.parent
