"""Constants of tasks, facts of the run in them resolved as by KFP 2.17.0 (backend/src/v2/driver/resolve.go).

A fact is replaced where it is the whole of a text, but for the folder of the workspace.
"""

from __future__ import annotations

from typing import Any

from kfp_gitops.review.caching.values import Moving, Value, known

_FACTS = {
    "{{$.pipeline_job_name}}": "name",
    "{{$.pipeline_job_resource_name}}": "resource name",
    "{{$.pipeline_job_uuid}}": "id",
    "{{$.pipeline_task_uuid}}": "task id",
    "{{$.pipeline_job_create_time_utc}}": "creation time",
    "{{$.pipeline_job_schedule_time_utc}}": "scheduled time",
}
_TASK_NAME = "{{$.pipeline_task_name}}"
_WORKSPACE = "{{$.workspace_path}}"
_MOUNTED = "/kfp-workspace"


def constant(value: Any, task: str) -> Value:
    """A constant of a task of this name, placeholders of facts resolved where the driver resolves them."""
    if isinstance(value, str):
        if _WORKSPACE in value:
            return known(value.replace(_WORKSPACE, _MOUNTED), workspace=True)
        if value in _FACTS:
            return Moving(_FACTS[value])
        if value == _TASK_NAME:
            return known(task)
        return known(value, workspace=_MOUNTED in value)
    return known(value)
