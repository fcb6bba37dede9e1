"""From the documents of an IR file to the typed view in `spec`; the only place that knows the IR's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from kfp_gitops.local.localrun.cluster import mounted, variables
from kfp_gitops.local.localrun.context import Refused
from kfp_gitops.local.localrun.spec import (
    Binding,
    Component,
    Constant,
    Dag,
    Executor,
    FinalStatus,
    Importer,
    Loop,
    ParameterInput,
    Pipeline,
    PipelineInput,
    Retry,
    Source,
    Task,
    TaskOutput,
    Unknown,
)
from kfp_gitops.local.localrun.values import canonical

Node: TypeAlias = Mapping[str, Any]

# What kfp writes when a back-off is not set (kfp.dsl.structures.RetryPolicy).
_FACTOR, _LONGEST = 2.0, "3600s"


def pipeline(documents: Sequence[Node]) -> Pipeline:
    """The typed view of a compiled pipeline.

    Raises:
        Refused: the documents are not a compiled pipeline.
    """
    try:
        return _pipeline(documents[0], documents[1] if len(documents) > 1 else {})
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Refused([f"this is not a compiled pipeline: {type(error).__name__}: {error}"]) from error


def _pipeline(spec: Node, platform: Node) -> Pipeline:
    cluster = platform.get("platforms", {}).get("kubernetes") or {}
    settings = cluster.get("deploymentSpec", {}).get("executors", {})
    return Pipeline(
        name=spec["pipelineInfo"]["name"],
        root=_component("root", spec["root"]),
        components={name: _component(name, node) for name, node in spec.get("components", {}).items()},
        executors={
            label: _executor(label, node, settings.get(label) or {})
            for label, node in spec.get("deploymentSpec", {}).get("executors", {}).items()
        },
        cluster=cluster,
    )


def _component(name: str, node: Node) -> Component:
    inputs, outputs = node.get("inputDefinitions", {}), node.get("outputDefinitions", {})
    return Component(
        name=name,
        parameters={key: _parameter(value) for key, value in inputs.get("parameters", {}).items()},
        artifacts={key: bool(value.get("isOptional")) for key, value in inputs.get("artifacts", {}).items()},
        output_parameters=frozenset(outputs.get("parameters", {})),
        output_artifacts=frozenset(outputs.get("artifacts", {})),
        # The compiler writes nothing at all for an empty `If`, and protobuf leaves out an empty DAG.
        dag=_dag(node.get("dag", {})) if "executorLabel" not in node else None,
        executor=node.get("executorLabel", ""),
        document=node,
    )


def _parameter(node: Node) -> ParameterInput:
    return ParameterInput(
        type=node.get("parameterType", ""),
        optional=bool(node.get("isOptional")),
        has_default="defaultValue" in node,
        default=canonical(node.get("defaultValue")),
        literals=tuple(canonical(value) for value in node.get("literals", ())),
    )


def _dag(node: Node) -> Dag:
    outputs = node.get("outputs", {})
    return Dag(
        tasks={name: _task(name, task) for name, task in node.get("tasks", {}).items()},
        parameters={key: _parameter_output(value) for key, value in outputs.get("parameters", {}).items()},
        artifacts={
            key: tuple(
                TaskOutput(s["producerSubtask"], s["outputArtifactKey"]) for s in value["artifactSelectors"]
            )
            for key, value in outputs.get("artifacts", {}).items()
        },
    )


def _parameter_output(node: Node) -> tuple[TaskOutput, ...]:
    if "valueFromOneof" in node:
        selectors = node["valueFromOneof"]["parameterSelectors"]
    else:
        selectors = [node["valueFromParameter"]]
    return tuple(TaskOutput(s["producerSubtask"], s["outputParameterKey"]) for s in selectors)


def _task(name: str, node: Node) -> Task:
    inputs, trigger = node.get("inputs", {}), node.get("triggerPolicy", {})
    parameters = {
        key: Binding(_source(value), value.get("parameterExpressionSelector", ""))
        for key, value in inputs.get("parameters", {}).items()
    }
    artifacts = {key: _source(value) for key, value in inputs.get("artifacts", {}).items()}
    return Task(
        name=name,
        display_name=node.get("taskInfo", {}).get("name") or name,
        component=node["componentRef"]["name"],
        parameters=parameters,
        artifacts=artifacts,
        dependencies=_dependencies(node, [*(b.source for b in parameters.values()), *artifacts.values()]),
        condition=trigger.get("condition", ""),
        always=trigger.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED",
        loop=_loop(node),
        retry=_retry(node.get("retryPolicy", {})),
        caches=bool((node.get("cachingOptions") or {}).get("enableCache")),
    )


def _dependencies(node: Node, sources: Sequence[Source]) -> tuple[str, ...]:
    """Producers are dependencies even when unsaid, as in the backend's `addImplicitDependencies`."""
    producers = [source.task for source in sources if isinstance(source, TaskOutput | FinalStatus)]
    return tuple(dict.fromkeys([*node.get("dependentTasks", ()), *producers]))


