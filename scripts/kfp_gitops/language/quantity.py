"""Quantities as Kubernetes reads them (k8s.io/apimachinery/pkg/api/resource, ParseQuantity). Pure.

Ours: rendering has no Kubernetes client, and its `parse_quantity` takes `1K` and `NaN`, which Kubernetes refuses.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_GRAMMAR = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(.*)", re.ASCII | re.DOTALL)
_UNITS = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    **{unit: Fraction(1000**power) for power, unit in enumerate("kMGTPE", 1)},
    **{unit: Fraction(1024**power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}  # fmt: skip
_MOST = 1024  # texts; few amounts are written again and again
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,3})", re.ASCII)


@lru_cache(maxsize=_MOST)
def parse(text: str) -> Fraction | None:
    """The value of a quantity, exactly; None when it is none."""
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        return None
    sign, number, unit = found.groups()
    factor = _UNITS.get(unit)
    if exponent := _EXPONENT.fullmatch(unit):
        factor = Fraction(10) ** int(exponent[1])
    if factor is None:
        return None
    # Fraction reads `1.` only from Python 3.12 on.
    return Fraction(f"{number}0" if number.endswith(".") else number) * factor * (-1 if sign == "-" else 1)


def exceeds(asked: object, most: object) -> bool:
    """Whether both are quantities, and the first is the larger one."""
    amounts = [parse(text) if isinstance(text, str) else None for text in (asked, most)]
    return amounts[0] is not None and amounts[1] is not None and amounts[0] > amounts[1]


def fault(text: str, *, positive: bool = False) -> str | None:
    """Why Kubernetes does not take a text as an amount; None when it does."""
    amount = parse(text)
    if amount is None:
        unit = ": Kubernetes has k, not K" if text.endswith("K") else ""
        return f"{text[:60]!r} is no quantity{unit}"
    if amount < 0 or (positive and amount == 0):
        return f"{text[:60]!r} is {'not more than' if positive else 'less than'} 0"
    return None
