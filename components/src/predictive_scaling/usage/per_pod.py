"""Memory as that of one pod: a table may have the sum over a service's pods, and requests are per container."""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.tables import numeric

CONTAINER, SERVICE = "container", "service"
REPLICAS = "replicas"
MEMORY = ("memory", "memory_max")


def require_memory_of(memory_of: str) -> str:
    """Give it back when it is `container` or `service`; raises InputError."""
    if memory_of not in (CONTAINER, SERVICE):
        raise InputError(f"memory_of is {memory_of!r}; it must be {CONTAINER} or {SERVICE}")
    return memory_of


def per_pod(raw: pd.DataFrame, memory_of: str) -> pd.DataFrame:
    """The table with the memory of one pod; where `replicas` is not at least 1 it is missing.

    Raises InputError for a sum over pods of a table that does not say of how many.
    """
    if memory_of == CONTAINER:
        return raw
    if REPLICAS not in raw.columns:
        raise InputError(
            "usage data: memory_of is service, and no column replicas says by how much to divide; "
            "give that column, or the memory of one pod's container"
        )
    replicas = numeric(raw[REPLICAS]).astype("float64")
    pods = replicas.where((replicas >= 1) & (replicas < np.inf))
    return raw.assign(**{name: _divided(raw[name], pods) for name in MEMORY if name in raw.columns})


def _divided(column: pd.Series[float], pods: pd.Series[float]) -> pd.Series[float]:
    """What is no number stays as it is, for the checks to tell."""
    numbers = numeric(column)
    strange = numbers.isna() & column.notna()
    divided = numbers / pods
    return column.where(strange, divided) if bool(strange.any()) else divided
