"""Judging forecasts without letting the choice of the model leak into its score.

On fold k the model counts that was to be chosen by the folds before k; those errors, pooled from the fourth fold on,
are the score. Choosing and scoring on the same folds would make every choice look better than it is. This is
prequential evaluation (Dawid, "Statistical theory: the prequential approach", 1984). The baseline is the better of the
daily and weekly seasonal naive on the very folds that are scored: chosen in hindsight, hence hard to beat.

What is gated is safety: whether the p95 that capacity is planned by holds. How near p50 comes to usage says little of
that: bursty services, of which no hour can be known, are planned as safely as others. A forecast that a gate refuses is
guarded, not dropped: each hour gets the higher of it and of the constant, so that nothing is less safe for a refusal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from predictive_scaling.backtest.folds import best, pooled_errors, training_window
from predictive_scaling.backtest.metrics import mase, pinball, seasonal_scale, share_above, wape
from predictive_scaling.backtest.metrics import skill as skill_of
from predictive_scaling.backtest.training_tables import QUANTILES
from predictive_scaling.base.amounts import number
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.series import HOURS_PER_DAY, FloatArray
from predictive_scaling.models import BASELINES
from predictive_scaling.models.features import deployments, hourly_series, series_of
from predictive_scaling.models.shifts import Shift, found
from predictive_scaling.usage.tables import epoch_hours

WARM_UP_FOLDS = 3
MODEL, GUARDED, FALLBACK = "model", "guarded", "fallback"
SERVED = (MODEL, GUARDED)
"""What a model serves, alone or with the constant."""


@dataclass(frozen=True)
class Gates:
    """What a forecast must reach to be used alone; accuracy and shares are 0–1.

    Without accuracy_threshold (0, as it is) accuracy is told and gates nothing.
    """

    accuracy_threshold: float = 0.0
    min_skill: float = -0.05
    max_over95: float = 0.10

    def __post_init__(self) -> None:
        for name in ("accuracy_threshold", "max_over95"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")


@dataclass(frozen=True)
class Scores:
    """Measures over the scored folds; NaN where undefined.

    `skill` is against the seasonal naive that was best in hindsight; `skill_ahead` against the one that had been best
    before each fold, as a person would have chosen it. `best_accuracy` is of the candidate that was best in hindsight.
    `coverage` is the share between p10 and p90 (target 0.80), `over95` the share above p95 (target 0.05).
    """

    accuracy: float
    best_accuracy: float
    baseline: str
    baseline_accuracy: float
    skill: float
    skill_ahead: float
    over95: float
    coverage: float
    mase: float
    pinball95: float
    scored_folds: int
    scored_points: int


@dataclass(frozen=True)
class SeriesEvaluation:
    """Decision for one service and metric. `reason` is empty for an accepted model.

    `refused_by` names the gates that a forecast did not pass; without any, a reason means that there is no forecast.
    `shift` is the level shift of the newest days, where there is one.
    """

    service: str
    metric: str
    champion: str
    scores: Scores | None
    reason: str
    refused_by: tuple[str, ...] = ()
    shift: Shift | None = None

    @property
    def decision(self) -> str:
        """`model`; `guarded` for a forecast that a gate refused; `fallback` without a forecast that could be used."""
        if not self.reason:
            return MODEL
        return GUARDED if self.refused_by else FALLBACK


@dataclass(frozen=True)
class Folds:
    """One series' cross-validation as arrays of the shape folds × hours."""

    first_hour: int
    actual: FloatArray
    p10: dict[str, FloatArray]
    p50: dict[str, FloatArray]
    p90: dict[str, FloatArray]
    p95: dict[str, FloatArray]
    candidates: tuple[str, ...]


def folds_of(cv: pd.DataFrame) -> Folds:
    """Arrays from the cross-validation rows of one service and metric."""
    kinds, model = np.unique(cv["model"].to_numpy(dtype=object), return_inverse=True)
    number, hours = cv["fold"].to_numpy(dtype=np.int64), epoch_hours(cv)
    order = np.lexsort((hours, number, model))
    shape = (len(kinds), len(np.unique(number)), -1)

    def arrays(column: str) -> dict[str, FloatArray]:
        values = cv[column].to_numpy(dtype=np.float64)[order].reshape(shape)
        return {str(kind): rows for kind, rows in zip(kinds, values, strict=True)}

    is_candidate = cv["is_candidate"].to_numpy(dtype=bool)[order].reshape(shape)[:, 0, 0]
    p10, p50, p90, p95 = (arrays(name) for name in QUANTILES)
    actual = next(iter(arrays("y").values()))
    return Folds(int(hours.min()), actual, p10, p50, p90, p95, tuple(map(str, kinds[is_candidate])))


def chosen_models(folds: Folds) -> tuple[str, ...]:
    """For every scored fold, the candidate to be chosen by the folds before it."""
    return _chosen_among(folds, folds.candidates)


def _chosen_among(folds: Folds, kinds: Sequence[str]) -> tuple[str, ...]:
    found = []
    for fold in range(WARM_UP_FOLDS, len(folds.actual)):
        earlier = {kind: folds.p50[kind][:fold] for kind in kinds}
        found.append(best(pooled_errors(folds.actual[:fold], earlier)) or kinds[0])
    return tuple(found)


def prequential(values: dict[str, FloatArray], chosen: Sequence[str]) -> FloatArray:
    """Rows of the models that were chosen for the scored folds."""
    return np.array([values[kind][WARM_UP_FOLDS + at] for at, kind in enumerate(chosen)])


