"""What .gitattributes may say: nothing by which a work tree has other bytes than its commit, or a diff fewer.

`working-tree-encoding`, `filter` and `ident` change what is checked out (gitattributes(5)); `export-subst` what is
archived; `-diff` and `linguist-generated` take a file out of the diff that GitHub shows, `gitlab-generated` out of
GitLab's; `merge` decides what a merge makes of two changes. So it is a list of what is allowed, and not of what is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfp_gitops.base.errors import Problem

_ALLOWED = re.compile(
    r"[-!]?text|text=auto|eol=lf|linguist-language=\S+|[-!]?linguist-detectable|linguist-detectable=(true|false)"
    r"|linguist-generated=false|[-!]linguist-generated"
)
# Of a text they would hide the changes. None of these endings is of anything that is read.
_OF_BINARIES = frozenset({"binary", "-diff", "-merge"})
_BINARY = re.compile(
    r"(?:[^\s\[\]?]*/)?\*\.(?:7z|avif|bz2|gif|gz|h5|ico|jar|jpe?g|joblib|npy|npz|onnx|parquet|pdf|pickle|pkl|png|pt|tar|tgz"
    r"|ttf|webp|whl|woff2?|xz|zip|zst)"
)
_LINE = re.compile(r'[ \t]*(?P<pattern>"(?:[^"\\]|\\.)*"|\S+)(?P<rest>.*)')
_TODO = (
    "take it out: what is reviewed must be the bytes that are read; allowed are text, eol=lf, and binary for *.gz and "
    "the like"
)


def problems(text: str, path: str) -> Iterator[Problem]:
    """Every attribute that is not allowed, with its place."""
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINE.match(line)
        if found is None or found["pattern"].startswith("#"):
            continue
        pattern, start = found["pattern"], found.start("pattern") + 1
        if pattern.startswith("[attr]"):
            yield Problem(path, number, start, f"{pattern} gives attributes another name", _TODO)
        binary = _BINARY.fullmatch(pattern) is not None
        for word in re.finditer(r"\S+", found["rest"]):
            if not (_ALLOWED.fullmatch(word[0]) or (binary and word[0] in _OF_BINARIES)):
                column = found.start("rest") + word.start() + 1
                yield Problem(path, number, column, f"attribute {word[0]} of {pattern}", _TODO)
