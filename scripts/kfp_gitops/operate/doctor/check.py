"""One point of a diagnosis, and how points are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How it stands with one prerequisite."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """It cannot be found out from here; `mend` says how to look."""


@dataclass(frozen=True)
class Check:
    """A prerequisite: what was found, and what to do about it."""

    name: str
    status: Status
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Check:
    """It is there."""
    return Check(name, Status.OK, found)


def missing(name: str, found: str, mend: str) -> Check:
    """It is not there."""
    return Check(name, Status.MISSING, found, mend)


def unknown(name: str, found: str, mend: str) -> Check:
    """Nobody can tell from here."""
    return Check(name, Status.UNKNOWN, found, mend)


def to_text(checks: Sequence[Check]) -> str:
    """One line a check, under it what mends it; then the sum."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{check.status:<8} {check.name:<{width}}  {check.found}")
        lines += [f"{'':<8} {'':<{width}}  → {line}" for line in check.mend.splitlines()]
    counts = [(status, sum(check.status is status for check in checks)) for status in Status]
    lines.append(", ".join(f"{number} {status}" for status, number in counts if number))
    return "\n".join(lines)


def to_json(environment: str, checks: Sequence[Check]) -> str:
    """The same for machines: schemas/doctor.schema.json."""
    return json.dumps({"environment": environment, "checks": [asdict(check) for check in checks]}, indent=2)
