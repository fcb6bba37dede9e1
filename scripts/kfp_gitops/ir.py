"""The compiled pipeline (KFP's intermediate representation) as data: its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def documents(text: str) -> list[dict[str, Any]]:
    """The one or two documents (pipeline spec, platform spec) of an IR text."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def digest(docs: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the canonical IR, without `sdkVersion`: another SDK that compiles to the same changes nothing."""
    return f"sha256:{hashlib.sha256(_canonical(docs)).hexdigest()}"


def _canonical(docs: Sequence[Mapping[str, Any]]) -> bytes:
    first = {key: value for key, value in docs[0].items() if key != "sdkVersion"}
    text = json.dumps([first, *docs[1:]], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def at_most(docs: Sequence[Mapping[str, Any]]) -> int:
    """More bytes than the IR's YAML can have: the indentation and the escapes of 24 bytes for each of JSON's."""
    return 24 * len(_canonical(docs)) + 4096
