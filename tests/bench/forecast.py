"""Forecasts and capacity plans against peers: rolling origin, hourly means, 24 hours ahead, ten daily folds.

Real series that pass validation: eight servers and two cells, cpu and memory each. The first three folds only choose
(as in the product), seven are scored. Every model runs in a process of its own, on the same origins and at most 28
days of history. `STATSFORECAST_PYTHON` names a Python that has statsforecast, or is `install` (forecasting/peers.py);
without it those peers are skipped. Then time and memory on made-up services: see forecasting/timed.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.folds import training_window
from predictive_scaling.backtest.training import Job, TrainingOptions, train_series
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models.features import FeatureEngineer, hourly_series
from predictive_scaling.usage.sources import load_usage
from predictive_scaling.usage.tables import read_csv
from predictive_scaling.usage.validation import DataValidator, ValidationRules

from .forecasting import gates, measures, peers, timed, worker
from .forecasting.measures import Case
from .house import ROOT, Figure, Row, Settings

OURS = ("champion", "blend", "theta", "profile_level", "prophet", "snaive_1d", "snaive_7d", "last")
NAIVE = ("snaive_1d", "snaive_7d")
STATSFORECAST = (
    "MSTL (statsforecast)",
    "DynamicOptimizedTheta (statsforecast)",
    "AutoETS (statsforecast)",
)
CELLS = ROOT / "tests/data/usage/cloud_cells_5min.csv.gz"


def rows(settings: Settings) -> Iterator[Row]:
    """Real series first, then training of made-up services."""
    cases, starts = real_cases(settings.size)
    source = settings.folder / "series.npz"
    _store(cases, starts, source)
    found = {name: _run(name, source, settings.folder, sys.executable) for name in (*OURS, "prophet default")}
    python = peers.python(settings.folder)
    if python:
        found |= {name: _run(name, source, settings.folder, python) for name in STATSFORECAST}
    yield _compared(cases, found)
    yield gates.row(cases, found["champion"], [found[name] for name in NAIVE])
    yield _planned(cases, starts, found, settings.folder)
    yield _aged(cases, starts)
    yield from timed.rows(settings, python)


def real_cases(limit: int | None) -> tuple[list[Case], dict[str, int]]:
    """Hourly series of the real data that pass validation, and the hours at which they start."""
    cases, starts = [], {}
    for raw in (load_usage("sample:smd_servers_5min"), read_csv(CELLS)):
        for name, samples in raw.groupby("service", sort=True):
            checked = DataValidator(
                ValidationRules(), parse_instant(str(samples["timestamp"].max()))
            ).validate(samples)
            for result in checked.services:
                features = FeatureEngineer().transform(checked.clean)
                for metric in result.passing:
                    series = hourly_series(features, str(name), metric)
                    cases.append(Case(f"{name} {metric}", metric, series.values))
                    starts[f"{name} {metric}"] = series.start
    return cases[:limit], starts


def _store(cases: list[Case], starts: dict[str, int], path: Path) -> None:
    hours = {f"start of {case.name}": np.array(starts[case.name]) for case in cases}
    np.savez(path, **{case.name: case.values for case in cases}, **hours)


def _run(name: str, source: Path, folder: Path, python: str) -> dict[str, Any]:
    target = folder / f"{name.split(maxsplit=1)[0]}-{len(name)}.npz"
    argv = [python, str(Path(worker.__file__)), name, str(source), str(target)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    with np.load(target) as stored:
        return {key: stored[key] for key in stored.files}


def _compared(cases: list[Case], found: dict[str, dict[str, Any]]) -> Row:
    naive = [found[name] for name in NAIVE]
    details = [_line(name, cases, forecasts, naive) for name, forecasts in found.items()]
    constants = {"VPA-like (constant)": measures.vpa_like, "KRR-like (constant)": measures.krr_like}
    for name, plan in constants.items():
        plans = {case.name: plan(case) for case in cases}
        details.append(
            {"model": name} | measures.plan_figures(cases, plans) | measures.risk_figures(cases, plans)
        )
    skipped = (
        "" if set(STATSFORECAST) <= set(found) else "; statsforecast is not there, so its models are skipped"
    )
    by_name = {line["model"]: line for line in details}
    return Row(
        f"24 h ahead, {len(cases)} real series: error, 1 − mean accuracy",
        *(
            Figure(
                f"{label}", 1 - by_name[name]["accuracy"], 1 - by_name[name]["accuracy"], by_name[name]["MB"]
            )
            for label, name in (("champion", "champion"), ("Prophet as it comes", "prophet default"))
        ),
        unit="of usage",
        note=f"skill: against the better of {' and '.join(NAIVE)} in hindsight; plans of peers: p95 × 1.15{skipped}",
        details=tuple(details),
    )


def _line(name: str, cases: list[Case], found: dict[str, Any], naive: list[dict[str, Any]]) -> dict[str, Any]:
    ours = name in OURS
    plan = measures.our_plan if ours else measures.headroom_plan
    plans = {case.name: plan(case, found[case.name]) for case in cases}
    return {
        "model": name,
        **measures.forecast_figures(cases, found, naive),
        **measures.plan_figures(cases, plans),
        **measures.risk_figures(cases, plans),
        "s/fit": float(found["seconds"]),
        "MB": float(found["peak"]),
    }


WEEK = 7 * 24
MOST_OVER = 0.025


def _planned(cases: list[Case], starts: dict[str, int], newest: Mapping[str, Any], folder: Path) -> Row:
    """Capacity plans of two weeks, the second as if it were a week ago.

    An overload lasts for hours, so the hours above a plan come in few bunches: one week of ten series says little.
    """
    earlier = [
        replace(case, name=f"{case.name}, a week earlier", values=case.values[:-WEEK]) for case in cases
    ]
    source = folder / "earlier.npz"
    _store(earlier, {f"{name}, a week earlier": start for name, start in starts.items()}, source)
    before = {name: _run(name, source, folder, sys.executable) for name in ("champion", *NAIVE)}
    both = {name: newest[name] | before[name] for name in before}
    weeks = {
        "newest week": (cases, newest),
        "week before": (earlier, before),
        "both weeks": (cases + earlier, both),
    }
    forecasts, constants = [], []
    for week, (chosen, found) in weeks.items():
        ours = _line("champion", chosen, found["champion"], [found[name] for name in NAIVE])
        vpa = measures.plan_figures(chosen, {case.name: measures.vpa_like(case) for case in chosen})
        forecasts.append(ours | {"model": f"{week}, champion"})
        constants.append({"model": f"{week}, VPA-like"} | vpa)
    over, vpa_over = (lines[-1]["cpu over"] for lines in (forecasts, constants))
    return Row(
        f"{len(earlier)} real series, two weeks: hours in which cpu usage was above the plan",
        Figure("champion's plan", over, over),
        Figure("VPA-like (constant)", vpa_over, vpa_over),
        unit="of all hours",
        wanted=MOST_OVER,
        absolute=True,
        note=f"at {forecasts[-1]['cpu cost']:.3f} × usage; VPA-like at {constants[-1]['cpu cost']:.3f}",
        details=tuple(line for pair in zip(forecasts, constants, strict=True) for line in pair),
    )


AGES = (0, 1, 3, 6)


def _aged(cases: list[Case], starts: dict[str, int]) -> Row:
    """What a model is worth days after its training, when it only takes in the newest usage."""
    details = []
    for age in AGES:
        scores = [measures.accuracy_of(case, _updated(case, starts[case.name], age)) for case in cases]
        details.append(
            {
                "days since training": str(age),
                "accuracy": float(np.mean(scores)),
                "median": float(np.median(scores)),
            }
        )
    fresh, old = (1 - details[at]["accuracy"] for at in (0, -1))
    return Row(
        f"{len(cases)} real series: error of a blend that was trained {AGES[-1]} days ago and updated since",
        Figure(f"updated after {AGES[-1]} days", old, old),
        Figure("trained on the day", fresh, fresh),
        unit="of usage",
        details=tuple(details),
    )


def _updated(case: Case, start: int, age: int) -> measures.Array:
    """Forecasts of the scored folds (folds × hours) by models that are `age` days old."""
    series = HourlySeries(start, case.values)
    rows = []
    for at in case.origins():
        known = series.between(series.start, series.start + at - 24 * age)
        trained = train_series(Job("s", "cpu", known, TrainingOptions(candidates=("blend",), cv_folds=4)))
        if trained.champion is None:
            raise SystemExit(f"{case.name}: {trained.reason}")
        stored = decode(trained.champion.encoded, sha256(trained.champion.encoded))
        recent = training_window(series, series.start + at)
        rows.append(stored.fitted.updated(recent).forecast(worker.HORIZON))
    return np.array(rows)
