"""Cores by load, as one more model of cpu: the forecast load times what a unit of it costs, judged on the same folds.

At each origin the cost is of the hours before it, and the load's forecast of the model that was to be chosen then. It
is chosen by the rule of all models: only where it was better than the blend by their margin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from predictive_scaling.backtest.evaluation import SERVED
from predictive_scaling.backtest.folds import best, pooled_errors
from predictive_scaling.backtest.metrics import wape
from predictive_scaling.backtest.training_tables import CV_COLUMNS, FORECAST_COLUMNS
from predictive_scaling.models import BLEND, BY_LOAD
from predictive_scaling.models.features import as_it_came, level_changes
from predictive_scaling.models.load import by_load, cost_of
from predictive_scaling.models.unit_cost import UnitCost
from predictive_scaling.usage.checks import LOAD
from predictive_scaling.usage.tables import epoch_hours

CPU = "cpu"
JOINED = ("fold", "timestamp")


class Loaded(NamedTuple):
    """Cross-validation and forecasts with cores by load, and the services whose cores are forecast so."""

    cv: pd.DataFrame
    forecast: pd.DataFrame
    chosen: frozenset[str]


def with_load(cv: pd.DataFrame, forecast: pd.DataFrame, features: pd.DataFrame) -> Loaded:
    """Add the model to the folds of each service that has a load, and to the forecasts where it is the best."""
    folds = {service: _folds(service, rows, features) for service, rows in _by_service(cv, LOAD)}
    made = {service: rows for service, rows in folds.items() if rows is not None}
    if not made:
        return Loaded(cv, forecast, frozenset())
    judged = pd.concat([cv, *made.values()], ignore_index=True)
    chosen = frozenset(each for each in made if _is_best(_of(judged, each, CPU), _of(forecast, each, CPU)))
    costs = {each: cost_of(features[features["service"] == each], levelled=True) for each in chosen}
    return Loaded(judged, served(forecast, costs), chosen)


def served(forecast: pd.DataFrame, costs: Mapping[str, UnitCost | None]) -> pd.DataFrame:
    """Forecasts in which the cores of these services are what their load will cost; the rest stays as it is."""
    parts = [forecast]
    for service, cost in costs.items():
        load = _of(forecast, service, LOAD)
        if cost is None or not load["p95"].notna().any():
            continue
        cores = by_load(load, cost).assign(metric=CPU, model=BY_LOAD)
        parts = [part[~((part["service"] == service) & (part["metric"] == CPU))] for part in parts] + [cores]
    return forecast if len(parts) == 1 else pd.concat(parts, ignore_index=True)[list(FORECAST_COLUMNS)]


def chosen_of(results: Collection[Mapping[str, object]]) -> list[str]:
    """Services of an evaluation whose cores are forecast by load, and whose load is forecast."""
    accepted = {
        (str(each["service"]), str(each["metric"])): each for each in results if each["decision"] in SERVED
    }
    return [
        service
        for (service, metric), each in accepted.items()
        if metric == CPU and each.get("champion") == BY_LOAD and (service, LOAD) in accepted
    ]


def _by_service(table: pd.DataFrame, metric: str) -> Iterator[tuple[str, pd.DataFrame]]:
    for service, rows in table[table["metric"] == metric].groupby("service", sort=True):
        yield str(service), rows


def _of(table: pd.DataFrame, service: str, metric: str) -> pd.DataFrame:
    return table[(table["service"] == service) & (table["metric"] == metric)]


def _folds(service: str, load: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame | None:
    """Rows of cores by load on all folds; None where a fold has no cost or no forecast."""
    rows = features[features["service"] == service]
    # Without a candidate that could be fitted to the load, none of its forecasts would ever be used.
    if not load["is_candidate"].any():
        return None
    course, changes = _course(load), level_changes(rows)
    known = rows.set_index("timestamp")[CPU]
    parts = []
    for _, fold in course.groupby("fold", sort=True):
        cost = cost_of(rows[rows["timestamp"] < fold["timestamp"].min()], levelled=True)
        if cost is None or fold["p50"].isna().any():
            return None
        hours, actual = epoch_hours(fold), known.reindex(fold["timestamp"]).to_numpy(dtype=np.float64)
        came = as_it_came(actual, hours, int(hours.min()), changes)
        parts.append(by_load(fold, cost).assign(y=came))
    made = pd.concat(parts, ignore_index=True)
    return made.assign(metric=CPU, model=BY_LOAD, is_candidate=True)[list(CV_COLUMNS)]


def _course(load: pd.DataFrame) -> pd.DataFrame:
    """The load's rows of the model to be chosen before each fold: the blend, until folds say otherwise."""
    kinds = {
        str(kind): rows.sort_values(list(JOINED))
        for kind, rows in load[load["is_candidate"]].groupby("model")
    }
    shape = (int(load["fold"].nunique()), -1)
    p50 = {kind: rows["p50"].to_numpy(dtype=np.float64).reshape(shape) for kind, rows in kinds.items()}
    actual = next(iter(kinds.values()))["y"].to_numpy(dtype=np.float64).reshape(shape)
    first = BLEND if BLEND in kinds else min(kinds)
    chosen = [
        (best(pooled_errors(actual[:at], {kind: each[:at] for kind, each in p50.items()})) if at else None)
        or first
        for at in range(shape[0])
    ]
    return pd.concat(
        [kinds[kind][kinds[kind]["fold"] == at] for at, kind in enumerate(chosen)], ignore_index=True
    )


def _is_best(cv: pd.DataFrame, ahead: pd.DataFrame) -> bool:
    """Whether cores by load were better than the model that was chosen, by the rule of all models."""
    if ahead.empty or set(cv[cv["model"] == BY_LOAD]["timestamp"]) != set(cv["timestamp"]):
        return False
    own = str(ahead["model"].iloc[0])
    errors = {
        kind: wape(rows["y"].to_numpy(dtype=np.float64), rows["p50"].to_numpy(dtype=np.float64))
        for kind, rows in ((kind, cv[cv["model"] == kind]) for kind in (own, BY_LOAD))
    }
    return best(errors) == BY_LOAD
