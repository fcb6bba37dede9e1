"""Read a pipeline manifest: YAML → schema → the types of `model`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base import schema
from kfp_gitops.base.errors import raise_if_any
from kfp_gitops.base.yamltext import Document, Path, parse
from kfp_gitops.language.manifest import choices, migration, slo
from kfp_gitops.language.manifest.model import (
    Artifact,
    Branch,
    Comparison,
    Condition,
    Config,
    Guarded,
    Importer,
    Loop,
    Manifest,
    Node,
    Output,
    Parameter,
    Schedule,
    Task,
    TaskKind,
    Workspace,
)
from kfp_gitops.language.manifest.read_settings import pod, settings
from kfp_gitops.language.manifest.read_value import entries_of, value_of
from kfp_gitops.language.manifest.settings import Pod
from kfp_gitops.language.manifest.triggers import Trigger
from kfp_gitops.language.manifest.triggers import of as read_trigger
from kfp_gitops.language.manifest.value import Constant

# How KFP names the inputs of its two steps for volumes (kfp.kubernetes.CreatePVC, DeletePVC).
PVC_INPUTS: Mapping[str, str] = {
    "accessModes": "access_modes",
    "size": "size",
    "name": "pvc_name",
    "nameSuffix": "pvc_name_suffix",
    "storageClass": "storage_class_name",
    "volumeName": "volume_name",
    "annotations": "annotations",
    "dataSource": "data_source",
}


def read(text: str, path: str) -> Manifest:
    """Parse and schema-check a manifest of the present version.

    Raises:
        InputError: with every problem that the schema finds.
    """
    return of_document(parse(text, path))


def of_document(document: Document) -> Manifest:
    """The manifest in a document.

    Raises:
        InputError: with every problem that the schema finds; a version that is not the present one.
    """
    return unchecked(accepted(document))


def accepted(document: Document) -> Document:
    """The same document, of which the schema accepts every part.

    Raises:
        InputError: as `of_document`.
    """
    raise_if_any(migration.problems(document))
    raise_if_any(schema.problems(schema.named("pipeline-manifest"), document))
    return document


def unchecked(document: Document) -> Manifest:
    """The same of a document that the schema was asked about before, or that is told of elsewhere.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: it is no manifest.
    """
    value = document.value
    metadata, spec = value["metadata"], value["spec"]
    body = _nodes(spec.get("tasks", {}), ("spec", "tasks"))
    outputs = _outputs(spec.get("outputs", {}), ("spec", "outputs"))
    body, outputs = choices.resolved(body, outputs)
    return Manifest(
        name=metadata["name"],
        description=metadata["description"],
        owner=metadata["owner"],
        display_name=metadata.get("displayName"),
        parameters=_parameters(spec),
        artifacts=tuple(_artifact(name, item) for name, item in spec.get("artifacts", {}).items()),
        body=body,
        outputs=outputs,
        pipeline_root=spec.get("pipelineRoot"),
        component_descriptions=spec.get("componentDescriptions", False),
        config=_config(spec),
        older_forms=tuple(spec.get("olderForms", ())),
        accepted_faults=tuple(spec.get("acceptedFaults", ())),
        schedules=schedules(value),
        triggers=triggers(value),
        slo=slo.of(value),
        document=document,
        ir=spec.get("ir"),
    )


def is_valid(document: Document) -> bool:
    """Whether `of_document` has nothing to tell about it."""
    return not migration.problems(document) and not schema.problems(
        schema.named("pipeline-manifest"), document
    )


def schedules(value: Mapping[str, Any]) -> tuple[Schedule, ...]:
    """The schedules of a manifest that is valid."""
    return tuple(_schedule(item, ("schedules", i)) for i, item in enumerate(value.get("schedules", [])))


def triggers(value: Mapping[str, Any]) -> tuple[Trigger, ...]:
    """The triggers, likewise."""
    return tuple(read_trigger(item, ("triggers", i)) for i, item in enumerate(value.get("triggers", [])))


def _parameters(spec: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters; those of a compiled pipeline are declared in its own file (`brought.completed`)."""
    if "ir" in spec:
        return ()
    return tuple(_parameter(name, item) for name, item in spec.get("parameters", {}).items())


def _parameter(name: str, data: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=name,
        type=data["type"],
        default=Constant(data["default"]) if "default" in data else None,
        at=("spec", "parameters", name),
        optional=data.get("optional", False),
        description=data.get("description"),
        final_status=data.get("finalStatus", False),
        literals=tuple(data.get("literals", ())),
    )


def _artifact(name: str, data: Mapping[str, Any]) -> Artifact:
    return Artifact(
        name=name,
        type=data["type"],
        many=data.get("list", False),
        optional=data.get("optional", False),
        description=data.get("description"),
        at=("spec", "artifacts", name),
    )


