"""Judging forecasts without letting the choice of the model leak into its score.

On fold k the model counts that was best on the folds before k; those errors, pooled from the fourth fold on, are the
score. Choosing and scoring on the same folds would make every choice look better than it is. This is prequential
evaluation (Dawid, "Statistical theory: the prequential approach", 1984). The baseline is the better of the daily and
weekly seasonal naive on the very folds that are scored: chosen in hindsight, hence hard to beat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictive_scaling.backtest import best, pooled_errors
from predictive_scaling.errors import InputError
from predictive_scaling.features import hourly_series
from predictive_scaling.metrics import mase, pinball, seasonal_scale, share_above, wape
from predictive_scaling.metrics import skill as skill_of
from predictive_scaling.models import BASELINES
from predictive_scaling.series import HOURS_PER_DAY, FloatArray
from predictive_scaling.tables import epoch_hours

WARM_UP_FOLDS = 3
MODEL, FALLBACK = "model", "fallback"


@dataclass(frozen=True)
class Gates:
    """What a forecast must reach to be used; accuracy and shares are 0–1."""

    accuracy_threshold: float = 0.70
    min_skill: float = -0.05
    max_over95: float = 0.10

    def __post_init__(self) -> None:
        for name in ("accuracy_threshold", "max_over95"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")


@dataclass(frozen=True)
class Scores:
    """Measures over the scored folds; NaN where undefined. `inside` is the share between p10 and p95 (target 0.85)."""

    accuracy: float
    baseline: str
    baseline_accuracy: float
    skill: float
    over95: float
    inside: float
    mase: float
    pinball95: float
    scored_folds: int
    scored_points: int


@dataclass(frozen=True)
class SeriesEvaluation:
    """Decision for one service and metric. `reason` is empty for an accepted model."""

    service: str
    metric: str
    champion: str
    scores: Scores | None
    reason: str

    @property
    def decision(self) -> str:
        """`model` or `fallback`."""
        return FALLBACK if self.reason else MODEL


@dataclass(frozen=True)
class Folds:
    """One series' cross-validation as arrays of the shape folds × hours."""

    first_hour: int
    actual: FloatArray
    p50: dict[str, FloatArray]
    p10: dict[str, FloatArray]
    p95: dict[str, FloatArray]
    candidates: tuple[str, ...]


def folds_of(cv: pd.DataFrame) -> Folds:
    """Arrays from the cross-validation rows of one service and metric."""
    ordered = cv.sort_values(["model", "fold", "timestamp"])
    groups = {str(kind): rows for kind, rows in ordered.groupby("model", sort=True)}
    shape = (int(cv["fold"].nunique()), -1)

    def arrays(column: str) -> dict[str, FloatArray]:
        return {kind: rows[column].to_numpy(dtype=np.float64).reshape(shape) for kind, rows in groups.items()}

    candidates = tuple(kind for kind, rows in groups.items() if bool(rows["is_candidate"].iloc[0]))
    actual = next(iter(arrays("y").values()))
    first_hour = int(epoch_hours(ordered).min())
    return Folds(first_hour, actual, arrays("p50"), arrays("p10"), arrays("p95"), candidates)


def chosen_models(folds: Folds) -> tuple[str, ...]:
    """For every scored fold, the candidate of the lowest WAPE on the folds before it."""
    eligible = {kind: folds.p50[kind] for kind in folds.candidates}
    found = []
    for fold in range(WARM_UP_FOLDS, len(folds.actual)):
        earlier = {kind: p50[:fold] for kind, p50 in eligible.items()}
        found.append(best(pooled_errors(folds.actual[:fold], earlier)) or folds.candidates[0])
    return tuple(found)


def prequential(folds: Folds, values: dict[str, FloatArray]) -> FloatArray:
    """Rows of the chosen models for the scored folds."""
    return np.array([values[kind][WARM_UP_FOLDS + at] for at, kind in enumerate(chosen_models(folds))])


@dataclass(frozen=True)
class ModelValidator:
    """Scores every series of the tables and applies the gates."""

    gates: Gates

    def evaluate(
        self, cv: pd.DataFrame, forecast: pd.DataFrame, features: pd.DataFrame, metrics: Sequence[str]
    ) -> list[SeriesEvaluation]:
        """Evaluate all services of `forecast` for each metric; what was not trained falls back, with the reason."""
        names = sorted(set(map(str, forecast["service"])))
        return [self._series(name, metric, cv, forecast, features) for name in names for metric in metrics]

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
        finite = bool(np.isfinite(ahead[["p50", "p95"]].to_numpy(dtype=np.float64)).all())
        return SeriesEvaluation(service, metric, champion, scores, self._reason(scores, finite=finite))

    def _reason(self, scores: Scores, *, finite: bool) -> str:
        gates = self.gates
        reached_accuracy = scores.accuracy >= gates.accuracy_threshold
        failures = [
            # Written as "not reached", so that an undefined score (NaN) fails.
            (finite, "the forecast is not finite"),
            (reached_accuracy, f"accuracy {scores.accuracy:.3f} < {gates.accuracy_threshold:.3f}"),
            (scores.skill >= gates.min_skill, f"skill {scores.skill:.3f} < {gates.min_skill:.3f}"),
            (scores.over95 <= gates.max_over95, f"p95 overrun {scores.over95:.3f} > {gates.max_over95:.3f}"),
        ]
        return ", ".join(text for reached, text in failures if not reached)


def _first_scored(folds: Folds) -> int:
    """The hour at which scoring begins; folds lie whole days apart, at least a horizon."""
    horizon = int(folds.actual.shape[1])
    return folds.first_hour + WARM_UP_FOLDS * math.ceil(horizon / HOURS_PER_DAY) * HOURS_PER_DAY


def _select(table: pd.DataFrame, service: str, metric: str) -> pd.DataFrame:
    return table[(table["service"] == service) & (table["metric"] == metric)]


def score(folds: Folds, history: FloatArray) -> Scores:
    """Score the prequential forecasts; `history` is what was known before the first scored fold."""
    actual = folds.actual[WARM_UP_FOLDS:].ravel()
    p10, p50, p95 = (prequential(folds, part).ravel() for part in (folds.p10, folds.p50, folds.p95))
    naive = {kind: folds.p50[kind][WARM_UP_FOLDS:] for kind in BASELINES if kind in folds.p50}
    naive_errors = pooled_errors(folds.actual[WARM_UP_FOLDS:], naive)
    baseline = best(naive_errors) or ""
    naive_error = naive_errors.get(baseline, math.nan)
    error = wape(actual, p50)
    return Scores(
        accuracy=_accuracy(error),
        baseline=baseline,
        baseline_accuracy=_accuracy(naive_error),
        skill=skill_of(error, naive_error),
        over95=share_above(actual, p95),
        inside=1.0 - share_above(actual, p95) - share_above(p10, actual),
        mase=mase(actual, p50, seasonal_scale(history, HOURS_PER_DAY)),
        pinball95=pinball(actual, p95, 0.95),
        scored_folds=len(folds.actual) - WARM_UP_FOLDS,
        scored_points=int(np.isfinite(actual).sum()),
    )


def _accuracy(error: float) -> float:
    return error if math.isnan(error) else max(0.0, 1.0 - error)
