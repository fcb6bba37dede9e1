"""KFP's placeholders, `{{$.…}}`, replaced in one pass.

One pass, because what was put in is data: `kfp.local` scans it again, so that a parameter whose text looks like a
placeholder is replaced or ends in an IndexError; and it knows neither the creation time, nor the schedule time, nor
the resource name of a run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kfp_gitops.local.localrun.values import Json

_PLACEHOLDER = re.compile(r"\{\{\$.*?\}\}")
_INPUT = "{{{{$.inputs.parameters['{}']}}}}"
_WORKSPACE = "{{$.workspace_path}}"
_OF_THE_DRIVER = frozenset(
    f"{{{{$.pipeline_{fact}}}}}"
    for fact in (
        *("job_name", "job_resource_name", "job_uuid", "task_name", "task_uuid"),
        *("job_create_time_utc", "job_schedule_time_utc"),
    )
)


@dataclass(frozen=True)
class RunIdentity:
    """What placeholders say about a run."""

    name: str
    resource_name: str
    run_id: str
    create_time: str
    schedule_time: str
    root: str
    workspace: str

    def placeholders(self, task_name: str, task_uuid: str) -> dict[str, str]:
        """The text of each placeholder that does not depend on inputs."""
        return {
            "{{$.pipeline_job_name}}": self.name,
            "{{$.pipeline_job_resource_name}}": self.resource_name,
            "{{$.pipeline_job_uuid}}": self.run_id,
            "{{$.pipeline_job_create_time_utc}}": self.create_time,
            "{{$.pipeline_job_schedule_time_utc}}": self.schedule_time,
            "{{$.pipeline_task_name}}": task_name,
            "{{$.pipeline_task_uuid}}": task_uuid,
            "{{$.pipeline_root}}": self.root,
            _WORKSPACE: self.workspace,
        }


def replace(text: str, known: Mapping[str, str]) -> str:
    """The text with the known placeholders replaced; others stay, as they do in KFP's launcher."""
    return _PLACEHOLDER.sub(lambda match: known.get(match[0], match[0]), text)


def replace_in(value: Json, known: Mapping[str, str]) -> Json:
    """The same in every text inside a value."""
    match value:
        case str():
            return replace(value, known)
        case list():
            return [replace_in(item, known) for item in value]
        case dict():
            return {replace(key, known): replace_in(item, known) for key, item in value.items()}
        case _:
            return value


def by_the_driver(value: Json, known: Mapping[str, str]) -> Json:
    """A constant as KFP's driver hands it on (resolve.go): it replaces a fact of the run that is the whole text.

    Only the workspace is replaced inside a text, too.
    """
    if not isinstance(value, str):
        return value
    if _WORKSPACE in value:
        return value.replace(_WORKSPACE, known.get(_WORKSPACE, _WORKSPACE))
    return known.get(value, value) if value in _OF_THE_DRIVER else value


def of_artifacts(side: str, paths: Mapping[str, str]) -> dict[str, str]:
    """The placeholders of the artifacts of a side, `inputs` or `outputs`: on this machine a URI is a path."""
    return {
        f"{{{{$.{side}.artifacts['{name}'].{field}}}}}": path
        for name, path in paths.items()
        for field in ("uri", "path")
    }


def of_output_files(files: Mapping[str, str]) -> dict[str, str]:
    """The placeholders of the files that output parameters are written to."""
    return {f"{{{{$.outputs.parameters['{name}'].output_file}}}}": path for name, path in files.items()}


def of_inputs(texts: Mapping[str, str]) -> dict[str, str]:
    """The placeholders of input parameters."""
    return {_INPUT.format(name): text for name, text in texts.items()}
