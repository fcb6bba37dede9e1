"""Texts about many things of a fleet that say the same but for what is each one's own: its name, digests, a cron."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")

VERSION = re.compile(r"\bsha-[0-9a-f]{6,64}\b")
CRON = re.compile(r"\bcron [^,)]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]+…?")
MANY = 5
"""So many that say the same are told together."""


def shape(text: str, name: str = "") -> str:
    """The text without what is its own: two that are alike have the same."""
    text = named(text, name)
    return CRON.sub("cron …", _DIGEST.sub("sha256:…", VERSION.sub("sha-…", text)))


def named(text: str, name: str) -> str:
    """The text with another word for a name."""
    return re.sub(rf"(?<![\w-]){re.escape(name)}(?!\w)", "…", text) if name else text


def grouped(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Those with the same key together where they are many, in the order of their first; the others alone, before."""
    same: dict[Hashable, list[T]] = {}
    for item in items:
        same.setdefault(key(item), []).append(item)
    few = [[item] for its in same.values() if len(its) < MANY for item in its]
    return [*few, *(its for its in same.values() if len(its) >= MANY)]
