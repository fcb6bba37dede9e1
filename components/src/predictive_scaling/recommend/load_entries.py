"""What a recommendation says of a service's load: its forecast, and what a unit of it costs, and did before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd

from predictive_scaling.backtest.evaluation import FALLBACK
from predictive_scaling.base.amounts import number
from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.models.levels import LEAST_CHANGE
from predictive_scaling.models.load import UNITS
from predictive_scaling.models.unit_cost import UnitCost
from predictive_scaling.recommend.entries import SCORES

NOT_ASKED = "no forecast of the load was asked for"
TOLD = timedelta(days=7)
"""A change is noted for so long; the entry has it for as long as it is among the data."""
REQUESTS = UNITS["requests"]


def load_entry(
    unit: str, cost: UnitCost | None, forecast: pd.DataFrame, judged: Document, block_hours: int
) -> Document:
    """Entry of a load; `forecast` has its rows where it was forecast, `judged` what came of that."""
    entry: Document = {"unit": unit}
    if judged.get("decision", FALLBACK) != FALLBACK and not forecast.empty:
        ordered = forecast.sort_values("timestamp").reset_index(drop=True)
        entry |= {"source": str(ordered["model"].iloc[0]), **{name: judged[name] for name in SCORES}}
        entry |= {"reason": str(judged["reason"])} if judged["reason"] else {}
        entry["blocks"] = [_block(rows) for _, rows in ordered.groupby(ordered.index // block_hours)]
    else:
        entry |= {"source": "none", "reason": str(judged.get("reason") or NOT_ASKED)}
    return entry | (_cost(cost) if cost else {})


def _block(rows: pd.DataFrame) -> Document:
    return {
        "start": iso(rows["timestamp"].iloc[0]),
        "end": iso(rows["timestamp"].iloc[-1] + pd.Timedelta(hours=1)),
        "p50": rounded(float(rows["p50"].max())),
        "p95": rounded(float(rows["p95"].max())),
    }


def _cost(cost: UnitCost) -> Document:
    found: Document = {"cores_per_unit": rounded(cost.cores)}
    if cost.changes:
        newest = cost.changes[-1]
        found["change"] = {
            "since": iso(pd.Timestamp(newest.hour * 3600, unit="s", tz="UTC")),
            "before": rounded(newest.before),
            "after": rounded(newest.after),
            "of_code": newest.of_code,
        }
    if cost.earlier is not None:
        found["earlier"] = rounded(cost.earlier)
    return found


def told(load: Mapping[str, object], generated_at: str) -> str:
    """A sentence where a unit came to cost a fifth more or less of late; empty where it did not."""
    change = load.get("change")
    if isinstance(change, Mapping) and parse_instant(generated_at) - _since(change) <= TOLD:
        return _changed(change, str(load["unit"]))
    return _drifted(load)


def _since(change: Mapping[str, object]) -> datetime:
    return parse_instant(str(change["since"]))


def _changed(change: Mapping[str, object], unit: str) -> str:
    before, after = float(str(change["before"])), float(str(change["after"]))
    if not apart(before, after):
        return ""
    since = str(change["since"])[:16] + "Z"
    if not change["of_code"]:
        return (
            f"{shown(before, after, unit)} since {since}, while its cores stayed as they were: the load is counted "
            "otherwise, or other requests came; nothing is raised for it"
        )
    return f"code got {'slower' if after > before else 'faster'}: {shown(before, after, unit)} since {since}"


def _drifted(load: Mapping[str, object]) -> str:
    if "earlier" not in load:
        return ""
    before, now = float(str(load["earlier"])), float(str(load["cores_per_unit"]))
    if not apart(before, now):
        return ""
    how = "slower" if now > before else "faster"
    return f"code got {how} by and by: {shown(before, now, str(load['unit']))} in weeks"


def apart(before: float, now: float) -> bool:
    """Whether two costs lie a fifth apart."""
    high, low = max(before, now), min(before, now)
    return low > 0 and math.log(high / low) >= LEAST_CHANGE


def shown(before: float, after: float, unit: str) -> str:
    """Both costs as people say them: 12 → 17 ms of core per request."""
    return f"{number(before * 1000)} → {cores_shown(after, unit)}"


def cores_shown(cost: float, unit: str) -> str:
    """A cost as people say it: 12 ms of core per request."""
    what = "ms of core per request" if unit == REQUESTS else "millicores per item of the queue"
    return f"{number(cost * 1000)} {what}"
