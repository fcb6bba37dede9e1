"""Services with a load, made up: what a request costs is known, and when it changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-01-05T00:00:00Z")  # a Monday
STEPS_PER_DAY = 288
CORES_PER_REQUEST = 0.012


def loaded(
    service: str = "checkout",
    days: float = 22,
    slower_from: float | None = None,
    factor: float = 1.5,
    noise: float = 0.08,
    column: str = "requests",
    seed: int = 1,
) -> pd.DataFrame:
    """Raw rows, text instants: requests go by day and week, cores are 12 ms a request and a base of a fifth.

    From `slower_from` (days after the start) on a request costs `factor` times as much.
    """
    random = np.random.default_rng(seed)
    stamps = pd.date_range(START, periods=round(days * STEPS_PER_DAY), freq="5min")
    days_in = np.arange(len(stamps)) / STEPS_PER_DAY
    weekly = np.where(days_in % 7 >= 5, 0.7, 1.0)
    hourly = np.repeat(random.standard_normal(len(stamps) // 12 + 1), 12)[: len(stamps)]
    requests = 200 * (1 + 0.6 * np.sin(2 * np.pi * (days_in - 0.3))) * weekly * np.exp(noise * hourly)
    cost = CORES_PER_REQUEST * np.where(
        days_in >= (days if slower_from is None else slower_from), factor, 1.0
    )
    used = cost * (0.2 * 200 + 0.8 * requests) * np.exp(noise * random.standard_normal(len(stamps)))
    return pd.DataFrame(
        {
            "timestamp": stamps.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "service": service,
            "cpu": used,
            "memory": 500 * 2.0**20 * (1 + 0.01 * random.standard_normal(len(stamps))),
            column: requests,
        }
    )
