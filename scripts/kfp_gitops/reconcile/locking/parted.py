"""One text of a lock in parts, so that what is kept of triggers and of backfills never overwrites the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

_BETWEEN = "|"
"""Between parts: no base64, and nothing that any part writes."""


class Keeping(Protocol):
    """A lock, or whatever else keeps one line of text for good."""

    @property
    def kept(self) -> str: ...
    def keep_text(self, text: str) -> None: ...


@dataclass(frozen=True)
class Part:
    """The part of a text that begins with a word; `keep_text` leaves the others as they are."""

    whole: Keeping
    begin: str

    @property
    def kept(self) -> str:
        """What it is; "": there is none."""
        return of(self.whole.kept, self.begin)

    def keep_text(self, text: str) -> None:
        """Kept for good when it returns; "": no more."""
        others = [one for one in self.whole.kept.split(_BETWEEN) if one and not one.startswith(self.begin)]
        new = _BETWEEN.join([*others, *([text] if text else [])])
        if new != self.whole.kept:
            self.whole.keep_text(new)


def of(text: str, begin: str) -> str:
    """The part of a text that begins with a word; "": there is none."""
    return next((one for one in text.split(_BETWEEN) if one.startswith(begin)), "")
