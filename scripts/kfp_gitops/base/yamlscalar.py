"""What a plain scalar of YAML is: YAML 1.2's core schema, without what a reader of today takes for something else."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Protocol

from kfp_gitops.base import goyaml

_MAX_INTEGER = 2**63
_NULL = re.compile(r"(?:~|null|Null|NULL|)")
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
AMBIGUOUS = re.compile(
    r"(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
    r"|[-+]?0[0-9_]+|[-+]?0[xob][0-9a-fA-F_]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)

_LETTERS = frozenset("yYnN")


class Teller(Protocol):
    """Who is told of a scalar's fault, and of a 60.0."""

    whole_floats: bool

    def tell(self, event: Any, what: str, todo: str, text: str) -> str: ...


def plain(text: str, reader: Teller, event: Any, at: tuple[str | int, ...]) -> Any:
    """What a plain scalar is, without the ambiguous ones; `at` is where it stands."""
    if _NULL.fullmatch(text):
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        if len(text) > len(str(-_MAX_INTEGER)) or abs(int(text)) >= _MAX_INTEGER:
            return reader.tell(
                event, f"{short(text)} does not fit 64 bits", "put it in quotes for a text", text
            )
        return int(text)
    if _FLOAT.fullmatch(text):
        real = float(text)
        if real in (float("inf"), float("-inf")):
            return reader.tell(event, f"{short(text)} is not a finite number", "write a smaller one", text)
        reader.whole_floats |= real.is_integer()
        return real
    if text not in _LETTERS and (found := goyaml.reading(text)):
        what = f"{short(text)} is {found} to KFP or kubectl, and a text to YAML 1.2{of_parameter(at)}"
        todo = f"write '{short(text)}' in quotes for a text"
        if found == "a number":
            todo += ", or the number in decimal digits, without _"
        return reader.tell(event, what, todo, text)
    return text


def of_parameter(at: tuple[str | int, ...]) -> str:
    """The parameter that a value belongs to, in a manifest or in IR: the key after the last `parameters`."""
    found = [name for key, name in pairwise(at) if key == "parameters"]
    return f" (parameter {found[-1]!r})" if found else ""


def short(text: str) -> str:
    """So much of a text as a message has room for."""
    return text if len(text) <= 40 else f"{text[:40]}…"
