"""Entries of a recommendation: one for each service and metric, from a forecast, a constant, or the one before."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.recommend.fallback import constant
from predictive_scaling.recommend.plan import PlanOptions, capacity, replicas

UNITS = {"cpu": "cores", "memory": "bytes"}
SCORES = ("accuracy", "skill", "baseline", "over95")
NO_DATA = "no usable data"


def model_entry(
    metric: str, forecast: pd.DataFrame, scores: Document, samples: pd.DataFrame, options: PlanOptions
) -> Document:
    """Entry of an accepted forecast; `forecast` has timestamp, model, p50, p95 of one series."""
    ordered = forecast.sort_values("timestamp").reset_index(drop=True)
    p95 = ordered["p95"].to_numpy(dtype=np.float64)
    usual = constant(samples, metric, ordered["timestamp"].iloc[0], options.headroom)
    planned = ordered.assign(capacity=capacity(metric, p95, usual.request if usual else 0.0, options))
    blocks = planned.groupby(planned.index // options.block_hours)
    entry: Document = {
        "unit": UNITS[metric],
        "source": str(ordered["model"].iloc[0]),
        "request": rounded(float(planned["capacity"].max())),  # for what cannot follow the blocks
        "blocks": [_block(metric, rows, options) for _, rows in blocks],
    }
    return entry | {name: scores[name] for name in SCORES}


def _block(metric: str, rows: pd.DataFrame, options: PlanOptions) -> Document:
    highest = float(rows["capacity"].max())
    block: Document = {
        "start": iso(rows["timestamp"].iloc[0]),
        "end": iso(rows["timestamp"].iloc[-1] + pd.Timedelta(hours=1)),
        "p50": rounded(float(rows["p50"].max())),
        "p95": rounded(float(rows["p95"].max())),
        "capacity": rounded(highest),
    }
    return block | ({"min_replicas": replicas(highest, options)} if metric == "cpu" else {})


def fallback_entry(
    metric: str, samples: pd.DataFrame, end: pd.Timestamp, reason: str, options: PlanOptions
) -> Document:
    """Entry from usage alone; without any usable sample its source is `none` and it recommends nothing."""
    entry: Document = {"unit": UNITS[metric]}
    found = constant(samples, metric, end, options.headroom)
    if found is None:
        return entry | {"source": "none", "reason": f"{reason}; {NO_DATA}" if reason else NO_DATA}
    entry |= {
        "source": "fallback",
        "reason": reason,
        "request": rounded(found.request),
        "p90": rounded(found.p90),
    }
    return entry | ({"min_replicas": replicas(found.request, options)} if metric == "cpu" else {})


def carried_entry(
    previous: Document | None, service: str, metric: str, now: datetime, reason: str
) -> Document | None:
    """The entry of the recommendation before, as long as it holds; it says until when, and why it stands here again.

    None when there is none, when it recommended nothing, or when its own time is over.
    """
    if previous is None:
        return None
    found = [each[metric] for each in previous["services"] if each["service"] == service]
    if not found or found[0]["source"] == "none":
        return None
    until = str(found[0].get("valid_until", previous["valid_until"]))
    if parse_instant(until) <= now:
        return None
    run = str(found[0].get("carried_from", previous["run_id"]))
    # All its blocks, also those that are over: for the hours until its end, yesterday's are the best there is.
    return {**found[0], "valid_until": until, "carried_from": run, "reason": reason}
