"""Where the IR of a run or a recurring run comes from: a pinned version, the latest one, or the body itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfp_gitops.devserver import parameters, templates, versions
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.errors import UnimplementedError, UnknownError, during
from kfp_gitops.devserver.http import message
from kfp_gitops.devserver.templates import Spec

SERVICE_ACCOUNT = "pipeline-runner"
"""What a run gets when it names none: common.DefaultPipelineRunnerServiceAccount. Nothing here uses it."""
_SOURCES = ("pipeline_version_id", "pipeline_spec", "pipeline_version_reference")


@dataclass(frozen=True)
class Source:
    """The IR, and the version it is of; an inline one has none."""

    spec: Spec
    pipeline_id: str = ""
    version_id: str = ""


@dataclass(frozen=True)
class Asked:
    """What a body names as its source: nothing, a reference, or an IR."""

    pipeline_id: str
    version_id: str
    inline: Spec | None

    @property
    def latest(self) -> bool:
        return bool(self.pipeline_id) and not self.version_id


def asked(body: Message, message_name: str) -> Asked:
    """`pipeline_version_id` beside the reference is of an older API: read, and of no effect (seen on KFP 2.17.0)."""
    body.one_of(f"{message_name}.pipeline_source", *_SOURCES)
    reference = body.message("pipeline_version_reference", "pipeline_id", "pipeline_version_id")
    spec = templates.from_json(body.object("pipeline_spec")) if body.has("pipeline_spec") else None
    return Asked(reference.text("pipeline_id"), reference.text("pipeline_version_id"), spec)


def pinned(app: App, wanted: Asked) -> Source:
    """The version that is named by its id."""
    with during("Failed to fetch a template due to error retrieving pipeline version"):
        version = versions.of(app, wanted.pipeline_id, wanted.version_id)
    return Source(version.spec, version.pipeline_id, version.id)


def check_parameters(spec: Spec, config: dict[str, Any]) -> None:
    """In every mode, at creation and not only when something runs."""
    if templates.is_workflow(spec):
        raise UnimplementedError("the development server runs no pipeline of KFP v1")
    parameters.check(spec, config)


def check_compiles(spec: Spec) -> None:
    """What the compiler finds, which runs only now: argocompiler, through no error of the API's own (so 500)."""
    if templates.is_empty(spec):
        raise UnknownError('compiling DAG "root": DAG root must contain one or more non-exit tasks')


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
