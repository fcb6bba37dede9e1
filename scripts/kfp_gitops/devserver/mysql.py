"""What MySQL makes of texts under KFP: `charset=utf8` (three bytes), VARCHAR(255), collation utf8mb4_general_ci.

Seen on KFP 2.17.0 with MariaDB: names and filters ignore case, accents and trailing blanks; what does not fit is an
error of the database, which the API answers with 500.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

COLLATION = "MYSQL"
COLLATED = frozenset({"name", "display_name", "description", "namespace"})
_VARCHAR = 255
_BOUNDED = {
    "experiments": {"name", "description"},
    "pipelines": {"name", "display_name"},
    "versions": {"name", "display_name"},
    "recurring_runs": {"display_name", "description", "service_account"},
    "runs": {"display_name", "description", "service_account"},
}
_TABLES = {"versions": "pipeline_versions", "recurring_runs": "jobs", "runs": "run_details"}
_COLUMNS = {"spec": "PipelineSpecManifest", "runtime_config": "RuntimeParameters"}
_UNCHECKED = {("versions", "spec")}
"""A version is registered whatever its IR holds; each of its runs fails."""
_SHOWN_BYTES = 6
_LARGEST_CHARACTER = "\uffff"
_NUMBER = re.compile(r"\s*[-+]?\d+(\.\d+)?")


class DataError(Exception):
    """The database refuses a value; MySQL's own words."""


def check(table: str, column: str, value: object) -> None:
    """Raises DataError for what the column cannot hold."""
    if isinstance(value, str) and column in _BOUNDED[table] and len(value) > _VARCHAR:
        raise DataError(f"Error 1406 (22001): Data too long for column '{_camel(column)}' at row 1")
    if (table, column) in _UNCHECKED:
        return
    for text in _texts(value):
        if wrong := _beyond(text):
            place = f"`mlpipeline`.`{_TABLES.get(table, table)}`.`{_camel(column)}`"
            raise DataError(
                f"Error 1366 (22007): Incorrect string value: '{wrong}' for column {place} at row 1"
            )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _beyond(text: str) -> str:
    """From the first character above U+FFFF on, as MySQL shows it; nothing when there is none."""
    at = next((place for place, c in enumerate(text) if c > _LARGEST_CHARACTER), None)
    if at is None:
        return ""
    rest = text[at:].encode()
    shown = "".join(chr(b) if b < 0x80 else f"\\x{b:02X}" for b in rest[:_SHOWN_BYTES])
    return shown + ("..." if len(rest) > _SHOWN_BYTES else "")


def _camel(column: str) -> str:
    return _COLUMNS.get(column) or "".join(part.title() for part in column.split("_"))


def number(text: str) -> float:
    """A text where a number is compared: its beginning, as far as that is one."""
    found = _NUMBER.match(text)
    return float(found[0]) if found else 0.0


def install(connection: sqlite3.Connection) -> None:
    """The collation by its name, and a LIKE that compares by it."""
    connection.create_collation(COLLATION, _compare)
    connection.create_function("like", 2, _like, deterministic=True)


def _compare(one: str, other: str) -> int:
    left, right = _weights(one).rstrip(" "), _weights(other).rstrip(" ")
    return (left > right) - (left < right)


@lru_cache(maxsize=8192)
def _weights(text: str) -> str:
    """Without accents, in capitals; ß is S."""
    if text.isascii():
        return text.upper()
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return bare.replace("ß", "S").upper()


def _like(pattern: str, value: Any) -> bool:
    return value is not None and bool(_pattern(pattern).fullmatch(_weights(str(value))))


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", _weights(text), re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(p) or re.escape(p.removeprefix("\\")) for p in parts), re.DOTALL)
