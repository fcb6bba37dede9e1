"""What the doctor says: one sentence on what is, one on what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much it matters: a problem makes usage wrong or too little; a note is good to know."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One check's answer: its short name, what was seen with figures, and what to do (nothing when all is well)."""

    level: Level
    check: str
    text: str
    remedy: str = ""


def fine(check: str, text: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, check, text)


def note(check: str, text: str, remedy: str = "") -> Finding:
    """Good to know."""
    return Finding(Level.NOTE, check, text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    """To be mended before the numbers are trusted."""
    return Finding(Level.PROBLEM, check, text, remedy)


def counted(number: int, what: str) -> str:
    """Such as `1 pod` and `2 pods`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def listed(names: list[str], most: int = 5) -> str:
    """Names for a sentence, the first few of many."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
