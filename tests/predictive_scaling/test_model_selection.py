import numpy as np
import pandas as pd
import pytest
from predictive_scaling.backtest import training
from predictive_scaling.backtest.evaluation import (
    Gates,
    ModelValidator,
    Scores,
    chosen_models,
    folds_of,
    score,
)
from predictive_scaling.backtest.evaluation_document import document, figures, reason
from predictive_scaling.backtest.training import Job, ModelTrainer, TrainingOptions
from predictive_scaling.backtest.training_tables import cv_table, forecast_table
from predictive_scaling.models.features import FeatureEngineer, hourly_series
from usage_data import clean, usage

HOUR = pd.Timedelta(hours=1)


def cv(forecasts, actual=10.0, candidates=None):
    """Cross-validation of two hours a fold; `forecasts` gives one number per fold and model."""
    rows = []
    for model, values in forecasts.items():
        for fold, value in enumerate(values):
            for hour in range(2):
                at = pd.Timestamp("2026-01-05T00:00Z") + fold * pd.Timedelta(days=1) + hour * HOUR
                rows.append(
                    {
                        "service": "s",
                        "metric": "cpu",
                        "fold": fold,
                        "timestamp": at,
                        "y": actual,
                        "model": model,
                        "is_candidate": candidates is None or model in candidates,
                        "p10": value - 1,
                        "p50": value,
                        "p90": value + 0.5,
                        "p95": value + 1,
                    }
                )
    return folds_of(pd.DataFrame(rows))


def test_fold_uses_the_model_that_was_best_before_it():
    # `last` is perfect for three folds, then bad; the naive is the other way round.
    folds = cv({"last": [10, 10, 10, 0, 0, 0], "snaive_1d": [9, 9, 9, 10, 10, 10]})
    assert chosen_models(folds) == ("last", "snaive_1d", "snaive_1d")


def test_score_pays_for_what_selection_could_not_know():
    folds = cv({"last": [10, 10, 10, 0, 0, 0], "snaive_1d": [9, 9, 9, 10, 10, 10]})
    found = score(folds, np.arange(48.0))
    # Errors of the scored folds: 10, 0, 0 of 10 each. In hindsight the naive would have had no error at all.
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.baseline_accuracy == 1.0
    assert (found.skill, found.best_accuracy) == (-1.0, 1.0)
    assert found.over95 == pytest.approx(1 / 3)
    assert found.mase == pytest.approx((10 / 3) / 24)
    assert (found.scored_folds, found.scored_points) == (3, 6)


def test_changing_a_scored_fold_does_not_change_its_own_choice():
    before = cv({"last": [10, 10, 10, 10], "snaive_1d": [9, 9, 9, 9]})
    after = cv({"last": [10, 10, 10, 0], "snaive_1d": [9, 9, 9, 10]})
    assert chosen_models(before) == chosen_models(after) == ("last",)


def test_baseline_is_measured_but_not_chosen_when_it_is_no_candidate():
    folds = cv({"last": [5] * 5, "snaive_1d": [10] * 5}, candidates=["last"])
    assert chosen_models(folds) == ("last", "last")
    assert score(folds, np.arange(48.0)).baseline == "snaive_1d"


def test_skill_ahead_is_against_the_naive_that_had_been_best():
    # The weekly naive was perfect while the choice was made, and bad when it counted.
    folds = cv(
        {"last": [9] * 6, "snaive_1d": [8] * 6, "snaive_7d": [10, 10, 10, 0, 0, 0]}, candidates=["last"]
    )
    found = score(folds, np.arange(48.0))
    assert found.baseline == "snaive_1d"
    assert found.skill == pytest.approx(0.5)
    # Chosen ahead: 10, then 2 and 2 of the daily one, which had been best from then on: 14 against 3.
    assert found.skill_ahead == pytest.approx(1 - 3 / 14)


def test_coverage_counts_what_lies_between_p10_and_p90():
    folds = cv({"snaive_1d": [10, 10, 10, 10.2, 9.6, 9.4]})
    assert score(folds, np.arange(48.0)).coverage == pytest.approx(2 / 3)  # 9.4 + 0.5 is below 10


GOOD = Scores(0.9, 0.9, "snaive_1d", 0.85, 0.3, 0.3, 0.05, 0.8, 1.0, 0.1, 4, 96)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"accuracy": 0.69}, {"accuracy_threshold": "accuracy 0.69 < 0.7 (accuracy_threshold)"}),
        ({"skill": -0.06}, {"min_skill": "skill -0.06 < -0.05 (min_skill)"}),
        ({"over95": 0.2}, {"max_over95": "p95 overrun 0.2 > 0.1 (max_over95)"}),
        ({"over95": float("nan")}, {"max_over95": "p95 overrun – > 0.1 (max_over95)"}),
        ({"accuracy": float("nan")}, {"accuracy_threshold": "accuracy – < 0.7 (accuracy_threshold)"}),
    ],
)
def test_each_gate_refuses_by_its_name_with_its_figures(change, text):
    scores = Scores(**{**GOOD.__dict__, **change})
    assert ModelValidator(Gates(accuracy_threshold=0.7)).failed(scores) == text


