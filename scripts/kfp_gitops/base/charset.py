"""Which characters KFP can store.

It talks to MySQL with `charset=utf8`, three bytes a character: one above U+FFFF in any text is HTTP 500 (`Incorrect
string value`), in a pipeline only when it is run (seen on KFP 2.17.0). Half of a surrogate pair is no character at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path

_REFUSED = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")
TODO = "write it without: KFP's database keeps no character above U+FFFF, such as emoji"


def refused(text: str) -> str | None:
    """What of a text KFP cannot store: the first such character, of several lines also where; None when it can all."""
    found = None if text.isascii() else _REFUSED.search(text)
    if found is None:
        return None
    line = f" in its line {text.count(chr(10), 0, found.start()) + 1}" if "\n" in text.strip() else ""
    return f"U+{ord(found[0]):04X}{line}"


def without(text: str) -> str:
    """The text with U+FFFD in place of what KFP cannot store."""
    return text if text.isascii() else _REFUSED.sub("\ufffd", text)


def _surely_kept(value: Any) -> bool:
    """Whether all texts are plainly so: of most data in a tenth of the time."""
    try:
        return json.dumps(value, ensure_ascii=False).isascii()
    except (TypeError, ValueError):  # no JSON, such as a number without end
        return False


def found_in(value: Any, at: Path = ()) -> Iterator[tuple[Path, str, bool]]:
    """Each text in JSON-like data that KFP cannot store: its path, its first such character, whether it is a key."""
    if isinstance(value, str):
        if character := refused(value):
            yield at, character, False
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str) and (character := refused(key)):
                yield (*at, key), character, True
            yield from found_in(item, (*at, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from found_in(item, (*at, index))


def problems(document: Document, value: Any, at: Path = ()) -> Iterator[Problem]:
    """Each text of a part of a document that KFP cannot store, where it stands."""
    if _surely_kept(value):
        return
    for path, character, key in found_in(value, at):
        yield document.problem(path, f"a text with {character}", TODO, key=key)
