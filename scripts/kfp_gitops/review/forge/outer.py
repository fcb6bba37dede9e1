"""Attributes that folders above give to ours, a folder of a larger repository: git says what they come to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from kfp_gitops.base import git
from kfp_gitops.base.errors import Problem

_ENCODING = ("working-tree-encoding", "filter", "ident")
_NONE = frozenset({"unspecified", "unset"})
_TODO = (
    "take it from this folder in the .gitattributes above: what is reviewed must be the bytes that are read"
)


def problems(root: Path, paths: Sequence[str]) -> Iterator[Problem]:
    """Each of the files that has other bytes in a work tree than in its commit."""
    above = git.call(root, "rev-parse", "--show-prefix") if shutil.which("git") else None
    if above is None or above.returncode != 0 or not above.stdout.strip():
        return
    asked = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    said = git.call(root, "check-attr", "--stdin", "-z", *_ENCODING, given=asked).stdout
    words = said.decode("utf-8", "surrogateescape").split("\0")
    for path, name, value in zip(words[::3], words[1::3], words[2::3], strict=False):
        if value not in _NONE:
            yield Problem(path, 0, 0, f"attribute {name}={value}", _TODO)
