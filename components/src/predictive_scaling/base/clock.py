"""Instants: parsing, formatting, and the one reading of the clock."""

from __future__ import annotations

from datetime import UTC, datetime

from predictive_scaling.base.errors import InputError

YEARS = (1900, 2200)


def resolve_now(override: str = "") -> datetime:
    """Give the instant to treat as now: `override` (ISO 8601 with a zone), else the clock.

    Raises InputError when `override` is not such an instant.
    """
    return parse_instant(override) if override else datetime.now(UTC).replace(microsecond=0)


def parse_instant(text: str) -> datetime:
    """Parse an ISO 8601 instant with a zone to UTC; raises InputError.

    It may be no further away than sums of instants reach: those of pandas end in 2262.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not an ISO 8601 instant") from error
    if instant.tzinfo is None:
        raise InputError(f"{text!r} has no time zone; write it with a Z, such as 2026-11-23T04:00:00Z")
    if not YEARS[0] <= instant.year <= YEARS[1]:
        raise InputError(f"{text!r} is not within the years {YEARS[0]} to {YEARS[1]}")
    return instant.astimezone(UTC)


def iso(instant: datetime) -> str:
    """Format an instant as `2026-11-23T04:00:00Z`, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
