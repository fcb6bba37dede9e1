"""JSON documents with a deterministic text, and atomic writing of files."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictive_scaling.base.errors import InputError

Document = dict[str, Any]


def canonical_bytes(document: Mapping[str, Any]) -> bytes:
    """Serialise with sorted keys and no spaces, so that equal documents have equal digests."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode()


def pretty_bytes(document: Mapping[str, Any]) -> bytes:
    """Serialise for people: sorted keys, indented, ending in a newline."""
    return (
        json.dumps(document, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    ).encode()


def parse_object(data: bytes, name: str) -> Document:
    """Parse a JSON object; NaN and Infinity, which are not JSON, are refused with InputError."""
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{name}: expected a JSON object")
    return document


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def read_document(path: str | Path) -> Document:
    """Read a JSON object from a file; raises InputError when it is not one."""
    return parse_object(Path(path).read_bytes(), Path(path).name)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file whole or not at all, creating its folder; into a device or a pipe, which stays what it is."""
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(data)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(target)


def sha256(data: bytes) -> str:
    """Hex SHA-256 digest."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: str | Path) -> str:
    """Hex SHA-256 digest of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rounded(value: float | None, digits: int = 6) -> float | None:
    """Round to significant digits; None for missing and for what JSON cannot hold (NaN, infinity)."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")