@dataclass(frozen=True)
class ModelValidator:
    """Scores every series of the tables and applies the gates."""

    gates: Gates

    def evaluate(
        self, cv: pd.DataFrame, forecast: pd.DataFrame, features: pd.DataFrame, metrics: Sequence[str]
    ) -> list[SeriesEvaluation]:
        """Evaluate all services of `forecast` for each metric; what was not trained falls back, with the reason."""
        names = sorted(set(map(str, forecast["service"])))
        return [
            replace(
                self._series(name, metric, cv, forecast, features), shift=shift_of(features, name, metric)
            )
            for name in names
            for metric in metrics
        ]

    def _series(
        self, service: str, metric: str, cv: pd.DataFrame, forecast: pd.DataFrame, features: pd.DataFrame
    ) -> SeriesEvaluation:
        rows = _select(cv, service, metric)
        ahead = _select(forecast, service, metric)
        if rows.empty or not ahead["p50"].notna().any():
            return SeriesEvaluation(service, metric, "", None, "no model could be trained on this history")
        champion = str(ahead["model"].iloc[0])
        folds = folds_of(rows)
        if len(folds.actual) <= WARM_UP_FOLDS:
            reason = f"{len(folds.actual)} folds; at least {WARM_UP_FOLDS + 1} are needed to judge"
            return SeriesEvaluation(service, metric, champion, None, reason)
        history = hourly_series(features, service, metric)
        scores = score(folds, history.between(history.start, _first_scored(folds)).values)
        if not np.isfinite(ahead[["p50", "p95"]].to_numpy(dtype=np.float64)).all():
            return SeriesEvaluation(service, metric, champion, scores, "the forecast is not finite")
        failed = self.failed(scores)
        return SeriesEvaluation(service, metric, champion, scores, ", ".join(failed.values()), tuple(failed))

    def failed(self, scores: Scores) -> dict[str, str]:
        """The gates that scores do not pass, by name, with what was found and what is asked for."""
        gates = self.gates
        # Written as "not reached", so that an undefined score (NaN) fails.
        accurate = gates.accuracy_threshold == 0 or scores.accuracy >= gates.accuracy_threshold
        failures = {
            "accuracy_threshold": (
                accurate,
                f"accuracy {number(scores.accuracy)} < {number(gates.accuracy_threshold)}",
            ),
            "min_skill": (
                scores.skill >= gates.min_skill,
                f"skill {number(scores.skill)} < {number(gates.min_skill)}",
            ),
            "max_over95": (
                scores.over95 <= gates.max_over95,
                f"p95 overrun {number(scores.over95)} > {number(gates.max_over95)}",
            ),
        }
        return {name: f"{text} ({name})" for name, (reached, text) in failures.items() if not reached}


def shift_of(features: pd.DataFrame, service: str, metric: str) -> Shift | None:
    """The level shift at the end of a series, as its models see it."""
    rows = features[features["service"] == service]
    if rows.empty:
        return None
    series = series_of(rows, service, metric)
    return found(training_window(series, series.end), deployments(rows))


def _first_scored(folds: Folds) -> int:
    """The hour at which scoring begins; folds lie whole days apart, at least a horizon."""
    horizon = int(folds.actual.shape[1])
    return folds.first_hour + WARM_UP_FOLDS * math.ceil(horizon / HOURS_PER_DAY) * HOURS_PER_DAY


def _select(table: pd.DataFrame, service: str, metric: str) -> pd.DataFrame:
    return table[(table["service"] == service) & (table["metric"] == metric)]


def score(folds: Folds, history: FloatArray) -> Scores:
    """Score the prequential forecasts; `history` is what was known before the first scored fold."""
    chosen = chosen_models(folds)
    actual = folds.actual[WARM_UP_FOLDS:]
    parts = (folds.p10, folds.p50, folds.p90, folds.p95)
    p10, p50, p90, p95 = (prequential(part, chosen).ravel() for part in parts)
    naive = _hindsight(folds, [kind for kind in BASELINES if kind in folds.p50])
    baseline = best(naive) or ""
    ahead = (
        prequential(folds.p50, _chosen_among(folds, tuple(naive))) if naive else np.full_like(actual, np.nan)
    )
    error = wape(actual.ravel(), p50)
    return Scores(
        accuracy=_accuracy(error),
        best_accuracy=_accuracy(min(_hindsight(folds, folds.candidates).values())),
        baseline=baseline,
        baseline_accuracy=_accuracy(naive.get(baseline, math.nan)),
        skill=skill_of(error, naive.get(baseline, math.nan)),
        skill_ahead=skill_of(error, wape(actual, ahead)),
        over95=share_above(actual.ravel(), p95),
        coverage=1.0 - share_above(actual.ravel(), p90) - share_above(p10, actual.ravel()),
        mase=mase(actual.ravel(), p50, seasonal_scale(history, HOURS_PER_DAY)),
        pinball95=pinball(actual.ravel(), p95, 0.95),
        scored_folds=len(actual),
        scored_points=int(np.isfinite(actual).sum()),
    )


def _hindsight(folds: Folds, kinds: Sequence[str]) -> dict[str, float]:
    """WAPE of each kind on the scored folds."""
    return pooled_errors(
        folds.actual[WARM_UP_FOLDS:], {kind: folds.p50[kind][WARM_UP_FOLDS:] for kind in kinds}
    )


def _accuracy(error: float) -> float:
    return error if math.isnan(error) else max(0.0, 1.0 - error)
