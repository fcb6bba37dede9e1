"""Checks of one service's values, metric by metric: what is no usage becomes missing, and what is missing is judged."""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictive_scaling.base.amounts import number
from predictive_scaling.usage.checks import METRICS, Finding, Severity, ValidationRules, fail, warn
from predictive_scaling.usage.sampling import mismatch

LIMIT_TOLERANCE = {"cpu": 1.1, "memory": 1.0}  # cpu bursts above its limit are real; memory cannot exceed it
MAX_ZERO_MEMORY = 0.01  # a running container never uses no memory at all
RECENT_DAYS = 7
WEEKLY_DAYS = 14  # less shows no week twice, so weekly terms would be noise
FLAT_HOURS = 24
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)


def usable(rows: pd.DataFrame, metric: str) -> tuple[pd.Series[float], list[Finding]]:
    """Values of a metric with all that cannot be usage as missing; a broken memory column is missing as a whole."""
    raw, values = rows[f"{metric}_text"], rows[metric].astype("float64")
    limits = rows[f"{metric}_limit"] if _limited(rows, metric) else values * np.nan
    defects = [
        ("finite", "values that are not numbers", values.isna() & raw.notna()),
        ("finite", "infinite values", values.abs() == np.inf),
        ("negative", "negative values", (values < 0) & (values != -np.inf)),
        ("limit", "values above the limit", (values > LIMIT_TOLERANCE[metric] * limits) & (values != np.inf)),
    ]
    findings = [
        warn(check, f"{bad.sum()} {metric} {what} counted as missing", metric)
        for check, what, bad in defects
        if bad.any()
    ]
    zeros = float((values == 0).mean()) if len(values) else 0.0
    if metric == "memory" and zeros > MAX_ZERO_MEMORY:
        refusal = fail("zero", f"memory is 0 in {zeros:.1%} of rows: the whole metric is refused", metric)
        return values * np.nan, [*findings, refusal]
    return values.mask(np.logical_or.reduce([bad for _, _, bad in defects])), findings


def _limited(rows: pd.DataFrame, metric: str) -> bool:
    """Whether there is a limit of what the values are of; beside `replicas` it is one container's, cpu a service's."""
    return f"{metric}_limit" in rows.columns and not (metric == "cpu" and "replicas" in rows.columns)


def judge(
    slots: pd.DataFrame, metric: str, rules: ValidationRules, now: pd.Timestamp, apart: str = ""
) -> tuple[float, list[Finding]]:
    """Quality (usable share of the slots of the service, first to last) and findings of one metric.

    `apart` says how far apart the rows came, where that is known.
    """
    known = slots[slots[metric].notna()]
    expected = int((slots["timestamp"].iloc[-1] - slots["timestamp"].iloc[0]) // rules.step) + 1
    if known.empty:
        return 0.0, [fail("quality", f"no usable {metric} values", metric)]
    quality = len(known) / expected
    low = quality < rules.quality_threshold
    text = f"quality {number(quality)} < {number(rules.quality_threshold)}{mismatch(apart, rules)}"
    findings = [fail("quality", text, metric)] if low else []
    stamps = known["timestamp"]
    findings += [*_history(stamps, metric, rules), *_stale(stamps.iloc[-1], metric, rules, now)]
    findings += [*_gaps(stamps, metric, rules), *_flat(known, metric, rules)]
    return quality, findings


def _history(stamps: pd.Series[pd.Timestamp], metric: str, rules: ValidationRules) -> list[Finding]:
    days = float((stamps.iloc[-1] + rules.step - stamps.iloc[0]) / DAY)
    if days < rules.min_days:
        text = f"{number(days)} days of history, at least {rules.min_days:g} are needed"
        return [fail("history", text, metric)]
    if days < WEEKLY_DAYS:
        return [warn("history", f"{number(days)} days of history: weekly terms are left out", metric)]
    return []


def _stale(last: pd.Timestamp, metric: str, rules: ValidationRules, now: pd.Timestamp) -> list[Finding]:
    age = float((now - last) / HOUR)
    if age <= rules.stale_hours:
        return []
    text = f"newest sample is {number(age)} h old, at most {number(rules.stale_hours)} h are allowed"
    return [Finding(Severity(rules.stale_action), "stale", text, metric)]


def _gaps(stamps: pd.Series[pd.Timestamp], metric: str, rules: ValidationRules) -> list[Finding]:
    limit, recent = pd.Timedelta(hours=rules.max_gap_hours), stamps.iloc[-1] - pd.Timedelta(days=RECENT_DAYS)
    ends = np.flatnonzero(stamps.diff() > limit)
    return [
        (fail if after > recent else warn)(
            "gaps", f"gap of {(after - before) / HOUR:.1f} h from {before:%Y-%m-%dT%H:%MZ}", metric
        )
        for before, after in zip(stamps.iloc[ends - 1], stamps.iloc[ends], strict=True)
    ]


def _flat(known: pd.DataFrame, metric: str, rules: ValidationRules) -> list[Finding]:
    """The same cpu value for a day means a stuck scraper; memory may truly be constant."""
    if metric != "cpu":
        return []
    run = known[metric].ne(known[metric].shift()).cumsum()
    longest = int(run.value_counts().max()) * float(rules.step / HOUR)
    return (
        [warn("flat", f"{metric} does not change for {longest:.0f} h", metric)]
        if longest >= FLAT_HOURS
        else []
    )


def capacity_changes(rows: pd.DataFrame) -> list[Finding]:
    """Limits that change within the data: usage before and after may not compare; the last change is marked."""
    return [
        warn(
            "capacity",
            f"{metric}_limit changes {count} times, last at {at:%Y-%m-%dT%H:%MZ}",
            metric,
            f"{at:%Y-%m-%dT%H:%M:%SZ}",
        )
        for metric in METRICS
        if f"{metric}_limit" in rows.columns
        for count, at in _changes(rows[["timestamp", f"{metric}_limit"]].dropna())
    ]


def _changes(limits: pd.DataFrame) -> list[tuple[int, pd.Timestamp]]:
    values = limits.iloc[:, 1]
    changed = limits[values.ne(values.shift()) & values.shift().notna()]
    return [(len(changed), changed["timestamp"].iloc[-1])] if len(changed) else []
