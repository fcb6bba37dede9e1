"""What the tasks of a compiled pipeline run and are given, for people: the IR itself is nobody's to read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language.wellknown import PYTHON_EXECUTOR
from kfp_gitops.operate.comparing.sides import Step

_MOST = 10_000
"""Tasks that are looked at: a pipeline on a server may be anybody's, and hold itself, or double itself."""
_DEFINITION = re.compile(r"^(?:async )?(?:def|class) |^@", re.MULTILINE)


def of(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Step]:
    """Each task that does work, by the ids of those around it and its own, as runs name them."""
    found: dict[str, Step] = {}
    left = _tasks(spec.get("root") or {}, "")
    for _ in range(_MOST):
        if not left:
            break
        path, task = left.pop(0)
        component = _component(spec, task)
        left[:0] = _tasks(component, f"{path}/")
        if label := component.get("executorLabel"):
            found[path] = _step(spec, platform, str(label), task)
    return found


def _tasks(component: Mapping[str, Any], around: str) -> list[tuple[str, Mapping[str, Any]]]:
    tasks: Mapping[str, Any] = (component.get("dag") or {}).get("tasks") or {}
    return [
        (f"{around}{(task.get('taskInfo') or {}).get('name') or key}", task) for key, task in tasks.items()
    ]


def _component(spec: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (spec.get("components") or {}).get(
        (task.get("componentRef") or {}).get("name")
    ) or {}
    return found


def _step(spec: Mapping[str, Any], platform: Mapping[str, Any], label: str, task: Mapping[str, Any]) -> Step:
    executor = ((spec.get("deploymentSpec") or {}).get("executors") or {}).get(label) or {}
    container = executor.get("container") or {}
    settings = {name: container[name] for name in ("env", "resources") if container.get(name)}
    settings |= {name: task[name] for name in ("retryPolicy", "cachingOptions") if task.get(name)}
    return Step(
        label.removeprefix("exec-"),
        str(container.get("image", "")),
        _source([*(container.get("command") or ()), *(container.get("args") or ())]),
        settings | dict(_kubernetes(platform).get(label) or {}),
        dict(_given(task)),
    )


def _kubernetes(platform: Mapping[str, Any]) -> Mapping[str, Any]:
    found = ((platform.get("platforms") or {}).get("kubernetes") or {}).get("deploymentSpec") or {}
    return found.get("executors") or {}


def _source(words: list[str]) -> str:
    """The text of a Python component, without the imports that the SDK writes before it; else the words themselves."""
    at = next((index for index, word in enumerate(words) if PYTHON_EXECUTOR in word), None)
    if at is None or at + 1 >= len(words) or not (found := _DEFINITION.search(words[at + 1])):
        return "\n".join(words)
    installed = [word for word in words[:at] if "pip install" in word]
    return "\n".join([*installed, words[at + 1][found.start() :].rstrip()])


def _given(task: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Input → a constant, or what it comes from in a few words."""
    inputs = task.get("inputs") or {}
    for group in ("parameters", "artifacts"):
        yield from ((name, _from(value)) for name, value in sorted((inputs.get(group) or {}).items()))


def _from(value: Mapping[str, Any]) -> Any:
    runtime = value.get("runtimeValue") or {}
    if "constant" in runtime:
        return runtime["constant"]
    for kind in ("taskOutputParameter", "taskOutputArtifact"):
        if kind in value:
            output = value[kind].get("outputParameterKey") or value[kind].get("outputArtifactKey")
            return f"output {output} of {value[kind].get('producerTask')}"
    named = value.get("componentInputParameter") or value.get("componentInputArtifact")
    return f"parameter {named}" if named else value