def test_values_on_the_limits_pass():
    scores = Scores(**{**GOOD.__dict__, "accuracy": 0.70, "skill": -0.05, "over95": 0.10})
    assert ModelValidator(Gates(accuracy_threshold=0.7)).failed(scores) == {}


def test_accuracy_gates_nothing_unless_it_is_asked_for():
    for accuracy in (0.0, float("nan")):
        assert ModelValidator(Gates()).failed(Scores(**{**GOOD.__dict__, "accuracy": accuracy})) == {}


def judged(gates, p95=lambda rows: rows["p95"]):
    """Four perfect weeks of one service, with a p95 of our own in the forecast."""
    features, results = trained(usage(days=20))
    forecast = forecast_table(results, 24)
    return ModelValidator(gates).evaluate(
        cv_table(results), forecast.assign(p95=p95(forecast)), features, ["cpu"]
    )


def test_what_a_gate_refuses_is_guarded_and_named():
    found = judged(Gates(min_skill=1.5))
    assert (found[0].decision, found[0].refused_by) == ("guarded", ("min_skill",))
    assert "(min_skill)" in found[0].reason
    assert reason(found).startswith("0 of 1 forecasts pass, 1 are guarded by the constant; ")
    assert document(found, Gates(), 24)["results"][0]["refused_by"] == ["min_skill"]
    assert figures(found, 24)["guarded_share"] == 1.0


def test_a_forecast_that_is_not_finite_is_not_used_at_all():
    found = judged(Gates(), lambda rows: rows["p95"] * np.inf)
    assert (found[0].decision, found[0].reason) == ("fallback", "the forecast is not finite")


LIGHT = TrainingOptions(candidates=("profile_level", "snaive_1d", "last"))


def trained(raw, options=LIGHT, metric="cpu"):
    features = FeatureEngineer().transform(clean(raw))
    names = sorted(set(features["service"]))
    jobs = [Job(name, metric, hourly_series(features, name, metric), options) for name in names]
    results = ModelTrainer(workers=1).train(jobs)
    return features, results


def test_perfect_series_is_accepted_end_to_end():
    features, results = trained(usage(days=20))
    evaluated = ModelValidator(Gates()).evaluate(
        cv_table(results), forecast_table(results, 24), features, ["cpu"]
    )
    assert [each.decision for each in evaluated] == ["model"]
    assert evaluated[0].scores.accuracy == pytest.approx(1.0, abs=1e-6)
    assert reason(evaluated) == "1 of 1 forecasts pass"


def test_champion_forecasts_the_hours_right_after_the_data():
    features, results = trained(usage(days=20))
    forecast = forecast_table(results, 24)
    assert forecast["timestamp"].iloc[0] == features["timestamp"].max() + HOUR
    assert len(forecast) == 24
    # Sine around 2, one hour's mean each: the first quarter of the day rises.
    assert forecast["p50"].iloc[5] > forecast["p50"].iloc[0] > 2.0


def test_too_short_history_falls_back_with_the_reason():
    features, results = trained(usage(days=5))
    assert "too short" in results[0].reason
    evaluated = ModelValidator(Gates()).evaluate(
        cv_table(results), forecast_table(results, 24), features, ["cpu"]
    )
    assert [each.decision for each in evaluated] == ["fallback"]
    assert "no model could be trained" in evaluated[0].reason


def test_too_few_folds_to_judge_falls_back():
    features, results = trained(usage(days=20), TrainingOptions(candidates=("last",), cv_folds=3))
    evaluated = ModelValidator(Gates()).evaluate(
        cv_table(results), forecast_table(results, 24), features, ["cpu"]
    )
    assert evaluated[0].reason == "3 folds; at least 4 are needed to judge"


def test_series_without_data_is_refused_not_raised():
    raw = usage(days=15).assign(memory=float("nan"))
    _, results = trained(raw, metric="memory")
    assert results[0].reason == "no data"


def test_metric_names_carry_granularity_and_horizon():
    features, results = trained(usage(days=20))
    evaluated = ModelValidator(Gates()).evaluate(
        cv_table(results), forecast_table(results, 24), features, ["cpu"]
    )
    found = figures(evaluated, 24)
    assert found["accuracy_1h_24h_mean"] == pytest.approx(1.0, abs=1e-6)
    assert found["accepted_share"] == 1.0
    assert document(evaluated, Gates(), 24)["horizon_hours"] == 24


def test_processes_give_the_same_result_as_one(monkeypatch):
    monkeypatch.setattr(training, "BATCH", 1)  # else one process would have them all
    raw = pd.concat([usage("a", 15), usage("b", 15)])
    options = TrainingOptions(candidates=("profile_level", "last"), cv_folds=2)
    features = FeatureEngineer().transform(clean(raw))
    jobs = [Job(name, "cpu", hourly_series(features, name, "cpu"), options) for name in ("a", "b")]
    alone, together = ModelTrainer(workers=1).train(jobs), ModelTrainer(workers=2).train(jobs)
    assert [each.champion.encoded for each in alone] == [each.champion.encoded for each in together]
