"""KFP wrapper of the step `forecast_current`."""
# ruff: noqa: PLR0913, PLR0917 -- the component's interface

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def forecast_current(
    features: Input[Dataset],
    forecast_cpu: Output[Dataset],
    forecast_memory: Output[Dataset],
    model_cpu: Output[Model],
    model_memory: Output[Model],
    evaluation: Output[Artifact],
    error_log: Output[Artifact],
    forecast_load: Output[Dataset],
    model_load: Output[Model],
    registry: str,
    horizon_hours: int = 24,
    max_age_days: float = 15.0,
    now_override: str = "",
    every_hours: float = 0.0,
) -> NamedTuple("Outputs", [("accepted", bool), ("reason", str)]):
    """Forecast with the models in force; nothing is trained, each takes in the newest usage.

    Args:
        features: Hourly features from engineer_features.
        registry: s3://bucket/prefix or a folder, with the models in force.
        horizon_hours: Hours to forecast, 1-168.
        max_age_days: A model trained longer ago is not used.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.
        every_hours: Hours from run to run; below 24 the evaluation says what that gains over a run a day.

    Returns:
        forecast_cpu: p10, p50, p90 and p95 of cpu for the hours to come; CSV.
        forecast_memory: The same of memory.
        model_cpu: Folder with the models of cpu in force and manifest.json.
        model_memory: The same of memory.
        forecast_load: The same of the load, of services that have a model of it.
        model_load: Folder with the models of the load in force.
        evaluation: What each model scored when it was trained, and the decision; JSON.
        error_log: What was wrong with the data, by service and metric; JSON.
        accepted: Whether at least one model serves.
        reason: How many serve, and why the others do not.
    """
    from predictive_scaling import tasks as steps

    return steps.forecast_current(
        features.path,
        registry,
        [forecast_cpu.path, forecast_memory.path, forecast_load.path],
        [model_cpu.path, model_memory.path, model_load.path],
        evaluation.path,
        horizon_hours,
        max_age_days,
        now_override,
        error_log=error_log.path,
        every_hours=every_hours,
    )
