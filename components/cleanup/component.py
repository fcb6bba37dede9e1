"""KFP wrapper of the step `cleanup`: the exit task."""

from kfp import dsl
from kfp.dsl import Artifact, Output, PipelineTaskFinalStatus


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def cleanup(
    status: PipelineTaskFinalStatus,
    summary: Output[Artifact],
    registry: str = "",
    run_id: str = "",
) -> None:
    """Delete what the run left under tmp/ in the registry, and say how the run ended.

    Args:
        status: Final state of the guarded tasks; KFP fills it in.
        registry: s3://bucket/prefix or a folder; empty means there is nothing to delete.
        run_id: Identity of the run.

    Returns:
        summary: One JSON line with the final state and error.
    """
    from predictive_scaling import steps

    found = {
        "state": status.state,
        "error_code": status.error_code,
        "error_message": status.error_message,
        "task": status.pipeline_task_name,
        "job": status.pipeline_job_resource_name,
    }
    steps.cleanup(summary.path, found, registry, run_id)
