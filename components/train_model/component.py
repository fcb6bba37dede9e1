"""KFP wrapper of the step `train_model`."""
# ruff: noqa: PLR0913, PLR0917, B006, UP006, UP035 -- the component's interface; KFP reads List and its default

from typing import List, NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def train_model(
    features: Input[Dataset],
    model: Output[Model],
    cv: Output[Dataset],
    forecast: Output[Dataset],
    error_log: Output[Artifact],
    metric: str,
    service: str = "",
    horizon_hours: int = 24,
    cv_folds: int = 10,
    daily_order: int = 10,
    weekly_order: int = 6,
    changepoint_prior_scale: float = 0.05,
    growth: str = "linear",
    candidates: List[str] = ["blend", "snaive_1d", "snaive_7d", "last"],
    seed: int = 1,
) -> NamedTuple("Outputs", [("success", bool)]):
    """Backtest all candidates on every series of one metric, fit the best, forecast.

    Args:
        features: Hourly features from engineer_features.
        metric: cpu, memory or load.
        service: Train this service alone; empty means all.
        horizon_hours: Hours to forecast, 1-168.
        cv_folds: Rolling origins that candidates are compared on; the first 3 only choose.
        daily_order: Fourier terms of Prophet's day.
        weekly_order: Fourier terms of Prophet's week.
        changepoint_prior_scale: Flexibility of Prophet's trend.
        growth: Prophet's trend, linear or flat.
        candidates: Models that compete; blend weighs all light ones and stands unless another has half its error.
        seed: Seed of Prophet's optimiser.

    Returns:
        model: Folder with one JSON per series and manifest.json with digests and library versions.
        cv: Forecasts of all models on all folds; gzipped CSV.
        forecast: p10, p50, p90 and p95 of the champions for the hours to come; CSV.
        error_log: What was wrong with the data, by service and metric; JSON.
        success: Whether any series could be trained.
    """
    from predictive_scaling import tasks as steps
    from predictive_scaling.models import ModelOptions
    from predictive_scaling.training import TrainingOptions

    models = ModelOptions(daily_order, weekly_order, changepoint_prior_scale, growth, seed)
    options = TrainingOptions(horizon_hours, cv_folds, tuple(candidates), models)
    success = steps.train_model(
        features.path,
        model.path,
        cv.path,
        forecast.path,
        metric,
        service,
        options,
        error_log=error_log.path,
    )
    return (success,)
