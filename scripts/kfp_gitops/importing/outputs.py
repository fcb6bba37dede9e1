"""Outputs of tasks, as a manifest refers to them from anywhere: the IR hands them out of groups step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kfp_gitops.importing import kinds
from kfp_gitops.importing.source import Source, UnsaidError


class Outputs:
    """The outputs of the tasks of one pipeline, whose ids are given by (component, key)."""

    def __init__(self, source: Source, ids: Mapping[tuple[str, str], str]) -> None:
        self.source = source
        self.ids = ids

    def of(self, component: str) -> Callable[[str, str], Any]:
        """Looks up the outputs of the tasks in one DAG, by the task's key and the output's name."""
        return lambda key, output: self.find(component, key, output)

    def find(self, component: str, key: str, output: str) -> Any:
        """The reference to an output.

        Raises:
            UnsaidError: it is handed out of a group in a way that a manifest does not know.
        """
        task = kinds.tasks(self.source, component)[key]
        kind = kinds.kind(self.source, key, task)
        if kind not in kinds.GROUPS:
            return {"task": self.ids[component, key], "output": output}
        called = kinds.runs(task)
        found = self.handed_out(
            called, self.source.component(called).get("dag", {}).get("outputs", {}), output
        )
        return _collected(found) if kind == "loop" else found

    def handed_out(self, component: str, outputs: Mapping[str, Any], name: str) -> Any:
        """What a DAG hands out under a name.

        Raises:
            UnsaidError: as `find`.
        """
        options = [self.find(component, *one) for one in _selected(outputs, name)]
        if not options:
            raise UnsaidError(f"an output {name!r} that is made of nothing")
        if len(options) == 1:
            return options[0]
        if not all(set(option) == {"task", "output"} for option in options):
            raise UnsaidError("one of several outputs that are lists or choices themselves")
        return {"oneOf": options}


def _selected(outputs: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """(task, output) of each thing that an output is taken from."""
    artifact = outputs.get("artifacts", {}).get(name, {})
    found = [
        (one["producerSubtask"], one["outputArtifactKey"]) for one in artifact.get("artifactSelectors", ())
    ]
    parameter = outputs.get("parameters", {}).get(name, {})
    single = [parameter["valueFromParameter"]] if "valueFromParameter" in parameter else []
    several = parameter.get("valueFromOneof", {}).get("parameterSelectors", [])
    return found + [(one["producerSubtask"], one["outputParameterKey"]) for one in (*single, *several)]


def _collected(found: Any) -> Any:
    if "collect" in found:
        return found
    if set(found) != {"task", "output"}:
        raise UnsaidError("the collected outputs of a choice between branches")
    return {"collect": found}
