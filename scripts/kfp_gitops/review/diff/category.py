"""How far a change of one pipeline reaches: derived from what is rendered, never declared. Pure.

Safe by construction: what is not known to be a mere setting counts as changing results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kfp_gitops.review.diff.model import Category
from kfp_gitops.review.diff.state import Entry, PipelineFiles, mapping
from kfp_gitops.review.diff.strict import alike

# Nobody's run is another for it: of the whole manifest.
_PROMISES = frozenset({"slo"})
# Of a task or group: how it is run, which changes nothing that it computes. Accelerators may.
_OF_NODE = frozenset({"retry", "displayName"})
_OF_RESOURCES = frozenset({"cpu", "memory"})
# Annotations are what injectors and security profiles go by: with another one something else may run.
_OF_POD = frozenset({"labels"})
_OF_SCHEDULE = frozenset({"cron", "intervalSeconds", "start", "end"})
_OF_METADATA = frozenset({"description", "displayName", "owner"})
# Of a compiled spec (pipeline_spec.proto): the SDK's own version, and the same settings by their names there.
_OF_IR_RESOURCES = ("resourceCpu", "resourceMemory", "cpu", "memory")


def category(
    before: PipelineFiles, after: PipelineFiles, old: Entry | None, new: Entry | None, breaks: Sequence[str]
) -> Category:
    """The category of a change; a pipeline that comes changes results, one that goes breaks who uses it.

    `breaks`: what of its interface is broken.
    """
    if new is None:
        return Category.INTERFACE
    if old is None:
        return Category.RESULTS
    same_entry = alike(old.settings, new.settings)
    if same_entry and _equal(before, after, Category.NONE):
        return Category.NONE
    if breaks:
        return Category.INTERFACE
    if alike(old.paused_until, new.paused_until):  # a pause that ends turns schedules on
        if same_entry and _equal(before, after, Category.PROMISES):
            return Category.PROMISES
        if _equal(before, after, Category.SETTINGS):
            return Category.SETTINGS
    return Category.RESULTS


def _equal(before: PipelineFiles, after: PipelineFiles, but: Category) -> bool:
    """Whether nothing differs but what is of a category, or reaches less far."""
    if before.texts == after.texts:
        return True
    if before.texts.keys() != after.texts.keys():
        return False
    changed = [path for path in before.texts if before.texts[path] != after.texts[path]]
    return all(alike(_document(before, path, but), _document(after, path, but)) for path in changed)


def _document(files: PipelineFiles, path: str, but: Category) -> Any:
    if path == "pipeline.yaml" or path.startswith("pipelines/"):
        found = files.document(path)
        kept = found if but is Category.NONE else _without(found, _PROMISES)
        return _manifest(kept) if but is Category.SETTINGS else kept
    documents = files.documents(path)
    return [_spec(item) for item in documents] if but is Category.SETTINGS else documents


def _manifest(found: Any) -> Any:
    """A manifest without its settings."""
    if not isinstance(found, Mapping):
        return found
    spec, schedules = found.get("spec"), found.get("schedules") or []
    if isinstance(schedules, list):
        schedules = [_without(item, _OF_SCHEDULE) for item in schedules]
    metadata = _without(found.get("metadata"), _OF_METADATA)
    rest = {**found, "metadata": metadata, "schedules": schedules}
    if isinstance(spec, Mapping):
        parameters = _each(spec.get("parameters"), lambda item: _without(item, {"description"}))
        rest["spec"] = {**spec, "parameters": parameters, "tasks": _nodes(spec.get("tasks"))}
        if "outputs" in spec:
            rest["spec"]["outputs"] = _each(spec["outputs"], _undescribed)
    return rest


def _undescribed(output: Any) -> Any:
    return output.get("value", output) if isinstance(output, Mapping) else output


def _nodes(tasks: Any) -> Any:
    return _each(tasks, _node)


def _node(data: Any) -> Any:
    if not isinstance(data, Mapping):
        return data
    rest = dict(_without(data, _OF_NODE))
    for key in ("tasks", "finally"):
        if key in rest:
            rest[key] = _nodes(rest[key])
    for key, inner in (("resources", _OF_RESOURCES), ("pod", _OF_POD)):
        if key in rest:
            rest[key] = _without(rest[key], inner)
    if isinstance(rest.get("elif"), list):
        rest["elif"] = [_node(branch) for branch in rest["elif"]]
    if "else" in rest:
        rest["else"] = _node(rest["else"])
    return {key: value for key, value in rest.items() if value != {} or key not in ("resources", "pod")}


def _spec(found: Any) -> Any:
    """A component spec, or a compiled pipeline, without settings and the SDK's own version."""
    if not isinstance(found, Mapping):
        return found
    rest = {key: value for key, value in found.items() if key != "sdkVersion"}
    if "deploymentSpec" in rest:
        rest["deploymentSpec"] = _executors(rest["deploymentSpec"])
    if "root" in rest:
        rest["root"] = _graph(rest["root"])
    if "components" in rest:
        rest["components"] = _each(rest["components"], _graph)
    return rest


def _executors(found: Any) -> Any:
    if not isinstance(found, Mapping):
        return found
    return {**found, "executors": _each(found.get("executors"), _executor)}


def _executor(found: Any) -> Any:
    container = mapping(mapping(found).get("container"))
    resources = container.get("resources")
    if not isinstance(resources, Mapping):
        return found
    left = {key: value for key, value in resources.items() if not key.startswith(_OF_IR_RESOURCES)}
    bare = {key: value for key, value in container.items() if key != "resources"}
    return {**found, "container": {**bare, "resources": left} if left else bare}


def _graph(found: Any) -> Any:
    dag = found.get("dag") if isinstance(found, Mapping) else None
    if not isinstance(dag, Mapping):
        return found
    return {
        **found,
        "dag": {**dag, "tasks": _each(dag.get("tasks"), lambda item: _without(item, {"retryPolicy"}))},
    }


def _without(value: Any, keys: frozenset[str] | set[str]) -> Any:
    return {k: v for k, v in value.items() if k not in keys} if isinstance(value, Mapping) else value


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return {key: change(item) for key, item in value.items()} if isinstance(value, Mapping) else value
