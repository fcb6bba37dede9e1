"""A model of statsforecast on many series, as its users run it: `python many.py MODEL SERIES.npz OUT.json`.

Cross-validation on the folds and windows of the product, a process for each core. Nothing but this is timed: what is
compiled on first use is compiled before, and nothing is read, judged or written in the seconds that are told.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDS, SCORED, HORIZON, TRAIN_HOURS = 10, 7, 24, 28 * 24


def model(name: str) -> Any:
    """By the name in the table."""
    from statsforecast.models import MSTL, DynamicOptimizedTheta

    return (
        MSTL(season_length=[24, 168]) if name.startswith("MSTL") else DynamicOptimizedTheta(season_length=24)
    )


def table(series: dict[str, Any]) -> pd.DataFrame:
    """Rows as the library wants them; every series ends at the same hour."""
    parts = []
    for name, values in series.items():
        hours = pd.date_range(end="2026-02-18T23:00", periods=len(values), freq="h")
        parts.append(pd.DataFrame({"unique_id": name, "ds": hours, "y": values}))
    return pd.concat(parts, ignore_index=True)


def run(name: str, series: dict[str, Any], cores: int) -> pd.DataFrame:
    """Forecasts from all origins, with the intervals that a plan needs."""
    from statsforecast import StatsForecast

    runner = StatsForecast(models=[model(name)], freq="h", n_jobs=cores)
    return runner.cross_validation(
        df=table(series),
        h=HORIZON,
        step_size=HORIZON,
        n_windows=FOLDS,
        input_size=TRAIN_HOURS,
        level=[80, 90],
    )


def accuracy(found: pd.DataFrame) -> float:
    """Mean of max(0, 1 − WAPE) over the scored folds of each series."""
    column = next(name for name in found.columns if name in ("MSTL", "DynamicOptimizedTheta"))
    scores = []
    for _, rows in found.groupby("unique_id"):
        kept = rows[rows["cutoff"].isin(sorted(rows["cutoff"].unique())[-SCORED:])]
        missed = np.abs(kept["y"] - np.maximum(kept[column], 0.0)).sum()
        scores.append(max(0.0, 1.0 - missed / kept["y"].abs().sum()))
    return float(np.mean(scores))


def _spent() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def main(name: str, source: str, target: str) -> None:
    """Run and write seconds, processor seconds and accuracy."""
    with np.load(source) as stored:
        series = {key: stored[key] for key in stored.files}
    run(name, dict(list(series.items())[:1]), 1)
    cores = min(2, len(os.sched_getaffinity(0)))
    before, began = _spent(), time.perf_counter()
    found = run(name, series, cores)
    told = {
        "seconds": time.perf_counter() - began,
        "processor": _spent() - before,
        "accuracy": accuracy(found),
    }
    Path(target).write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
