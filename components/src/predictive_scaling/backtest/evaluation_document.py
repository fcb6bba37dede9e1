"""An evaluation as a JSON document, as figures to log, and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from predictive_scaling.backtest.evaluation import GUARDED, MODEL, Gates, SeriesEvaluation
from predictive_scaling.base.documents import Document, rounded

EVALUATION_SCHEMA = "predictive-scaling-evaluation/v1"
GRANULARITY = "1h"


def document(results: Sequence[SeriesEvaluation], gates: Gates, horizon: int) -> Document:
    """Everything about the judgement; NaN becomes null."""
    return {
        "schema": EVALUATION_SCHEMA,
        "granularity": GRANULARITY,
        "horizon_hours": horizon,
        "gates": asdict(gates),
        "results": [_entry(result) for result in results],
    }


def _entry(result: SeriesEvaluation) -> Document:
    scores = asdict(result.scores) if result.scores else {}
    numbers = {name: rounded(value) if isinstance(value, float) else value for name, value in scores.items()}
    return {
        "service": result.service,
        "metric": result.metric,
        "decision": result.decision,
        "champion": result.champion,
        "reason": result.reason,
        "refused_by": list(result.refused_by),
        **numbers,
        **({"shift": result.shift.document()} if result.shift else {}),
    }


def decision(results: Sequence[SeriesEvaluation]) -> dict[str, dict[str, str]]:
    """service -> metric -> `model`, `guarded` or `fallback`."""
    found: dict[str, dict[str, str]] = {}
    for result in results:
        found.setdefault(result.service, {})[result.metric] = result.decision
    return found


def figures(results: Sequence[SeriesEvaluation], horizon: int) -> dict[str, float]:
    """Named figures; the names carry granularity and horizon, without which an accuracy means nothing."""
    kind = f"{GRANULARITY}_{horizon}h"
    found = {f"{name}_{kind}_{how}": value for name, how, value in _summaries(results)}
    found["accepted_share"] = _share(results, MODEL)
    found["guarded_share"] = _share(results, GUARDED)
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _summaries(results: Sequence[SeriesEvaluation]) -> list[tuple[str, str, float]]:
    scores = [result.scores for result in results if result.scores]
    if not scores:
        return []
    accuracies = [each.accuracy for each in scores]
    by_metric = {
        metric: _mean_accuracy(results, metric) for metric in sorted({each.metric for each in results})
    }
    return [
        ("accuracy", "mean", float(np.mean(accuracies))),
        ("accuracy", "min", float(np.min(accuracies))),
        *((f"accuracy_{metric}", "mean", value) for metric, value in by_metric.items()),
        ("baseline_accuracy", "mean", float(np.mean([each.baseline_accuracy for each in scores]))),
        ("best_accuracy", "mean", float(np.mean([each.best_accuracy for each in scores]))),
        ("skill", "mean", float(np.mean([each.skill for each in scores]))),
        ("over95", "mean", float(np.mean([each.over95 for each in scores]))),
        ("coverage80", "mean", float(np.mean([each.coverage for each in scores]))),
    ]


def _mean_accuracy(results: Sequence[SeriesEvaluation], metric: str) -> float:
    found = [each.scores.accuracy for each in results if each.scores and each.metric == metric]
    return float(np.mean(found)) if found else float("nan")


def _share(results: Sequence[SeriesEvaluation], decision: str) -> float:
    return sum(each.decision == decision for each in results) / len(results) if results else 0.0


def reason(results: Sequence[SeriesEvaluation]) -> str:
    """How many pass, how many are guarded, and why the first of these and of the others do not."""
    failed = [each for each in results if each.decision != MODEL]
    if not results:
        return "there is nothing to judge"
    guarded = sum(each.decision == GUARDED for each in results)
    counted = f"{len(results) - len(failed)} of {len(results)} forecasts pass"
    counted += f", {guarded} are guarded by the constant" if guarded else ""
    details = "; ".join(f"{each.service} {each.metric}: {each.reason}" for each in failed[:5])
    more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"{counted}; {details}{more}" if failed else counted
