"""What Go's standard library makes of a text: strconv.Quote and time.ParseDuration, with their messages. Pure."""

from __future__ import annotations

import re

SECOND = 10**9
"""In nanoseconds, which are Go's unit of time."""
_INT64 = 1 << 63
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r",
            "\t": "\\t", "\v": "\\v"}  # fmt: skip
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND,
          "h": 3600 * SECOND}  # fmt: skip
_PART = re.compile(r"([0-9]*)(\.([0-9]*))?([^.0-9]*)")


def quoted(text: str) -> str:
    """The text in quotes, as Go's messages show it (strconv.Quote)."""
    return f'"{"".join(_ESCAPES.get(c) or (c if c.isprintable() else _escaped(c)) for c in text)}"'


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def duration(text: str) -> int:
    """Nanoseconds (time.ParseDuration); each part is rounded as its float arithmetic rounds.

    Raises:
        ValueError: Go does not accept it; the text is Go's.
    """
    invalid = ValueError(f"time: invalid duration {quoted(text)}")
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total = 0
    while rest:
        part = _PART.match(rest)
        assert part is not None  # every piece of it may be empty
        whole, fraction, unit = part[1], part[3] or "", part[4]
        if not whole and not fraction:
            raise invalid
        total += _part(text, whole, fraction, unit)
        if total > _INT64 - (0 if text.startswith("-") else 1):
            raise invalid
        rest = rest[part.end() :]
    return -total if text.startswith("-") else total


def _part(text: str, whole: str, fraction: str, unit: str) -> int:
    if not unit:
        raise ValueError(f"time: missing unit in duration {quoted(text)}")
    if unit not in _UNITS:
        raise ValueError(f"time: unknown unit {quoted(unit)} in duration {quoted(text)}")
    if len(whole.lstrip("0")) > 19:
        raise ValueError(f"time: invalid duration {quoted(text)}")
    # leadingFraction drops the digits that no longer fit into 63 bits.
    kept = fraction[:18]
    return int(whole or "0") * _UNITS[unit] + int(
        float(int(kept or "0")) * (_UNITS[unit] / 10.0 ** len(kept))
    )
