"""Checks of one service's load: what is no load becomes missing, and what is missing is judged like a metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from predictive_scaling.usage.checks import LOAD, LOADS, Finding, ValidationRules, fail, warn
from predictive_scaling.usage.metric_checks import judge
from predictive_scaling.usage.tables import numeric

COUNTER_STEPS, COUNTER_SHARE = 200, 0.97
MOST = 1e12
"""Requests a second, or items, that nobody has: a counter, or bytes."""


def load_column(rows: pd.DataFrame) -> str:
    """The column of a service's load, requests before queue; empty where it has none.

    Of rows that are being validated the texts count, so that what is no number is told.
    """
    given = ((name, f"{name}_text" if f"{name}_text" in rows.columns else name) for name in LOADS)
    return next((name for name, column in given if column in rows.columns and rows[column].notna().any()), "")


def usable_load(rows: pd.DataFrame, column: str) -> tuple[pd.Series[float], list[Finding]]:
    """Values with all that can be no load as missing; a counter that nobody took the rate of is missing as a whole."""
    values = numeric(rows[column]).astype("float64")
    defects = [
        ("finite", "values that are not numbers", values.isna() & rows[f"{column}_text"].notna()),
        ("finite", "infinite values", values.abs() == np.inf),
        ("negative", "negative values", (values < 0) & (values != -np.inf)),
        ("units", f"values above {MOST:g}", (values > MOST) & (values != np.inf)),
    ]
    findings = [
        warn(check, f"{bad.sum()} {column} {what} counted as missing", LOAD)
        for check, what, bad in defects
        if bad.any()
    ]
    usable = values.mask(np.logical_or.reduce([bad for _, _, bad in defects]))
    if column == "requests" and (grown := _grown(usable)):
        text = (
            f"requests grow in {grown:.1%} of their steps: a raw counter? Take its rate: "
            "rate(http_requests_total[5m]), or `counter: true` in --map"
        )
        return values * np.nan, [*findings, fail("counter", text, LOAD)]
    return usable, findings


def _grown(values: pd.Series[float]) -> float:
    """The share of steps in which what moves grows, where that is a counter's; else 0."""
    changes = values.dropna().diff()
    moved = changes[changes.fillna(0) != 0]
    up = float((moved > 0).mean()) if len(moved) else 0.0
    return up if len(moved) >= COUNTER_STEPS and up >= COUNTER_SHARE else 0.0


def judge_load(
    slots: pd.DataFrame, column: str, rules: ValidationRules, now: pd.Timestamp, apart: str = ""
) -> tuple[float, list[Finding]]:
    """Quality and findings of a load, by the rules of every metric."""
    quality, found = judge(slots.rename(columns={column: LOAD}), LOAD, rules, now, apart)
    return quality, [replace(each, text=f"{column}: {each.text}") for each in found]
