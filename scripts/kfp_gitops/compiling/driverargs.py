"""Arguments of KFP's driver: each holds the JSON of something whole, and Linux bounds one argument.

What KFP's compiler makes of a pipeline (backend/src/v2/compiler/argocompiler, 2.17: dag.go, container.go, importer.go,
`stablyMarshalJSON`): `--component` is a component with all of its tasks, `--task` a task with its constants,
`--container` a container with the source code in it, `--kubernetes_config` the settings of its pod, `--runtime_config`
every parameter of the run. A longer one ends the driver's pod with «Argument list too long» (kubeflow/pipelines#12453).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.base import gojson
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.limits import ARGUMENT, at_most
from kfp_gitops.language.irlint import Finding

_GROWTH = 6  # at most: a character of YAML that becomes an escape of JSON

_PART = "move some of the tasks into a pipeline of their own, a task of this one"
_CODE = "move its code into a module of the image, and import that"
_DATA = "hand large values over as an artifact, or as the name of a file"


def findings(documents: Sequence[Mapping[str, Any]], size: int) -> Iterator[Finding]:
    """Everything in a compiled pipeline of `size` bytes of YAML that is too long for one argument."""
    if size * _GROWTH <= ARGUMENT.maximum:
        return
    spec = documents[0]
    for at, component in _components(spec):
        yield from _dag(at, component)
    for label, executor in spec.get("deploymentSpec", {}).get("executors", {}).items():
        for kind in ("container", "importer"):
            found = _too_long(executor.get(kind, {}))
            if found:
                at = ("components", _user(spec, label))
                yield Finding(0, at, f"its {kind} is {found}", _CODE if kind == "container" else _DATA)
    yield from _settings(documents)
    yield from _defaults(spec)


def _components(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    yield ("root",), spec.get("root", {})
    for name, component in spec.get("components", {}).items():
        yield ("components", name), component


def _dag(at: Path, component: Mapping[str, Any]) -> Iterator[Finding]:
    tasks = component.get("dag", {}).get("tasks", {})
    for name, task in tasks.items():
        found = _too_long(task)
        if found:
            yield Finding(0, (*at, "dag", "tasks", name), f"what task {name!r} is given is {found}", _DATA)
    found = _too_long(component)
    if found and tasks:
        what = f"{len(tasks)} tasks that run in one DAG are {found}"
        yield Finding(0, (*at, "dag") if at == ("root",) else at, what, _PART)
    elif found:
        yield Finding(0, at, f"the inputs and outputs of a component are {found}", _DATA)


def _settings(documents: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for document in documents[1:]:
        for platform in document.get("platforms", {}).values():
            for label, settings in platform.get("deploymentSpec", {}).get("executors", {}).items():
                found = _too_long(settings)
                if found:
                    at = ("components", _user(documents[0], label))
                    yield Finding(0, at, f"the settings of its pod are {found}", "take some of them away")


def _defaults(spec: Mapping[str, Any]) -> Iterator[Finding]:
    declared = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    given = {name: one["defaultValue"] for name, one in declared.items() if "defaultValue" in one}
    found = _too_long({"parameterValues": given})
    if found:
        at = ("root", "inputDefinitions", "parameters")
        yield Finding(0, at, f"the defaults of its parameters are {found}", _DATA)


def _too_long(message: Any) -> str:
    length = gojson.size(message)
    if length <= ARGUMENT.maximum:
        return ""
    return f"{length} bytes of JSON, one argument of KFP's driver; {at_most(ARGUMENT)}"


def _user(spec: Mapping[str, Any], label: str) -> str:
    names = (name for name, node in spec.get("components", {}).items() if node.get("executorLabel") == label)
    return next(names, "")
