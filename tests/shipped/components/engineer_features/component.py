"""KFP wrapper of the step `engineer_features`."""
# ruff: noqa: B006, UP006, UP035 -- KFP reads List and its default

from typing import Any, Dict, List, NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def engineer_features(
    clean: Input[Dataset],
    validation: Input[Artifact],
    features: Output[Dataset],
    error_log: Output[Artifact],
    services: List[str] = [],
    model_freq: str = "1h",
    window_days: int = 45,
    events: List[Dict[str, Any]] = [],
) -> NamedTuple("Outputs", [("success", bool)]):
    """Aggregate repaired samples to hourly features; gaps stay gaps.

    Args:
        clean: Repaired rows from validate_data.
        validation: Findings from validate_data; a metric that failed has no values.
        services: Services to keep; empty means all.
        model_freq: Granularity of the models; only 1h is served.
        window_days: Days of history to keep; 28 to train on, the rest for rolling origins.
        events: Known events; usage in those with learn: false is left out.

    Returns:
        features: CSV: timestamp, service, cpu, memory, cpu_max, memory_max, hour, dow, is_weekend, n_samples.
        error_log: What was wrong with the data, by service and metric; JSON.
        success: Whether there is anything to train on.
    """
    from predictive_scaling import tasks as steps

    success = steps.engineer_features(
        clean.path,
        features.path,
        services,
        model_freq,
        window_days,
        validation.path,
        events=events,
        error_log=error_log.path,
    )
    return (success,)