def _config(spec: Mapping[str, Any]) -> Config | None:
    if "config" not in spec and "workspace" not in spec:
        return None
    data, volume = spec.get("config", {}), spec.get("workspace")
    return Config(
        workspace=Workspace(volume["size"], volume.get("pvcSpecPatch", {})) if volume else None,
        ttl_after_finished=data.get("ttlSecondsAfterFinished"),
        ttl_after_success=data.get("ttlSecondsAfterSuccess"),
        ttl_after_failure=data.get("ttlSecondsAfterFailure"),
        deadline=data.get("deadlineSeconds"),
    )


def _outputs(outputs: Mapping[str, Any], at: Path) -> tuple[Output, ...]:
    return tuple(_output(name, item, (*at, name)) for name, item in outputs.items())


def _output(name: str, data: Any, at: Path) -> Output:
    if isinstance(data, dict) and "value" in data:
        return Output(name, value_of(data["value"]), at, data.get("description"))
    return Output(name, value_of(data), at)


def _nodes(tasks: Mapping[str, Any], at: Path) -> tuple[Node, ...]:
    return tuple(_node(name, data, (*at, name)) for name, data in tasks.items())


def _node(name: str, data: Mapping[str, Any], at: Path) -> Node:
    if "importer" in data:
        return _importer(name, data, at)
    if "if" in data:
        return Condition(
            name, at, tuple(_branches(data, at)), _outputs(data.get("outputs", {}), (*at, "outputs"))
        )
    if "loop" in data:
        return _loop(name, data, at)
    if "finally" in data:
        ((exit_id, exit_data),) = data["finally"].items()
        exit_task = _task(exit_id, exit_data, (*at, "finally", exit_id))
        body = _nodes(data["tasks"], (*at, "tasks"))
        return Guarded(name, at, exit_task, body, data.get("displayName", name))
    return _task(name, data, at)


def _loop(name: str, data: Mapping[str, Any], at: Path) -> Loop:
    loop, body = data["loop"], _nodes(data["tasks"], (*at, "tasks"))
    shown = data.get("displayName", name)
    types = loop.get("itemType"), loop.get("fieldType")
    return Loop(name, at, value_of(loop["items"]), loop.get("parallelism"), body, shown, *types)


def _branches(data: Mapping[str, Any], at: Path) -> Iterator[Branch]:
    yield _branch(data, at)
    for index, branch in enumerate(data.get("elif", [])):
        yield _branch(branch, (*at, "elif", index))
    if "else" in data:
        other, place = data["else"], (*at, "else")
        yield Branch(None, _nodes(other["tasks"], (*place, "tasks")), place, other.get("displayName"))


def _branch(data: Mapping[str, Any], at: Path) -> Branch:
    ((operator, (left, right)),) = data["if"].items()
    when = Comparison(operator, value_of(left), value_of(right), (*at, "if", operator))
    return Branch(when, _nodes(data["tasks"], (*at, "tasks")), at, data.get("displayName"))


def _importer(name: str, data: Mapping[str, Any], at: Path) -> Importer:
    spec = data["importer"]
    return Importer(
        id=name,
        at=at,
        uri=value_of(spec["uri"]),
        type=spec["type"],
        reimport=spec.get("reimport", False),
        metadata=entries_of(spec.get("metadata", {})),
        to_workspace=spec.get("downloadToWorkspace", False),
        settings=settings(name, data),
    )


def _task(name: str, data: Mapping[str, Any], at: Path) -> Task:
    kind, called, given = _call(data)
    return Task(
        id=name,
        at=at,
        kind=kind,
        name=called,
        arguments={key: value_of(item) for key, item in given.items()},
        arguments_at=(*at, "arguments" if kind in ("component", "pipeline") else kind),
        settings=settings(name, data),
        pod=pod(data) if kind == "component" else Pod(),
    )


def _call(data: Mapping[str, Any]) -> tuple[TaskKind, str, Mapping[str, Any]]:
    """What a task runs, and what it gives to it."""
    if "createPvc" in data:
        return "createPvc", "createPvc", data["createPvc"]
    if "deletePvc" in data:
        return "deletePvc", "deletePvc", data["deletePvc"]
    if "pipeline" in data:
        return "pipeline", data["pipeline"], data.get("arguments", {})
    return "component", data["component"], data.get("arguments", {})


def _schedule(data: Mapping[str, Any], at: Path) -> Schedule:
    return Schedule(
        name=data["name"],
        cron=data.get("cron"),
        interval_seconds=data.get("intervalSeconds"),
        enabled=data["enabled"],
        parameters=data.get("parameters", {}),
        start=data.get("start"),
        end=data.get("end"),
        max_concurrency=data["maxConcurrency"],
        catchup=data["catchup"],
        at=at,
        on_replace=data.get("onReplace", "orphan"),
        on_missed=data.get("onMissed", "report"),
    )
