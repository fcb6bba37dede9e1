"""A reply of KFP as it was told: read by name, as the official client's models are, without making them.

Those are a thousand times as much work as the JSON itself, and one date that they cannot read spoils a whole page. Here
a date that is none is None, as one that is missing; whoever needs it says what is wrong with which object.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_RAW = frozenset({"parameters", "tags", "pipeline_spec"})
"""What holds data of users, and no messages of KFP's."""
_TEXTS = frozenset({"name", "display_name", "description"})
_NAMES = {"recurring_runs": "recurringRuns"}
"""The one name of the API that is not written with underscores."""


class Told:
    """One message; what it does not have is None, as in the official client's models."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of Python's own protocols it has none
            raise AttributeError(name)
        found = self._found.get(_NAMES.get(name, name))
        if name.endswith(("_at", "_time")):
            return moment(found)
        if name in _TEXTS:
            return found if isinstance(found, str) else None
        return found if name in _RAW else _wrapped(found)

    def has(self, name: str) -> bool:
        """Whether something is told under this name, be it readable or not."""
        return bool(self._found.get(name))


def _wrapped(found: Any) -> Any:
    if isinstance(found, dict):
        return Told(found)
    if isinstance(found, list):
        return [_wrapped(item) for item in found]
    return found


def moment(text: object) -> datetime | None:
    """An instant in UTC; None for what is none.

    KFP writes nanoseconds where there are any (protojson), of which Python takes up to six digits.
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
