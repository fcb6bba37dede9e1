"""Tasks that are no groups, as nodes of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kfp_gitops.importing import kinds, pods, values
from kfp_gitops.importing.constants import whole
from kfp_gitops.importing.source import Source, UnsaidError
from kfp_gitops.importing.values import Output
from kfp_gitops.language import artifact_types
from kfp_gitops.language.manifest.reader import PVC_INPUTS

_PVC_KEYS = {name: key for key, name in PVC_INPUTS.items()}


class Leaf:
    """One task: its arguments resolved by what its DAG is given (`given`) and by its siblings (`output`)."""

    def __init__(
        self, source: Source, task: Mapping[str, Any], given: Mapping[str, Any], output: Output
    ) -> None:
        self.source = source
        self.task = task
        self.given = given
        self.output = output
        self.component = source.component(kinds.runs(task))
        inputs = task.get("inputs", {})
        self.inputs = {**inputs.get("parameters", {}), **inputs.get("artifacts", {})}

    def value(self, spec: Mapping[str, Any], kind: str = "STRING") -> Any:
        """A value that the task is given."""
        return values.value(spec, kind, self.given, self.output, self.placeholder)

    def placeholder(self, name: str) -> Any:
        """What a placeholder of one of the task's inputs stands for."""
        if name not in self.inputs:
            raise UnsaidError(f"a placeholder of {name!r}, which the task is not given")
        return self.value(self.inputs[name])

    def arguments(self) -> dict[str, Any]:
        """What the component's inputs are given; the rest is the SDK's own, and made anew."""
        declared = self.component.get("inputDefinitions", {})
        kinds_ = {name: one.get("parameterType", "") for name, one in declared.get("parameters", {}).items()}
        kinds_ |= dict.fromkeys(declared.get("artifacts", {}), "")
        return {
            name: self.value(spec, kinds_[name])
            for name, spec in self.inputs.items()
            if name in kinds_ and "taskFinalStatus" not in spec
        }

    def node(self, kind: kinds.Kind, name: Callable[[], str]) -> dict[str, Any]:
        """The node without its settings; `name` says which component or pipeline it runs."""
        if kind == "importer":
            return {"importer": self._importer()}
        arguments = self.arguments()
        if kind in ("createPvc", "deletePvc"):
            return {kind: {_pvc_key(key): value for key, value in arguments.items()}}
        return {kind: name(), **({"arguments": arguments} if arguments else {})}

    def _importer(self) -> dict[str, Any]:
        spec = self.source.executor(self.component["executorLabel"])["importer"]
        found: dict[str, Any] = {"uri": self.value(self.inputs["uri"])}
        found["type"] = artifact_type(spec.get("typeSchema", {}))
        found |= {"reimport": True} if spec.get("reimport") else {}
        if spec.get("metadata"):
            found["metadata"] = values.metadata(spec["metadata"], self.placeholder)
        return found | ({"downloadToWorkspace": True} if spec.get("downloadToWorkspace") else {})

    def pod(self) -> dict[str, Any]:
        """How its container runs."""
        label = self.component.get("executorLabel", "")
        return pods.settings(
            self.source,
            label,
            lambda text: values.text(text, self.placeholder),
            self.value,
        )


def artifact_type(schema: Mapping[str, Any]) -> str:
    """What a manifest says for the type of an artifact.

    Raises:
        UnsaidError: it is told by a schema, not by its title.
    """
    if schema and "schemaTitle" not in schema:
        raise UnsaidError("an artifact type without a title")
    return artifact_types.written(
        schema.get("schemaTitle", "system.Artifact"), schema.get("schemaVersion", "")
    )


def _pvc_key(name: str) -> str:
    if name not in _PVC_KEYS:
        raise UnsaidError(f"the input {name!r} of a step for claims, which another kfp-kubernetes had")
    return _PVC_KEYS[name]


def settings(task: Mapping[str, Any]) -> dict[str, Any]:
    """What every task may say, but for its name and what it comes after."""
    caching = task.get("cachingOptions", {})
    found: dict[str, Any] = {}
    if not caching.get("enableCache"):
        found["cache"] = False
    elif "cacheKey" in caching:
        found["cache"] = {"key": caching["cacheKey"]}
    if retry := task.get("retryPolicy"):
        found["retry"] = _retry(retry)
    return found


def _retry(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the SDK says by itself (kfp.dsl.pipeline_task.PipelineTask.set_retry)."""
    names = {"backoffDuration": "backoff", "backoffFactor": "factor", "backoffMaxDuration": "maxBackoff"}
    usual = {"backoffDuration": "0s", "backoffFactor": 2, "backoffMaxDuration": "3600s"}
    found = whole(dict(policy))
    more = {name: found[key] for key, name in names.items() if key in found and found[key] != usual[key]}
    return {"count": found.get("maxRetryCount", 0), **more}


def producers(task: Mapping[str, Any], asked: Any = ()) -> set[str]:
    """The tasks whose outputs a task takes, also by the settings of its executor: it waits for these anyhow."""
    inputs = task.get("inputs", {})
    taken = [one for kind in inputs.values() for one in kind.values() if "taskFinalStatus" not in one]
    found: set[str] = set()
    stack: list[Any] = [taken, asked]
    while stack:
        one = stack.pop()
        if isinstance(one, Mapping):
            found |= {one["producerTask"]} if isinstance(one.get("producerTask"), str) else set()
            stack += one.values()
        elif isinstance(one, list):
            stack += one
    return found
