"""What a pipeline promises to those who use its results: how fresh they are, and how long a run takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True)
class Slo:
    """Service level objectives, as a manifest writes them (`26h`, `45m`, `8d`); None: it promises nothing of that.

    `fresh`: so long ago at most has the newest run that succeeded ended. `duration`: so long at most takes a run.
    """

    fresh: str | None = None
    duration: str | None = None

    @property
    def freshness(self) -> timedelta | None:
        """`fresh` as a time."""
        return length(self.fresh) if self.fresh else None

    @property
    def longest(self) -> timedelta | None:
        """`duration` as a time."""
        return length(self.duration) if self.duration else None


def of(manifest: Mapping[str, Any]) -> Slo | None:
    """What a manifest that is valid promises."""
    found = manifest.get("slo")
    return Slo(found.get("fresh"), found.get("duration")) if found else None


def length(text: str) -> timedelta:
    """`45m`, `26h`, `8d` as a time.

    Raises:
        ValueError: it is none of these.
    """
    if text[-1:] not in _UNITS or not text[:-1].isdecimal():
        raise ValueError(f"{text!r} is no duration such as 45m, 26h or 8d")
    return int(text[:-1]) * _UNITS[text[-1]]


def written(span: timedelta) -> str:
    """A time in two units at most, near to how manifests write it: `0m`, `95m`, `26h 5m`, `3d 4h`."""
    minutes = max(span // timedelta(minutes=1), 0)
    if minutes < 120:
        return f"{minutes}m"
    large, small = ("h", "m") if minutes < 72 * 60 else ("d", "h")
    many, few = divmod(minutes, 60) if large == "h" else divmod(minutes // 60, 24)
    return f"{many}{large} {few}{small}" if few else f"{many}{large}"
