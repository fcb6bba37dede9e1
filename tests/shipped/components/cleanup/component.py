"""KFP wrapper of the step `cleanup`: the exit task."""
# ruff: noqa: PLR0913, PLR0917 -- the component's interface

from kfp import dsl
from kfp.dsl import Artifact, Output, PipelineTaskFinalStatus


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def cleanup(
    status: PipelineTaskFinalStatus,
    summary: Output[Artifact],
    registry: str = "",
    run_id: str = "",
    pipeline: str = "predictive-scaling",
    started: str = "",
    mode: str = "forecast_only",
    keep_runs: int = 8,
    now_override: str = "",
    keep_days: int = 15,
    every_hours: float = 0.0,
) -> None:
    """Leave no temporary objects, tell metrics how the run ended, and after a failure republish and notify.

    After a failure the previous recommendation, if it still holds, is pushed again, and the webhook is told.
    Where the Pushgateway and the webhook are comes from the environment; see predictive_scaling.settings.

    Args:
        status: Final state of the guarded tasks; KFP fills it in.
        registry: s3://bucket/prefix or a folder; empty means there is nothing to delete or to republish.
        run_id: Identity of the run.
        pipeline: Name under which the run's status is pushed.
        started: When the run was created (ISO 8601 with zone), for its duration; empty gives none.
        mode: Mode of the run; in forecast_only nothing is republished as a floor.
        keep_runs: Newest runs to keep in the registry, with the models they refer to; at least 1.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.
        keep_days: Of each of so many days before now, its newest run is kept besides.
        every_hours: Hours from one start by the clock to the next at most, for the alert of a run that is overdue; 0
            where people start it.

    Returns:
        summary: One JSON line: final state and error, what was done, and what could not be.
    """
    from predictive_scaling import tasks as steps

    code, message = status.error_code or 0, status.error_message or ""
    ending = steps.Ending(
        status.state, code, message, pipeline, started, mode, keep_runs, keep_days, every_hours
    )
    steps.cleanup(summary.path, ending, registry, run_id, now_override)
