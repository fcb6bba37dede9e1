"""What a lock keeps of KFP's database, outside of it: enough to tell one that was lost, or restored from a backup.

KFP has no id of its own. An apply leaves a mark there, an experiment whose id no other database has; kept are that id,
a version that is never taken away as long as it is delivered, and the pauses in force, which KFP alone knows otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MOST_PAUSES = 20
"""Of those that last longest: a Lease is written anew each few seconds."""


@dataclass(frozen=True)
class KeptPause:
    """A pause that was in force; `until` is aware, `only` is by what a part is selected."""

    id: str
    until: datetime
    by: str
    why: str
    only: tuple[str, ...] = ()
    since: datetime | None = None
    """When it was set, by the server's clock."""

    def told(self) -> dict[str, Any]:
        """For JSON."""
        since = {"since": self.since.isoformat()} if self.since else {}
        return {**vars(self), "until": self.until.isoformat(), "since": None} | since


@dataclass(frozen=True)
class Witness:
    """What was there at an instant of the server's clock (aware, in UTC)."""

    at: datetime
    mark: str = ""
    """The id of the mark; "": none was made yet."""
    version: tuple[str, str] | None = None
    """Pipeline and name of a version that was registered by the newest apply that registered any."""
    pauses: tuple[KeptPause, ...] = ()

    def text(self) -> str:
        """One line of JSON."""
        pauses = sorted(self.pauses, key=lambda p: p.until, reverse=True)[:MOST_PAUSES]
        found: dict[str, Any] = {"at": self.at.isoformat()}
        found |= {"mark": self.mark} if self.mark else {}
        found |= {"version": list(self.version)} if self.version else {}
        found |= {"pauses": [p.told() for p in pauses]} if pauses else {}
        return json.dumps(found)


def read(text: str) -> Witness | None:
    """The reverse; None for nothing, and for what is no such text: somebody edited it, and nothing is believed."""
    try:
        found = json.loads(text or "null")
        return _read(found) if isinstance(found, Mapping) else None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None


def _read(found: Mapping[str, Any]) -> Witness:
    version = found.get("version")
    pauses: Sequence[Mapping[str, Any]] = found.get("pauses", ())
    return Witness(
        _moment(found["at"]),
        str(found.get("mark", "")),
        (str(version[0]), str(version[1])) if version else None,
        tuple(
            KeptPause(
                str(p["id"]),
                _moment(p["until"]),
                str(p["by"]),
                str(p["why"]),
                tuple(map(str, p["only"])),
                _moment(p["since"]) if p.get("since") else None,
            )
            for p in pauses
        ),
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found.astimezone(UTC)
