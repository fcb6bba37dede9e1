"""Made-up services whose level shifts, by a seed: a day's swing, quiet weekends, nightly jobs, bursts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from predictive_scaling.base.series import HourlySeries

DAYS = 35
KINDS = ("daily", "weekly", "nightly", "flat")
MONDAY = 96  # hours since 1970: the fifth of January


def service(kind: str, seed: int, days: int = DAYS, noise: float = 0.08) -> NDArray[np.float64]:
    """Hourly usage from a Monday on, around 3."""
    rng, hours = np.random.default_rng(seed), np.arange(days * 24)
    of_day, weekend = hours % 24, hours // 24 % 7 >= 5
    usage = np.full(len(hours), 3.0)
    if kind != "flat":
        usage *= 1 + 0.5 * np.sin((of_day - 8) / 24 * 2 * np.pi)
    if kind == "weekly":
        usage *= np.where(weekend, 0.5, 1.0)
    if kind == "nightly":
        usage += np.where((of_day >= 1) & (of_day < 5), 5.0, 0.0)
    by_day = np.repeat(np.exp(noise / 2 * rng.standard_normal(days)), 24)
    return usage * by_day * np.exp(noise * rng.standard_normal(len(hours)))


def series(values: NDArray[np.float64], hours: int | None = None) -> HourlySeries:
    """The newest four weeks of the first so many hours."""
    end = len(values) if hours is None else hours
    return HourlySeries(MONDAY, values[:end]).between(MONDAY + end - 28 * 24, MONDAY + end)


def shifted(kind: str, seed: int, at: int, times: float = 1.0, plus: float = 0.0) -> NDArray[np.float64]:
    """A service that is at another level from an hour on."""
    values = service(kind, seed)
    values[at:] = values[at:] * times + plus
    return values
