"""Numbers as every page writes them: at most three significant digits, and the unit beside each.

Cores below one are millicores, bytes are MiB or GiB, as Kubernetes writes them. What is asked for is rounded up, or a
page would promise less than is asked.
"""

from __future__ import annotations

import math

UNKNOWN = "not known"
NONE = "–"
DIGITS = 3
_BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "bytes"))
_MOST = 1000  # of a unit, before the next larger one is taken
_HAIR = 1e-9  # what floats are off by


def number(value: float | None, *, up: bool = False) -> str:
    """A bare number, such as 0.855, 12 or 1,230; a dash for what is not known; `up` rounds up."""
    if value is None or not math.isfinite(value):
        return NONE
    places = DIGITS - 1 - _power(value)
    scale = 10.0**places
    exact = value * scale
    rounded = (math.ceil(exact - abs(exact) * _HAIR) if up else round(exact)) / scale
    text = f"{rounded:,.{max(0, DIGITS - 1 - _power(rounded))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _power(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def share(value: float | None) -> str:
    """A share of 0 to 1 in percent, such as 4.17 %."""
    return NONE if value is None or not math.isfinite(value) else f"{number(value * 100)} %"


def quantity(value: float | None, unit: str, *, up: bool = False) -> str:
    """An amount with its unit: 1.5 cores, 124 millicores, 640 MiB, 3.2 GiB, 14 requests/s."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    size, name = scaled(abs(value), unit)
    return f"{number(value / size, up=up)} {name}".rstrip()


def scaled(most: float, unit: str) -> tuple[float, str]:
    """What amounts up to `most` are divided by to be read, and the unit that they then are in."""
    if unit == "cores":
        return (1.0, "cores") if most >= 1 or not most else (0.001, "millicores")
    if unit == "bytes":
        return next(each for each in _BYTES if most >= each[0] * _MOST / 1024 or each is _BYTES[-1])
    return 1.0, unit
