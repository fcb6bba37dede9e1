"""Entries of a recommendation: one for each service and metric, from a forecast, a constant, or the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.base.series import FloatArray
from predictive_scaling.recommend.acting.hours import Acted
from predictive_scaling.recommend.capacity import past_of
from predictive_scaling.recommend.censored import HeldBack, held_back
from predictive_scaling.recommend.fallback import constant
from predictive_scaling.recommend.floors import highest, sized
from predictive_scaling.recommend.known import epoch_second, known_of
from predictive_scaling.recommend.plan import Ahead, PlanOptions, planned
from predictive_scaling.recommend.raised_floors import usual
from predictive_scaling.recommend.size import Size, size_of
from predictive_scaling.recommend.unseen import beyond_seen
from predictive_scaling.shapes.shape import Shape

UNITS = {"cpu": "cores", "memory": "bytes"}
SCORES = ("accuracy", "skill", "baseline", "over95")
NO_DATA = "no usable data"
CONSTANT_HOURS = 24


@dataclass(frozen=True)
class About:
    """What is known of a service beside its usage."""

    options: PlanOptions
    size: Size
    held: HeldBack
    main: str | None = None
    acted: Acted | None = None

    def floor_cores(self, hours: pd.DatetimeIndex, otherwise: FloatArray) -> FloatArray:
        """Cores that floors are made for: chosen by what they were worth, else as said."""
        return otherwise if self.acted is None else self.held.raised(self.acted.cores(hours))

    def least(self, metric: str) -> float:
        """The least that is to be requested, whatever the series says; 0 where nothing is known."""
        return self.held.memory.get(self.main or "", 0.0) if metric == "memory" else 0.0


def about(
    service: str, shape: Shape | None, options: PlanOptions, told: str = "", acted: Acted | None = None
) -> About:
    """What a service's shape says of it; `told` is why it has none, `acted` the floors chosen for it."""
    main = shape.main_container.name if shape and shape.main_container else None
    return About(options, size_of(service, shape, options, told), held_back(shape), main, acted)


def model_entry(
    metric: str,
    forecast: pd.DataFrame,
    scores: Document,
    samples: pd.DataFrame,
    known: About,
    guarded: str = "",
) -> Document:
    """Entry of a forecast; `forecast` has timestamp, model, p50, p90, p95 of one series.

    `guarded` is why a gate refused it: then every hour gets the constant too, whichever of both is higher.
    """
    ordered = forecast.sort_values("timestamp").reset_index(drop=True)
    usual = constant(samples, metric, ordered["timestamp"].iloc[0], known.options.headroom)
    request = usual.request if usual else 0.0
    plan = np.maximum(_plan(metric, ordered, samples, request, known), known.least(metric))
    if guarded:
        plan = np.maximum(plan, _constant_plan(metric, request, known))
    planned_hours = ordered.assign(capacity=plan)
    entry: Document = {
        "unit": UNITS[metric],
        "source": str(ordered["model"].iloc[0]),
        "request": rounded(float(plan.max())),  # for what cannot follow the blocks
    }
    told = {"guarded": guarded, "beyond_seen": beyond_seen(metric, ordered, samples)}
    entry |= {name: scores[name] for name in SCORES} | {name: text for name, text in told.items() if text}
    if metric == "cpu":
        entry |= _floors(pd.DatetimeIndex(planned_hours["timestamp"]), plan, known)
    blocks = planned_hours.groupby(planned_hours.index // known.options.block_hours)
    return entry | {"blocks": [_block(rows, entry) for _, rows in blocks]}


def _plan(
    metric: str, ordered: pd.DataFrame, samples: pd.DataFrame, usual: float, known: About
) -> FloatArray:
    """Capacity by hour, with what was held back of the hours near the peak of cpu."""
    found = [ordered[name].to_numpy(dtype=np.float64) for name in Ahead._fields]
    ahead = Ahead(*(map(known.held.raised, found) if metric == "cpu" else found))
    begin = epoch_second(ordered["timestamp"].iloc[0])
    return planned(metric, ahead, past_of(metric, known_of(samples, metric), begin, usual), known.options)


def _constant_plan(metric: str, request: float, known: About) -> float:
    """What is requested without a forecast."""
    return max(request * (known.held.cpu if metric == "cpu" else 1.0), known.least(metric))


def _floors(hours: pd.DatetimeIndex, otherwise: FloatArray, known: About) -> Document:
    """Floors of these hours; `otherwise` are the cores where nothing was chosen."""
    cores = known.floor_cores(hours, otherwise)
    found = sized(known.size, known.options, zip(hours, cores, strict=True))
    return found | (known.acted.document() if known.acted and "floors" in found else {})


def _block(rows: pd.DataFrame, entry: Document) -> Document:
    block: Document = {
        "start": iso(rows["timestamp"].iloc[0]),
        "end": iso(rows["timestamp"].iloc[-1] + pd.Timedelta(hours=1)),
        "p50": rounded(float(rows["p50"].max())),
        "p95": rounded(float(rows["p95"].max())),
        "capacity": rounded(float(rows["capacity"].max())),
    }
    floors = [entry["floors"][at] for at in rows.index] if "floors" in entry else []
    return block | ({"min_replicas": highest(floors).replicas} if floors else {})


def fallback_entry(
    metric: str, samples: pd.DataFrame, end: pd.Timestamp, reason: str, known: About, now: datetime
) -> Document:
    """Entry from usage alone; without any usable sample its source is `none` and it recommends nothing."""
    entry: Document = {"unit": UNITS[metric]}
    found = constant(samples, metric, end, known.options.headroom)
    if found is None:
        return entry | {"source": "none", "reason": f"{reason}; {NO_DATA}" if reason else NO_DATA}
    request = _constant_plan(metric, found.request, known)
    entry |= {
        "source": "fallback",
        "reason": reason,
        "request": rounded(request),
        "p90": rounded(found.p90),
    }
    return entry | (_constant_floors(request, known, now) if metric == "cpu" else {})


def _constant_floors(cores: float, known: About, now: datetime) -> Document:
    """The same in every hour of the day, unless better is known; `min_replicas` is of the quietest hour."""
    hours = pd.date_range(pd.Timestamp(now).floor("h"), periods=CONSTANT_HOURS, freq="h")
    found = _floors(hours, np.full(CONSTANT_HOURS, cores), known)
    quietest = min((int(each["replicas"]) for each in found.get("floors", [])), default=None)
    return found | ({} if quietest is None else {"min_replicas": quietest})


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
    bare = {name: value for name, value in usual(found[0]).items() if name != "shift"}
    return {**bare, "valid_until": until, "carried_from": run, "reason": reason}


def at_least(memory: Document, known: About) -> Document:
    """An entry of an earlier run, with what a container was killed for want of since."""
    least = rounded(known.least("memory")) or 0.0
    return memory | {"request": max(float(memory["request"]), least)}
