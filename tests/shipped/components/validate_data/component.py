"""KFP wrapper of the step `validate_data`."""
# ruff: noqa: PLR0913, PLR0917, UP006, UP035 -- the component's interface; KFP reads List and its default

from typing import List, NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def validate_data(
    raw: Input[Dataset],
    clean: Output[Dataset],
    validation: Output[Artifact],
    report: Output[Markdown],
    error_log: Output[Artifact],
    freq: str = "5min",
    min_records: int = 1000,
    quality_threshold: float = 0.95,
    min_days: int = 7,
    max_gap_hours: float = 24.0,
    max_stale_hours: float = 0.0,
    stale_action: str = "fail",
    max_failed_share: float = 1.0,
    max_services: int = 1000,
    now_override: str = "",
    memory_of: str = "container",
) -> NamedTuple(
    "Outputs", [("passed", bool), ("services", List[str]), ("quality_score", float), ("reason", str)]
):
    """Judge and repair usage data by service and metric. Bad data is reported, it does not fail the task.

    Args:
        raw: Usage CSV, plain or gzipped: timestamp (ISO 8601 with zone), service, cpu (cores), memory (bytes).
        freq: Sampling step.
        min_records: Raw rows that a service must have.
        quality_threshold: Share of expected samples that a metric must have, 0-1.
        min_days: Days of history that a metric must have; below 14 weekly terms are left out.
        max_gap_hours: A longer gap within the last 7 days fails the metric.
        max_stale_hours: Age of the newest sample from which a metric is stale; 0 is two steps and an hour.
        stale_action: What staleness does, fail or warn.
        max_failed_share: Share of failing services up to which the data passes, 0-1.
        max_services: More services than this fail the data.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.
        memory_of: container, one pod's main one; or service, a sum over pods that the column replicas divides.

    Returns:
        clean: Repaired rows of every service that can be read, also failing ones; gzipped CSV.
        validation: All findings, JSON.
        report: Verdict and findings as a table.
        error_log: What was wrong with the data, by service and metric; JSON.
        passed: Whether at least one service passes and no more than the allowed share fails.
        services: Services of which at least one metric may be modelled.
        quality_score: Usable share of expected samples of the worst service, 0-1.
        reason: The verdict in words.
    """
    from predictive_scaling import steps
    from predictive_scaling.validation import ValidationRules

    rules = ValidationRules(
        freq,
        min_records,
        quality_threshold,
        min_days,
        max_gap_hours,
        max_stale_hours,
        stale_action,
        max_failed_share,
        max_services,
    )
    return steps.validate_data(
        raw.path,
        clean.path,
        validation.path,
        report.path,
        rules,
        now_override,
        error_log=error_log.path,
        memory_of=memory_of,
    )
