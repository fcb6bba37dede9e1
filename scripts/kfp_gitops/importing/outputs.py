"""Outputs of tasks, as a manifest refers to them from anywhere: the IR hands them out of groups step by step."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kfp_gitops.importing import kinds
from kfp_gitops.importing.source import Source, UnsaidError

_CHOICE = re.compile(r".*-oneof-(\d+)")
"""How the SDK names what a condition gives (kfp.dsl.pipeline_channel.OneOfMixin)."""
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")


class Outputs:
    """The outputs of the tasks of one pipeline, whose ids are given by (component, key)."""

    def __init__(self, source: Source, ids: Mapping[tuple[str, str], str]) -> None:
        self.source = source
        self.ids = ids
        self.chosen: dict[str, dict[str, str]] = {}

    def of(self, component: str) -> Callable[[str, str], Any]:
        """Looks up the outputs of the tasks in one DAG, by the task's key and the output's name."""
        return lambda key, output: self.find(component, key, output)

    def find(self, component: str, key: str, output: str) -> Any:
        """The reference to an output.

        Raises:
            UnsaidError: it is handed out of a group in a way that a manifest does not know.
        """
        task = kinds.tasks(self.source, component)[key]
        kind, called = kinds.kind(self.source, key, task), kinds.runs(task)
        if kind not in kinds.GROUPS:
            return {"task": self.ids[component, key], "output": output}
        if kind == "branches" and output in (names := self._names(called)):
            return {"task": self.ids[component, key], "output": names[output]}
        found = self.handed_out(called, self._declared(called), output)
        return self._collected(found) if kind == "loop" else found

    def handed_out(self, component: str, outputs: Mapping[str, Any], name: str) -> Any:
        """What a DAG hands out under a name.

        Raises:
            UnsaidError: as `find`.
        """
        options = self._options(component, outputs, name)
        if not options:
            raise UnsaidError(f"an output {name!r} that is made of nothing")
        if len(options) > 1:
            raise UnsaidError("one of several outputs outside of a condition")
        return options[0]

    def choices(self, component: str) -> dict[str, Any]:
        """The `outputs` of a condition with several branches, by name.

        Raises:
            UnsaidError: something else is chosen from than tasks.
        """
        declared, found = self._declared(component), dict[str, Any]()
        for key, name in self._names(component).items():
            options = self._options(component, declared, key)
            if len(options) < 2 or not all(set(option) == {"task", "output"} for option in options):
                raise UnsaidError("one of several outputs that are lists or choices themselves")
            while len(found) + 1 < _number(key):  # nobody takes it, so nothing is left of it but its number
                found[f"untaken_{len(found) + 1}"] = {"oneOf": options}
            found[name] = {"oneOf": options}
        return found

    def _names(self, component: str) -> dict[str, str]:
        """The names in the IR of what a condition gives, as they were numbered, with those of a manifest."""
        if component not in self.chosen:
            declared, found = self._declared(component), dict[str, str]()
            keys = [key for kind in declared.values() for key in kind if _CHOICE.fullmatch(key)]
            for key in sorted(keys, key=_number):
                found[key] = _free(_shared(self._options(component, declared, key)), found.values())
            self.chosen[component] = found
        return self.chosen[component]

    def _options(self, component: str, outputs: Mapping[str, Any], name: str) -> list[Any]:
        return [self.find(component, *one) for one in _selected(outputs, name)]

    def _declared(self, component: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.source.component(component).get("dag", {}).get("outputs", {})
        return found

    def _collected(self, found: Any) -> Any:
        if "collect" in found:
            return found
        if set(found) != {"task", "output"} or found["task"] in self._conditions():
            raise UnsaidError("the collected outputs of a choice between branches")
        return {"collect": found}

    def _conditions(self) -> set[str]:
        return {
            name
            for (component, key), name in self.ids.items()
            if kinds.kind(self.source, key, kinds.tasks(self.source, component)[key]) == "branches"
        }


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


def _number(key: str) -> int:
    found = _CHOICE.fullmatch(key)
    return int(found[1]) if found else 0


def _shared(options: Sequence[Mapping[str, Any]]) -> str:
    """What all options are called, where that can be a name."""
    names = {str(one.get("output", "")) for one in options}
    return name if len(names) == 1 and _NAME.fullmatch(name := names.pop()) else "chosen"


def _free(wanted: str, taken: Collection[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name
