"""JSON-like data as YAML text with stable bytes, and with no character hidden.

YAML 1.1 (PyYAML, and so the SDK), YAML 1.2 and the YAML readers of Go (KFP, kubectl, Argo CD) read the same from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from kfp_gitops.base import goyaml
from kfp_gitops.base.visible import HIDDEN
from kfp_gitops.base.yamlscalar import AMBIGUOUS

_TAG = "tag:yaml.org,2002:"
_MAX_INTEGER = 2**64


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
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=-1
    )
    if not text.isascii():
        text = HIDDEN.sub(_escape, text)
    # LibYAML's sign that a document ends, on a line of its own; PyYAML writes none after a block. No content stands
    # at the first column, but that of the value as a whole, which is in quotes if it could be taken for the sign.
    return text.removesuffix("...\n") if text.endswith("\n...\n") else text


def dump_all(values: Sequence[Any]) -> str:
    """Write several documents, separated by `---`."""
    return "---\n".join(dump(value) for value in values)
