"""Quantities as Kubernetes reads them (k8s.io/apimachinery/pkg/api/resource, ParseQuantity). Pure.

The library has no Kubernetes client, and that one's `parse_quantity` takes `1K` and `NaN`, which Kubernetes refuses.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

MEBI = 2**20
_LIMIT = 2**63  # no quantity of Kubernetes is larger
_GRAMMAR = re.compile(r"\+?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(.*)", re.ASCII | re.DOTALL)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,2})", re.ASCII)
_UNITS = {
    "": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    **{unit: Fraction(1000**power) for power, unit in enumerate("kMGTPE", 1)},
    **{unit: Fraction(1024**power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}  # fmt: skip


def parse(text: str) -> Fraction | None:
    """The value of an amount that is not negative; None when it is none."""
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        return None
    number, unit = found.groups()
    factor = _UNITS.get(unit)
    if exponent := _EXPONENT.fullmatch(unit):
        factor = Fraction(10) ** int(exponent[1])
    # Fraction reads `1.` only from Python 3.12 on.
    value = None if factor is None else Fraction(f"{number}0" if number.endswith(".") else number) * factor
    return value if value is not None and value < _LIMIT else None


def mebibytes(amount: Fraction | float) -> str:
    """Bytes in whole MiB, rounded up, such as 420Mi."""
    return f"{max(1, math.ceil(Fraction(amount) / MEBI))}Mi"
