"""JSON-like data as YAML text with stable bytes, read alike by YAML 1.1 and 1.2, and with no character hidden."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from kfp_gitops.visible import HIDDEN
from kfp_gitops.yamltext import AMBIGUOUS, FLOAT

_TAG = "tag:yaml.org,2002:"


class _Dumper(yaml.CSafeDumper):
    """Block style, key order kept, long texts as literal blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True

    def represent_data(self, data: Any) -> Any:
        """What PyYAML makes of it, in a third of the time for what JSON-like data mostly is."""
        kind = type(data)
        if kind is str:
            return yaml.ScalarNode(f"{_TAG}str", data, style=_style(data))
        make = self.represent_data
        if kind is dict:
            return yaml.MappingNode(f"{_TAG}map", [(make(key), make(item)) for key, item in data.items()])
        if kind is list:
            return yaml.SequenceNode(f"{_TAG}seq", [make(item) for item in data])
        return super().represent_data(data)


def _style(text: str) -> str | None:
    """Only quotes can hold an escape, and a reviewer must see what `HIDDEN` has."""
    if not text.isascii() and HIDDEN.search(text):
        return '"'
    return "|" if "\n" in text else None


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


# Texts that only YAML 1.2 reads as numbers (1e3) must be quoted too: PyYAML knows YAML 1.1 alone.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(f"^(?:{FLOAT.pattern})$"), list("-+.0123456789")
)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:y|Y|n|N)$"), list("yYnN"))
# And what the reader refuses without quotes: the name of a commit may well begin like a number of another base.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(f"^(?:{AMBIGUOUS.pattern})$"), list("yYnNoO-+.0")
)


def dump(value: Any) -> str:
    """Write JSON-like data as YAML with stable bytes: insertion order, no line folding."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=2**20
    )
    if not text.isascii():
        text = HIDDEN.sub(_escape, text)
    return text.removesuffix("...\n")  # LibYAML's sign that a document ends; PyYAML writes none after a block


def dump_all(values: Sequence[Any]) -> str:
    """Write several documents, separated by `---`."""
    return "---\n".join(dump(value) for value in values)
