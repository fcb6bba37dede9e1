"""What a diff does not show, or shows in another order than it is read.

A NUL makes a text a «binary file» of which forges show nothing, and a comment of a template may hold one; a carriage
return, a bidirectional mark (CVE-2021-42574) or a letter of no width makes it look like something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.visible import HIDDEN

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_ANY = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f]|\r(?!\n)|{HIDDEN.pattern}")
_MOST = 10


def problems(content: bytes, path: str) -> Iterator[Problem]:
    """The first ones of a file, with their places."""
    if content.isascii() and not _CONTROL.search(content):
        return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        yield Problem(path, line, column, "not UTF-8", "save the file as UTF-8")
        return
    for found, _ in zip(_ANY.finditer(text), range(_MOST), strict=False):
        before = text[: found.start()]
        what = f"the character U+{ord(found[0]):04X}, which a review does not show"
        todo = 'remove it, or write its escape in double quotes, as in "\\u200b"'
        yield Problem(path, before.count("\n") + 1, len(before) - before.rfind("\n"), what, todo)
