"""The step that forecasts with the models in force, between two trainings."""
# ruff: noqa: PLR0913 -- a step has as many parameters as its component

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pandas as pd

from predictive_scaling.backtest import freshness
from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.evaluation import FALLBACK, GUARDED, MODEL
from predictive_scaling.backtest.evaluation_document import EVALUATION_SCHEMA, GRANULARITY
from predictive_scaling.backtest.freshness import Aged
from predictive_scaling.backtest.reforecast import Reforecast, reforecast, unserved
from predictive_scaling.backtest.training_tables import reforecast_table, write_current_models
from predictive_scaling.base.clock import parse_instant, resolve_now
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import Document, pretty_bytes, sha256, write_bytes
from predictive_scaling.base.series import HOURS_PER_DAY
from predictive_scaling.models import BY_LOAD
from predictive_scaling.models.features import FEATURE_COLUMNS, deployments, level_changes, series_of
from predictive_scaling.models.load import loaded
from predictive_scaling.recommend.entries import SCORES
from predictive_scaling.recommend.publishing import BY_LOAD_SCORE, current_pointer
from predictive_scaling.recommend.trusted import require_trusted_pointer
from predictive_scaling.steps.faults import from_results, write_error_log
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT, Registry
from predictive_scaling.usage.by_service import rows_by_service
from predictive_scaling.usage.checks import LOAD, METRICS
from predictive_scaling.usage.tables import read_table, write_table
from predictive_scaling.usage.validation import require_service_name


class Reforecasted(NamedTuple):
    """Whether any model serves, and how many do, with the reasons of the others."""

    accepted: bool
    reason: str


def forecast_current(
    features: str,
    registry: str,
    forecasts: Sequence[str],
    models: Sequence[str],
    evaluation: str,
    horizon_hours: int,
    max_age_days: float,
    now_override: str = "",
    *,
    error_log: str = "",
    every_hours: float = 0.0,
) -> Reforecasted:
    """Forecast every series that has a model in force; forecasts and models are written for cpu, memory and,
    where a third path is given, load.

    A model older than `max_age_days` is not used: then training has failed for too long. With `every_hours`, which is
    from run to run, the evaluation says what that gains over a run a day. Raises RegistryError.
    """
    table, now = read_table(features, FEATURE_COLUMNS), resolve_now(now_override)
    opened = open_registry(registry)
    wall = max(now, resolve_now())
    pointer = require_trusted_pointer(current_pointer(opened) or {"models": {}, "trained": {}}, wall, CURRENT)
    in_use = _Current(opened, pointer, now - timedelta(days=max_age_days), horizon_hours)
    metrics = (*METRICS, LOAD)[: len(forecasts)]
    found = {metric: list(in_use.forecasts(table, metric)) for metric in metrics}
    for metric, forecast, model in zip(metrics, forecasts, models, strict=True):
        write_table(reforecast_table(found[metric]), forecast)
        write_current_models(found[metric], metric, model, horizon_hours)
    results = [in_use.judged(each) for metric in metrics for each in found[metric]]
    gained = in_use.gained(table, found, round(every_hours))
    write_bytes(evaluation, pretty_bytes(_document(results, horizon_hours) | gained))
    told = _told(results, gained)
    write_error_log(error_log, from_results(results), success=told.accepted)
    return told


class _Current(NamedTuple):
    """The models in force, how old they may be at most, and the horizon in hours."""

    registry: Registry
    pointer: Document
    oldest: datetime
    horizon: int

    def forecasts(self, table: pd.DataFrame, metric: str) -> Iterator[Reforecast]:
        """One for every service of the table that has the metric."""
        own = rows_by_service(table)
        for service in loaded(table) if metric == LOAD else own:
            rows = own[service]
            series = series_of(rows, require_service_name(service), metric)
            reason = self._refusal(service, metric)
            if reason:
                yield unserved(service, metric, series.end, self.horizon, reason)
            else:
                key = str(self.pointer["models"][service][metric])
                yield reforecast(self.registry, key, service, metric, series, self.horizon, deployments(rows))

    def _refusal(self, service: str, metric: str) -> str:
        trained = self._trained(service, metric)
        if metric not in self.pointer["models"].get(service, {}) or not trained:
            return "no model is in force"
        if parse_instant(str(trained["trained_at"])) < self.oldest:
            return f"the model in force is from {trained['trained_at']}: too old"
        return ""

    def _trained(self, service: str, metric: str) -> Document:
        found: Document = self.pointer.get("trained", {}).get(service, {}).get(metric, {})
        return found

    def judged(self, each: Reforecast) -> Document:
        """Entry of the evaluation: the scores are those of the training."""
        trained = self._trained(each.service, each.metric)
        guarded = str(trained.get("guarded", ""))
        decision = FALLBACK if each.reason else GUARDED if guarded else MODEL
        reason = each.reason or guarded
        found = {"service": each.service, "metric": each.metric, "decision": decision, "reason": reason}
        by_load = not each.reason and each.metric == "cpu" and trained.get(BY_LOAD_SCORE) is True
        return found | {
            "champion": BY_LOAD if by_load else each.kind,
            **{n: trained[n] for n in (*SCORES, "trained_at") if n in trained},
            **({"shift": each.shift.document()} if each.shift else {}),
        }

    def gained(self, table: pd.DataFrame, found: Mapping[str, Sequence[Reforecast]], every: int) -> Document:
        """What runs every so many hours gain; empty for daily ones, and until the models are a day old."""
        served = [each for metric in METRICS for each in found[metric] if not each.reason]
        if not 1 <= every < HOURS_PER_DAY:
            return {}
        pairs = [self._aged(table, served[at], every) for at in freshness.evenly(len(served))]
        sides = [[pair[side] for pair in pairs if pair is not None] for side in (0, 1)]
        gain = freshness.gain(every, *sides)
        return {"freshness": gain.document()} if gain else {}

    def _aged(self, table: pd.DataFrame, each: Reforecast, every: int) -> tuple[Aged, Aged] | None:
        rows = table[table["service"] == each.service]
        series = series_of(rows, each.service, each.metric)
        changes = level_changes(rows) if each.metric == "cpu" else ()
        trained = parse_instant(str(self._trained(each.service, each.metric)["trained_at"]))
        stored, since = decode(each.data, sha256(each.data)), -int(-trained.timestamp() // 3600)
        often, daily = (
            freshness.by_rhythm(stored, series, rhythm, since, changes=changes)
            for rhythm in (every, HOURS_PER_DAY)
        )
        return (often, daily) if often and daily else None


def _document(results: Sequence[Document], horizon: int) -> Document:
    return {
        "schema": EVALUATION_SCHEMA,
        "granularity": GRANULARITY,
        "horizon_hours": horizon,
        "results": list(results),
    }


def _told(results: Sequence[Document], gained: Document) -> Reforecasted:
    failed = [each for each in results if each["decision"] == FALLBACK]
    counted = f"{len(results) - len(failed)} of {len(results)} series have a model in force"
    details = "; ".join(f"{each['service']} {each['metric']}: {each['reason']}" for each in failed[:5])
    reason = f"{counted}; {details}" if failed else counted
    say("\n".join([reason, *(freshness.told(each) for each in gained.values())]))
    usage = [each for each in results if each["metric"] != LOAD]
    return Reforecasted(any(each["decision"] != FALLBACK for each in usage), reason)
