"""Durations as Go's time.ParseDuration reads them: `1h30m`, `500ms`, `-1.5h`, `0`."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_NANOSECONDS["h"] = 3600 * 10**9
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Read a duration, or raise ValueError; what is finer than a microsecond is dropped."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    parts = _PART.findall(unsigned)
    if unsigned != "0" and (not parts or "".join(n + u for n, u in parts) != unsigned):
        raise ValueError(f'time: invalid duration "{text}"')
    nanoseconds = sum((Fraction(number) * _NANOSECONDS[unit] for number, unit in parts), Fraction(0))
    if nanoseconds >= 1 << 63:
        raise ValueError(f'time: invalid duration "{text}"')
    return timedelta(microseconds=int(nanoseconds / 1000)) * (-1 if text.startswith("-") else 1)
