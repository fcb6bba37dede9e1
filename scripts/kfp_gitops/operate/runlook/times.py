"""Instants and durations of runs, as people and machines read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kfp_gitops.base.errors import UsageError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def since(text: str, now: datetime) -> datetime:
    """A beginning: `12h`, `30m`, `7d` ago, a day or an instant in RFC 3339; in UTC.

    Raises:
        UsageError: neither, or in the future.
    """
    if match := re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):  # the year 1 at another zone is no time in UTC
        raise UsageError(f"--since {text}: write 12h, 30m, 7d, 2026-01-31 or 2026-01-31T08:00:00Z") from None
    if found.tzinfo is None:
        if len(text) > len("2026-01-31"):
            raise UsageError(f"--since {text}: say its zone, such as Z: 2026-01-31T08:00:00Z")
        found = found.replace(tzinfo=UTC)
    if found > now:
        raise UsageError(f"--since {text}: is in the future; it is {now:%Y-%m-%dT%H:%M:%SZ}")
    return found


def lasting(started: datetime | None, ended: datetime | None) -> str:
    """`12 s`, `3 min 20 s`, `2 h 05 min`; nothing while it goes on."""
    if not (started and ended):
        return ""
    seconds = max(0, round((ended - started).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def instant(moment: datetime | None) -> str | None:
    """For machines: RFC 3339 in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
