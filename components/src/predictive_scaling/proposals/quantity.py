"""Amounts that stand in manifests, compared exactly and written as people do."""

from __future__ import annotations

import math
from fractions import Fraction

from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.quantity import MEBI, exact

_LIMIT = 2**63  # no quantity of Kubernetes is larger


def parse(text: str) -> Fraction | None:
    """The value of an amount that is not negative; None when it is none."""
    try:
        value = Fraction(exact(text))
    except InputError:
        return None
    return value if value < _LIMIT else None


def mebibytes(amount: Fraction | float) -> str:
    """Bytes in whole MiB, rounded up, such as 420Mi."""
    return f"{max(1, math.ceil(Fraction(amount) / MEBI))}Mi"
