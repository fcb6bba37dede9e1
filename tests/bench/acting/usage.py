"""Services that are played: real usage in five-minute steps, in pods of a size that keeps some ten of them busy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from predictive_scaling.recommend.acting.choice import FloorOptions
from predictive_scaling.recommend.acting.past import (
    MIN_DAYS,
    NOMINAL_PODS,
    Past,
    past_of,
)
from predictive_scaling.recommend.plan import FLOOR_BUDGET
from predictive_scaling.usage.sources import load_usage
from predictive_scaling.usage.tables import read_csv

from ..house import ROOT

BUDGET = "ACTING_BUDGET"  # another most that floors may make of the pods without them
OPTIONS = FloorOptions(budget=float(os.environ.get(BUDGET, FLOOR_BUDGET)))
CELLS = ROOT / "tests/data/usage/cloud_cells_5min.csv.gz"
USAGE = (
    "ACTING_USAGE"  # names a CSV (timestamp, service, cpu) to be played in place of the real series shipped
)


@dataclass(frozen=True)
class Service:
    """A past, and the hour (since 1970) at which its first day begins."""

    past: Past
    first_hour: int


def services(days: int, limit: int | None = None) -> list[Service]:
    """All that have enough known before the newest `days`; these must be known themselves."""
    found = []
    for raw in _tables():
        for name, samples in raw.groupby("service", sort=True):
            made = _service(str(name), samples, days)
            if made is not None:
                found.append(made)
    return found[:limit]


def _tables() -> list[pd.DataFrame]:
    named = os.environ.get(USAGE, "")
    tables = [read_csv(Path(named))] if named else [load_usage("sample:smd_servers_5min"), read_csv(CELLS)]
    return [each.assign(timestamp=pd.to_datetime(each["timestamp"], utc=True)) for each in tables]


def _service(name: str, samples: pd.DataFrame, days: int) -> Service | None:
    """With pods of such a size that the days before those played need NOMINAL_PODS at the target."""
    cpu = samples.set_index("timestamp")["cpu"].sort_index()
    end = cpu.index[-1].floor("h")
    rows = samples[samples["timestamp"] < end]
    before = cpu[cpu.index < end - pd.Timedelta(days=days)]
    if before.empty or before.mean() <= 0:
        return None
    past = past_of(
        name, rows, target=OPTIONS.target, cores=float(before.mean()) / (OPTIONS.target * NOMINAL_PODS)
    )
    if past is None or past.days < MIN_DAYS + days or not all(past.known[-days:]):
        return None
    return Service(past, int(end.timestamp()) // 3600 - past.days * 24)
