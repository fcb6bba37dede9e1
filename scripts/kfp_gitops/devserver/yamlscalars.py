"""A plain scalar as KFP reads it: by gopkg.in/yaml.v3 (`resolve.go`, v3.0.1) into an `interface{}`, then as JSON.

`yes` and `08:30` are texts to it; `0X1F`, `0o17`, `1_000` and `1e3` are numbers, `08` is the float 8, and a date is a
time, which JSON writes as RFC 3339.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
_BASES = {"x": (16, "0-9a-fA-F"), "o": (8, "0-7"), "b": (2, "01")}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:([Tt]| +)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?"
    r"(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def value(text: str) -> Any:
    """What becomes of a scalar without quotes and tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _real(text, text)
    if text[0] not in "+-0123456789":
        return text
    if (instant := _instant(text)) is not None:
        return instant
    plain = text.replace("_", "")
    for found in (_go_integer(plain), _after_prefix(plain)):
        if found is not None:
            return found
    return _real(plain, text) if _FLOAT.fullmatch(plain) else text


def _real(plain: str, text: str) -> Any:
    """strconv.ParseFloat; Python's takes the same texts of those that come here, and Go refuses what is too large."""
    try:
        found = float(plain)
    except ValueError:
        return text
    return text if math.isinf(found) or math.isnan(found) else found


def _go_integer(plain: str) -> int | None:
    """strconv.ParseInt with base 0, else ParseUint, which takes no sign."""
    sign, digits = ("", plain) if plain[0] not in "+-" else (plain[0], plain[1:])
    base, pattern = 10, "0-9"
    if digits[:1] == "0" and digits[1:2].lower() in _BASES and len(digits) > 1:
        base, pattern = _BASES[digits[1].lower()]
        digits = digits[2:]
    elif digits[:1] == "0":
        base, pattern = 8, "0-7"
    return _in_range(sign, digits, base) if re.fullmatch(f"[{pattern}]+", digits) else None


def _after_prefix(plain: str) -> int | None:
    """`0b` and `0o` once more: what follows is parsed by itself, and may have a sign."""
    found = re.fullmatch(r"0([bo])([-+])([0-9]+)", plain)
    if found is None:
        return None
    base, pattern = _BASES[found[1]]
    return _in_range(found[2], found[3], base) if re.fullmatch(f"[{pattern}]+", found[3]) else None


def _in_range(sign: str, digits: str, base: int) -> int | None:
    if len(digits) > 70:  # more than 64 bits in any base, unless they are zeros
        digits = digits.lstrip("0")[:70] or "0"
    number = int(digits, base) * (-1 if sign == "-" else 1)
    return number if -(2**63) <= number < (2**63 if sign else 2**64) else None


def _instant(text: str) -> str | None:
    """`parseTimestamp`: with a T there must be a zone, with a blank there must be none; as encoding/json writes it."""
    found = _TIME.fullmatch(text)
    if found is None or (found[4] in ("T", "t")) != (found[9] is not None):
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
        at = time(int(found[5] or 0), int(found[6] or 0), int(found[7] or 0))
    except ValueError:
        return None
    fraction = (found[8] or "")[:9].rstrip("0")
    zone = found[9] or "Z"
    return f"{day}T{at}{'.' if fraction else ''}{fraction}{'Z' if zone in ('+00:00', '-00:00') else zone}"
