"""KFP wrapper of the step `validate_model`."""
# ruff: noqa: PLR0913, PLR0917 -- the component's interface

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def validate_model(
    cv_cpu: Input[Dataset],
    cv_memory: Input[Dataset],
    forecast_cpu: Input[Dataset],
    forecast_memory: Input[Dataset],
    features: Input[Dataset],
    validation: Input[Artifact],
    metrics: Output[Metrics],
    evaluation: Output[Artifact],
    report: Output[HTML],
    error_log: Output[Artifact],
    accuracy_threshold: float = 0.0,
    min_skill: float = -0.05,
    max_over95: float = 0.10,
    cv_load: Input[Dataset] = None,
    forecast_load: Input[Dataset] = None,
) -> NamedTuple("Outputs", [("accepted", bool), ("decision", dict), ("reason", str)]):
    """Judge every forecast on data that its choice has not seen, and say which may be used.

    Args:
        cv_cpu: Cross-validation of cpu from train_model.
        cv_memory: Cross-validation of memory from train_model.
        forecast_cpu: Forecasts of cpu from train_model.
        forecast_memory: Forecasts of memory from train_model.
        features: Hourly features that the models were trained on.
        validation: Findings from validate_data, for the report to list what was refused.
        accuracy_threshold: Least 1 - WAPE of hourly means of cpu and peaks of memory over the horizon of a forecast
            that serves alone, 0-1; 0 gates by safety alone.
        min_skill: Least 1 - WAPE / WAPE of the best seasonal naive of a forecast that serves alone.
        max_over95: Largest share of hours above p95 of a forecast that serves alone, 0-1.
        cv_load: Cross-validation of the load from train_model, where it is forecast.
        forecast_load: Forecasts of the load from train_model; cores by load then compete with the models of cpu.

    Returns:
        metrics: Figures whose names carry granularity and horizon.
        evaluation: Scores, decisions and reasons of every service and metric, JSON.
        report: Accuracy beside the baseline, charts, and what was refused; the forecast report takes it in.
        error_log: What was wrong with the data, by service and metric; JSON.
        accepted: Whether any forecast serves, alone or guarded by the constant.
        decision: service -> metric -> model, guarded or fallback.
        reason: How many pass, and why the others do not.
    """
    from predictive_scaling import tasks as steps
    from predictive_scaling.evaluation import Gates

    judged = steps.validate_model(
        cv_cpu.path,
        cv_memory.path,
        forecast_cpu.path,
        forecast_memory.path,
        features.path,
        evaluation.path,
        report.path,
        Gates(accuracy_threshold, min_skill, max_over95),
        validation=validation.path,
        error_log=error_log.path,
        cv_load=cv_load.path if cv_load else "",
        forecast_load=forecast_load.path if forecast_load else "",
    )
    for name, value in judged.metrics.items():
        metrics.log_metric(name, value)
    return judged.accepted, judged.decision, judged.reason
