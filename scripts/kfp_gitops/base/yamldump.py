"""JSON-like data as YAML text with stable bytes, and with no character hidden.

YAML 1.1 (PyYAML, and so the SDK), YAML 1.2 and the YAML readers of Go (KFP, kubectl, Argo CD) read the same from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

from kfp_gitops.base import goyaml
from kfp_gitops.base.visible import HIDDEN
from kfp_gitops.base.yamlscalar import AMBIGUOUS

_TAG = "tag:yaml.org,2002:"
_MAX_INTEGER = 2**64
_PLAIN = re.compile(r"[A-Za-z_/](?:[\w./ -]*[\w./-])?", re.ASCII)
"""What is written as it is, if it is no word of another meaning."""
_MOST = 4096  # texts; they come again and again
_LONG = 100
"""Letters; LibYAML writes a longer key (128 bytes) in another way."""


class _Dumper(yaml.CSafeDumper):
    """Block style, key order kept, long texts as literal blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True

    def represent_data(self, data: Any) -> Any:
        """What PyYAML makes of it, in a third of the time for what JSON-like data mostly is."""
        kind = type(data)
        if kind is str:
            return yaml.ScalarNode(f"{_TAG}str", data, style=_style(data))
        if kind is int and abs(data) >= _MAX_INTEGER:
            raise ValueError(f"{data} does not fit 64 bits: every Go reader rounds it to a float")
        make = self.represent_data
        if kind is dict:
            return yaml.MappingNode(f"{_TAG}map", [(make(key), make(item)) for key, item in data.items()])
        if kind is list:
            return yaml.SequenceNode(f"{_TAG}seq", [make(item) for item in data])
        return super().represent_data(data)


def _style(text: str) -> str | None:
    """Only quotes can hold an escape, and a reviewer must see what `HIDDEN` has.

    PyYAML itself quotes what YAML 1.1 takes for something else than a text, and knows no other reader.
    """
    if not text.isascii() and HIDDEN.search(text):
        return '"'
    if "\n" in text:
        return "|"
    return "'" if text[:1] in goyaml.FIRST and _is_no_text(text) else None


def _is_no_text(text: str) -> bool:
    """Whether a Go reader takes it for something else, or ours refuses it without quotes."""
    return bool(goyaml.reading(text)) or AMBIGUOUS.fullmatch(text) is not None


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


def dump(value: Any) -> str:
    """Write JSON-like data as YAML with stable bytes: insertion order, no line folding.

    Raises:
        ValueError: an integer beyond 64 bits, which would be rounded to a float by every Go reader.
    """
    try:
        text = _block(value)
    except _OtherError:
        text = by_libyaml(value)
    if not text.isascii():
        text = HIDDEN.sub(_escape, text)
    return text


def by_libyaml(value: Any) -> str:
    """What LibYAML makes of it, but for hidden characters in it."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=-1
    )
    # LibYAML's sign that a document ends, on a line of its own; PyYAML writes none after a block. No content stands
    # at the first column, but that of the value as a whole, which is in quotes if it could be taken for the sign.
    return text.removesuffix("...\n") if text.endswith("\n...\n") else text


class _OtherError(Exception):
    """LibYAML is to write it."""


def _block(value: Any) -> str:
    """The same as LibYAML, in a fifth of the time: it is asked for each scalar that is not plainly a text, once."""
    lines: list[str] = []
    if not value or type(value) not in (dict, list):
        raise _OtherError
    _of_map(value, "", lines) if type(value) is dict else _of_list(value, "", lines)
    lines.append("")
    return "\n".join(lines)


def _of_map(value: Mapping[Any, Any], margin: str, lines: list[str]) -> None:
    for key, item in value.items():
        head = f"{margin}{_key(key)}:"
        kind = type(item)
        if kind is str:
            lines.append(f"{head} {_text(item, margin)}")
        elif kind is dict and item:
            lines.append(head)
            _of_map(item, f"{margin}  ", lines)
        elif kind is list and item:
            lines.append(head)
            _of_list(item, margin, lines)
        else:
            lines.append(f"{head} {_other(item)}")


def _of_list(value: Sequence[Any], margin: str, lines: list[str]) -> None:
    inner = f"{margin}  "
    for item in value:
        kind, first = type(item), len(lines)
        if kind is str:
            lines.append(f"{margin}- {_text(item, margin)}")
        elif kind is dict and item:
            _of_map(item, inner, lines)
            lines[first] = f"{margin}- {lines[first][len(inner) :]}"
        elif kind is list and item:
            _of_list(item, inner, lines)
            lines[first] = f"{margin}- {lines[first][len(inner) :]}"
        else:
            lines.append(f"{margin}- {_other(item)}")


def _key(key: Any) -> str:
    if type(key) is not str:
        raise _OtherError
    return _written_key(key)


def _text(text: str, margin: str) -> str:
    """A text as a value; the lines of a literal block begin below what it belongs to."""
    found = _written_text(text)
    if "\n" not in found:
        return found
    return "\n".join(f"{margin}{line}" if line else line for line in found.split("\n"))[len(margin) :]


def _other(value: Any) -> str:
    """What is neither a text nor holds anything."""
    if value is None:
        return "null"
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int and abs(value) < _MAX_INTEGER:
        return str(value)
    if kind is dict or kind is list:
        return "[]" if kind is list else "{}"
    return by_libyaml([value])[2:-1] if kind is float else _refused()


def _refused() -> str:
    raise _OtherError


@lru_cache(maxsize=_MOST)
def _written_text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text not in goyaml.WORDS:
        return text
    found = by_libyaml({"": text}).removeprefix("'': ")[:-1]
    if "\n" in found and found[0] != "|":
        raise _OtherError
    return found


@lru_cache(maxsize=_MOST)
def _written_key(text: str) -> str:
    if _PLAIN.fullmatch(text) and text not in goyaml.WORDS and len(text) < _LONG:
        return text
    found = by_libyaml({text: 0})
    if not found.endswith(": 0\n") or "\n" in found[:-1] or found[:2] == "? ":
        raise _OtherError
    return found.removesuffix(": 0\n")


def dump_all(values: Sequence[Any]) -> str:
    """Write several documents, separated by `---`."""
    return "---\n".join(dump(value) for value in values)
