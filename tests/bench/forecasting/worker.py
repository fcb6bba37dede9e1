"""Runs one model on all series in a process of its own: `python worker.py MODEL SERIES.npz OUT.npz`.

Gives forecasts from the same origins for all models, seconds per fit with its forecast, and the process's peak memory.
The peers need numpy and their own library alone, so a peer may run in another virtual environment.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Of a window of hourly values that starts at an hour since 1970: p10, p50, p90, p95 of the next 24 hours.
Forecaster = Callable[[int, Array], Array]
TRAIN_HOURS, HORIZON, FOLDS = 28 * 24, 24, 10
LEVELS = [60, 80, 90]  # two-sided; of them 80 gives p10 and p90, 90 gives p95


def prophet_default() -> Forecaster:
    """Prophet as it comes, with its own intervals."""
    import logging

    logging.getLogger("cmdstanpy").disabled = True
    import pandas as pd
    from prophet import Prophet

    def forecast(start: int, values: Array) -> Array:
        model = Prophet(uncertainty_samples=300)
        at = pd.DataFrame(
            {"ds": np.arange(start, start + len(values)).astype("datetime64[h]").astype("datetime64[s]")}
        )
        model.fit(at.assign(y=values), seed=1)
        end = start + len(values)
        ahead = pd.DataFrame(
            {"ds": np.arange(end, end + HORIZON).astype("datetime64[h]").astype("datetime64[s]")}
        )
        np.random.seed(1)  # Prophet samples from the global generator
        drawn = model.predictive_samples(ahead)["yhat"]
        p10, p90, p95 = np.quantile(drawn, [0.1, 0.9, 0.95], axis=1)
        return np.maximum(np.array([p10, model.predict(ahead)["yhat"].to_numpy(), p90, p95]), 0.0)

    return forecast


def statsforecast(kind: str) -> Forecaster:
    """MSTL with a day and a week, or dynamic optimised theta or AutoETS with a day, with their own intervals."""
    from statsforecast.models import MSTL, AutoETS, DynamicOptimizedTheta

    kinds: dict[str, Callable[[], Any]] = {
        "mstl": lambda: MSTL(season_length=[24, 168]),
        "theta": lambda: DynamicOptimizedTheta(season_length=24),
        "ets": lambda: AutoETS(season_length=24),
    }

    def forecast(_: int, values: Array) -> Array:
        model = kinds[kind]()
        found = model.forecast(values, h=HORIZON, level=LEVELS)
        quantiles = (found["lo-80"], found["mean"], found["hi-80"], found["hi-90"])
        return np.maximum(np.array([np.asarray(each, dtype=np.float64) for each in quantiles]), 0.0)

    return forecast


def peers() -> dict[str, Callable[[], Forecaster]]:
    """By name."""
    return {
        "prophet default": prophet_default,
        "MSTL (statsforecast)": lambda: statsforecast("mstl"),
        "DynamicOptimizedTheta (statsforecast)": lambda: statsforecast("theta"),
        "AutoETS (statsforecast)": lambda: statsforecast("ets"),
    }


def run_peer(name: str, series: dict[str, Array], starts: dict[str, int]) -> tuple[dict[str, Array], float]:
    """Forecasts by series (quantiles × folds × hours) and seconds per fit."""
    forecast, found, seconds, fits = peers()[name](), {}, 0.0, 0
    for key, values in series.items():
        origins = [len(values) - HORIZON - back * 24 for back in range(FOLDS - 1, -1, -1)]
        rows = []
        for origin in origins:
            window = values[max(0, origin - TRAIN_HOURS) : origin]
            began = time.perf_counter()
            rows.append(forecast(starts[key] + origin - len(window), window))
            seconds, fits = seconds + time.perf_counter() - began, fits + 1
        found[key] = np.array(rows).transpose(1, 0, 2)
    return found, seconds / fits


def run_ours(name: str, series: dict[str, Array], starts: dict[str, int]) -> tuple[dict[str, Array], float]:
    """The same of a model of ours; `champion` is what the product would have used on each fold, all candidates run."""
    from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS, chosen_models, folds_of
    from predictive_scaling.backtest.training import Job, TrainingOptions, train_series
    from predictive_scaling.backtest.training_tables import cv_table
    from predictive_scaling.base.series import HourlySeries
    from predictive_scaling.models import CANDIDATES

    options = TrainingOptions(candidates=CANDIDATES if name == "champion" else (name,), cv_folds=FOLDS)
    found, began = {}, time.perf_counter()
    for key, values in series.items():
        trained = train_series(Job("s", "cpu", HourlySeries(starts[key], values), options))
        folds = folds_of(cv_table([trained]))
        chosen = chosen_models(folds) if name == "champion" else (name,) * (FOLDS - WARM_UP_FOLDS)
        kinds = [name if name != "champion" else chosen[0]] * WARM_UP_FOLDS + list(chosen)
        parts = (folds.p10, folds.p50, folds.p90, folds.p95)
        found[key] = np.array([[part[kind][at] for at, kind in enumerate(kinds)] for part in parts])
    return found, (time.perf_counter() - began) / (len(series) * (FOLDS + 1))


def main(name: str, source: str, target: str) -> None:
    """Run and write."""
    with np.load(source) as stored:
        series = {key: stored[key] for key in stored.files if not key.startswith("start of ")}
        starts = {key: int(stored[f"start of {key}"]) for key in series}
    found, seconds = (run_peer if name in peers() else run_ours)(name, series, starts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.savez(target, **found, seconds=np.array(seconds), peak=np.array(peak))


if __name__ == "__main__":
    main(*sys.argv[1:])