def _source(node: Node) -> Source:
    match node:
        case {"runtimeValue": {"constant": value}}:
            return Constant(canonical(value))
        case {"componentInputParameter": str(name)} | {"componentInputArtifact": str(name)}:
            return PipelineInput(name)
        case {"taskOutputParameter": {"producerTask": str(task), "outputParameterKey": str(key)}}:
            return TaskOutput(task, key)
        case {"taskOutputArtifact": {"producerTask": str(task), "outputArtifactKey": str(key)}}:
            return TaskOutput(task, key)
        case {"taskFinalStatus": {"producerTask": str(task)}}:
            return FinalStatus(task)
        case _:
            return Unknown(", ".join(sorted(node)))


def _loop(node: Node) -> Loop | None:
    limit = int(node.get("iteratorPolicy", {}).get("parallelismLimit", 0))
    if "parameterIterator" in node:
        over = node["parameterIterator"]
        items = over.get("items", {})
        return Loop(
            over.get("itemInput", ""), items.get("raw", ""), items.get("inputParameter", ""), False, limit
        )
    if "artifactIterator" in node:
        over = node["artifactIterator"]
        return Loop(
            over.get("itemInput", ""), "", over.get("items", {}).get("inputArtifact", ""), True, limit
        )
    return None


def _retry(node: Node) -> Retry:
    return Retry(
        count=max(0, int(node.get("maxRetryCount", 0))),
        backoff=_seconds(node.get("backoffDuration", "0s")),
        factor=float(node.get("backoffFactor") or _FACTOR),
        longest=_seconds(node.get("backoffMaxDuration", _LONGEST)),
    )


def _seconds(duration: str) -> float:
    """Seconds of a protobuf duration in JSON, such as `1.5s`."""
    return float(duration.removesuffix("s"))


def _executor(label: str, node: Node, settings: Node) -> Executor:
    kind = next(iter(node), "nothing")
    container = node.get("container", {})
    return Executor(
        label=label,
        kind=kind,
        image=container.get("image", ""),
        command=(*container.get("command", ()), *container.get("args", ())),
        args_from=len(container.get("command", ())),
        env={variable["name"]: variable.get("value", "") for variable in container.get("env", ())},
        limits=tuple(sorted(container.get("resources", {}))),
        variables=variables(settings),
        claims=tuple(_claim(mount) for mount in settings.get("pvcMount", ())),
        mounts=mounted(settings),
        importer=_importer(node["importer"]) if kind == "importer" else None,
    )


def _claim(mount: Node) -> Source:
    """The name of a claim; older versions of kfp-kubernetes write it beside the path of the mount."""
    match mount:
        case {"pvcNameParameter": source}:
            return _source(source)
        case {"constant": name}:
            return Constant(name)
        case _:
            return _source(mount)


def _importer(node: Node) -> Importer:
    schema = node.get("typeSchema", {})
    return Importer(
        uri=node["artifactUri"].get("constant"),
        schema_title=schema.get("schemaTitle", "system.Artifact"),
        schema_version=schema.get("schemaVersion", "0.0.1"),
        metadata={key: canonical(value) for key, value in node.get("metadata", {}).items()},
        to_workspace=bool(node.get("downloadToWorkspace")),
        again=bool(node.get("reimport")),
    )
