"""Synthetic usage for tests: every figure can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-01-05T00:00:00Z")  # a Monday
STEP = pd.Timedelta(minutes=5)


def usage(
    service: str = "checkout", days: float = 15, cpu: float | None = None, memory: float = 100.0 * 2**20
) -> pd.DataFrame:
    """Raw rows with text instants; cpu is a day's sine around 2 unless a constant is given."""
    stamps = pd.date_range(START, periods=int(days * 288), freq="5min")
    phase = np.arange(len(stamps)) % 288 / 288 * 2 * np.pi
    return pd.DataFrame(
        {
            "timestamp": stamps.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "service": service,
            "cpu": 2 + np.sin(phase) if cpu is None else cpu,
            "memory": memory,
        }
    )


def end_of(raw: pd.DataFrame) -> str:
    """The newest instant of raw rows."""
    return str(raw["timestamp"].max())


def write(frame: pd.DataFrame, path: Path) -> str:
    """Write raw rows as plain CSV; gives the path as text."""
    frame.to_csv(path, index=False)
    return str(path)


def clean(raw: pd.DataFrame) -> pd.DataFrame:
    """Raw rows with parsed instants, as after validation."""
    return raw.assign(timestamp=pd.to_datetime(raw["timestamp"], utc=True, format="ISO8601"))
