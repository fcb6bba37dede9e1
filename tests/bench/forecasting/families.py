"""Usage of made-up services, of families that differ as virtual machines do; seeds give as many as are wanted.

Nothing in the library was fitted to them, and they hold what is hard: shocks, shifts, heavy tails, days that differ.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
HOUR_OF_DAY, DAY_OF_WEEK = 24, 7


class Maker:
    """Parts of which families are made, for one seed and length in days."""

    def __init__(self, seed: int, days: int) -> None:
        self.random = np.random.default_rng(seed)
        self.days, self.size = days, 24 * days
        hours = np.arange(self.size)
        self.hour, self.weekday = hours % HOUR_OF_DAY, (hours // HOUR_OF_DAY) % DAY_OF_WEEK
        self.share = hours / self.size
        peak, width = self.random.uniform(10, 16), self.random.uniform(2, 5)
        self.hump = np.exp(-(((self.hour - peak) / width) ** 2))

    def persistent(self, keep: float, scale: float) -> Values:
        """Noise of which a share is kept from hour to hour."""
        steps, level = self.random.normal(0, scale, self.size), 0.0
        return np.array([level := keep * level + step for step in steps])

    def shifts(self, rate: float, scale: float) -> Values:
        """A level that jumps now and then and stays."""
        jumps = np.where(self.random.random(self.size) < rate, self.random.normal(0, scale, self.size), 0.0)
        return np.cumsum(jumps)


def business(m: Maker) -> Values:
    """Office hours, quiet weekends."""
    return (0.2 + m.hump * np.where(m.weekday < 5, 1, 0.3)) * np.exp(m.persistent(0.7, 0.12))


def batch(m: Maker) -> Values:
    """A nightly job of two hours that starts an hour late on some days."""
    late = np.repeat(m.random.random(m.days) < 0.2, 24).astype(int)
    start = m.random.integers(0, 24) + late
    job = np.where(m.hour == start % 24, 1.0, 0.0) + np.where(m.hour == (start + 1) % 24, 0.5, 0.0)
    return 0.1 + 0.02 * m.random.random(m.size) + job


def shifted(m: Maker) -> Values:
    """Deployments that change the level for good."""
    return np.maximum(0.05, 1 + 0.4 * m.hump + m.shifts(0.01, 0.4)) * np.exp(m.persistent(0.5, 0.08))


def drifting(m: Maker) -> Values:
    """A random walk under a weak season."""
    walk = np.cumsum(m.random.normal(0, 0.03, m.size))
    return np.maximum(0.02, 1 + walk + 0.2 * m.hump) * np.exp(m.persistent(0.3, 0.05))


def heavy(m: Maker) -> Values:
    """Bursts of all sizes: a heavy tail."""
    return 0.1 * np.exp(m.random.normal(0, 0.8, m.size) + 0.5 * m.hump + m.persistent(0.8, 0.2))


def sawtooth(m: Maker) -> Values:
    """A leak and its restarts."""
    level, restart = 1.0, m.random.random(m.size) < 1 / 120
    grown = m.random.uniform(0, 0.01, m.size)
    return np.array(
        [level := 1.0 if again else level + more for again, more in zip(restart, grown, strict=True)]
    )


def steps(m: Maker) -> Values:
    """Memory: level upon level, hardly any season."""
    noise = m.random.normal(0, 0.01, m.size)
    return np.maximum(0.2, 2 + m.shifts(0.015, 0.3)) + noise + 0.03 * m.hump


def crons(m: Maker) -> Values:
    """Jobs every six hours, and one on Sundays."""
    sundays = (m.weekday == 6) & (m.hour == 3)
    regular = (m.hour % 6) == m.random.integers(0, 6)
    return 0.2 + 0.3 * regular + 0.4 * sundays + np.abs(m.random.normal(0, 0.04, m.size))


def growing(m: Maker) -> Values:
    """Growth under a season that grows with it."""
    growth = 1 + m.share * m.random.uniform(0.3, 1.5)
    return growth * (1 + 0.6 * m.hump) * np.exp(m.persistent(0.6, 0.06))


def regimes(m: Maker) -> Values:
    """Busy days and idle ones by chance."""
    busy = np.repeat(m.random.random(m.days) < 0.5, 24)
    return 0.1 + np.where(busy, 1.0, 0.2) * m.hump + 0.05 * m.random.random(m.size)


def persistent(m: Maker) -> Values:
    """Deviations that take days to fade."""
    return np.exp(m.persistent(0.97, 0.1)) * (1 + 0.3 * m.hump)


def retail(m: Maker) -> Values:
    """Two peaks a day, busier weekends."""
    day = 1 + 0.5 * np.sin((m.hour - 9) / 12 * np.pi) + 0.3 * np.sin((m.hour - 15) / 6 * np.pi)
    return np.maximum(day, 0.05) * np.where(m.weekday >= 5, 1.25, 1) * np.exp(m.persistent(0.8, 0.05))


FAMILIES: tuple[Callable[[Maker], Values], ...] = (
    *(business, batch, shifted, drifting, heavy, sawtooth),
    *(steps, crons, growing, regimes, persistent, retail),
)


def made(number: int, days: int = 45, first_seed: int = 1000) -> dict[str, Values]:
    """Hourly usage by name of `number` services, family after family."""
    chosen = [(FAMILIES[at % len(FAMILIES)], first_seed + at) for at in range(number)]
    return {f"{family.__name__}-{seed}": family(Maker(seed, days)) for family, seed in chosen}
