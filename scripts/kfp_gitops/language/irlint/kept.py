r"""Texts that KFP itself does not keep when it stores an IR, whatever the upload says.

backend/src/apiserver/template/v2_template.go reads with gopkg.in/yaml.v3 and stores what `Bytes` makes of it: JSON,
which sigs.k8s.io/yaml reads as YAML and writes as YAML, which yaml.v3 reads again at each run. What comes out of that
chain was compared with what went in for 100,000 documents (Go 1.26, yaml.v3 3.0.1, sigs.k8s.io/yaml 1.6.0):
JSON leaves DEL, the C1 controls, U+FFFE and U+FFFF as they are, which is no YAML, so that nothing is stored; U+0085
becomes a blank; the key `<<` becomes a merge; and yaml.v3 alone takes `0o-7` for a number, so the writer of the other
leaves it without quotes. Of the platform document yaml.v3 writes a text of several lines as a block, and loses a line
break, or breaks the document at a tab, with which that begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Node

_CONTROL = re.compile("[\x7f-\x9f\ufffe\uffff]")
_SIGNED_OCTAL = re.compile("0o[-+][0-7]+")
_BLANK_FIRST = re.compile("[\t\n\u2028\u2029](?s:.*)")
_SHOWN = 40


def findings(documents: Sequence[Node]) -> Iterator[Finding]:
    """Every text, keys included, of the pipeline spec and of the platform document that KFP would change."""
    for number, document in enumerate(documents):
        for at, text, is_key in _texts(document, ()):
            what, todo = _fault(text, is_key) or (_block(text) if number else None) or ("", "")
            if what:
                yield Finding(number, at, f"KFP does not keep {_shown(text)}: {what}", todo)


def _fault(text: str, is_key: bool) -> tuple[str, str] | None:
    if found := _CONTROL.search(text):
        return f"it has the control character U+{ord(found[0]):04X}", "leave that out"
    if text[:1] == "0" and _SIGNED_OCTAL.fullmatch(text.replace("_", "")):
        return "it becomes a number", "write it in another way, perhaps with a word before it"
    if is_key and text == "<<":
        return "that key merges maps", "choose another key"
    return None


def _block(text: str) -> tuple[str, str] | None:
    if "\n" in text and _BLANK_FIRST.fullmatch(text):
        return "it has several lines and begins with a line break or a tab", "begin with its first word"
    return None


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _texts(value: Any, at: Path) -> Iterator[tuple[Path, str, bool]]:
    """Every text with its path, and whether it is a key."""
    if isinstance(value, str):
        yield at, value, False
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*at, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*at, key), key, True
            yield from _texts(item, (*at, key))
