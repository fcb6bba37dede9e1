"""JSON as Go's encoding/json writes it: KFP's compiler passes such texts about, and hashes them for its cache."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

# Written as six characters each, so that the text may stand inside HTML (encoding/json, HTMLEscape).
_ESCAPED = re.compile("[<>&\u2028\u2029]")


def size(value: Any) -> int:
    """Bytes of a JSON-like value as `json.Marshal` writes it."""
    return len(text(value).encode("utf-8", "surrogatepass"))


def text(value: Any, *, doubles: bool = False) -> str:
    """The JSON itself, keys sorted; `doubles`: every number went through a float64, as in a protobuf Value.

    Raises:
        ValueError: a number that JSON has not.
    """
    return _ESCAPED.sub(lambda one: f"\\u{ord(one[0]):04x}", _written(value, doubles))


def _written(value: Any, doubles: bool) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return _number(float(value)) if doubles or isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        pairs = sorted((str(key), item) for key, item in value.items())
        return "{" + ",".join(f"{encode_basestring(k)}:{_written(v, doubles)}" for k, v in pairs) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(_written(item, doubles) for item in value) + "]"
    raise ValueError(f"{value!r} is nothing that JSON has")


def _number(value: float) -> str:
    """The shortest digits that mean the number, in Go's form (encoding/json, floatEncoder): 1e-7, 1e+21, 100."""
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is no number of JSON")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits, exponent = _digits(value)
    sign = "-" if value < 0 else ""
    if not 1e-6 <= abs(value) < 1e21:
        fraction = f".{digits[1:]}" if digits[1:] else ""
        return f"{sign}{digits[0]}{fraction}e{exponent - 1:+}"
    if exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}"
    whole, fraction = digits[:exponent].ljust(exponent, "0"), digits[exponent:]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _digits(value: float) -> tuple[str, int]:
    """Its significant digits, and where the point stands: 0.<digits> times ten to that power."""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole.lstrip("0")) or -(len(fraction) - len(fraction.lstrip("0")))
    return digits.rstrip("0") or "0", exponent + int(power or "0")
