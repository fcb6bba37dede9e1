"""Where the IR of a run or a recurring run comes from: a pinned version, the latest one, or the body itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfp_gitops.devserver import parameters, templates, versions
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.errors import InvalidArgumentError
from kfp_gitops.devserver.http import message
from kfp_gitops.devserver.templates import Spec

SERVICE_ACCOUNT = "pipeline-runner"
"""What a run gets when it names none: common.DefaultPipelineRunnerServiceAccount. Nothing here uses it."""


@dataclass(frozen=True)
class Source:
    """The IR, and the version it is of; an inline one has none. `pinned`: the version was asked for by id."""

    spec: Spec
    pipeline_id: str = ""
    version_id: str = ""
    pinned: bool = True


def read(app: App, body: Message) -> Source:
    """The source a body names, its parameters checked in every mode (facts 4.2)."""
    source = _find(app, body)
    parameters.check(source.spec, runtime_config(body))
    return source


def _find(app: App, body: Message) -> Source:
    reference = body.message("pipeline_version_reference", "pipeline_id", "pipeline_version_id")
    pipeline_id = reference.text("pipeline_id")
    version_id = reference.text("pipeline_version_id") or body.text("pipeline_version_id")
    if (pipeline_id or version_id) and body.has("pipeline_spec"):
        raise InvalidArgumentError("a pipeline_spec and a reference to a version exclude each other")
    if pipeline_id and version_id:
        return Source(versions.of(app, pipeline_id, version_id).spec, pipeline_id, version_id)
    if pipeline_id:
        latest = versions.latest(app, pipeline_id)
        return Source(latest.spec, pipeline_id, latest.id, pinned=False)
    if version_id:
        raise InvalidArgumentError("pipeline_version_reference.pipeline_id is required")
    return _inline(body)


def _inline(body: Message) -> Source:
    if not body.has("pipeline_spec"):
        raise InvalidArgumentError("Failed to get the pipeline spec: neither a pipeline_spec nor a reference")
    return Source(templates.from_json(body.object("pipeline_spec")))


def runtime_config(body: Message) -> dict[str, Any]:
    """Checked for its shape; kept as sent."""
    config = body.message("runtime_config", "parameters", "pipeline_root")
    return message(parameters=config.object("parameters"), pipeline_root=config.text("pipeline_root"))


def show(spec: Spec, pipeline_id: str, version_id: str) -> dict[str, Any]:
    """A oneof: the reference where there is one, the spec where there is none."""
    if not pipeline_id:
        return message(pipeline_spec=spec)
    return message(
        pipeline_version_reference=message(pipeline_id=pipeline_id, pipeline_version_id=version_id)
    )
