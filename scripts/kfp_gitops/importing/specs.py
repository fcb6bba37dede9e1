"""Component specs from executors: one for each distinct one, whatever its tasks set besides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from kfp_gitops.base.yamldump import dump
from kfp_gitops.compiling import ir
from kfp_gitops.importing import images
from kfp_gitops.importing.source import OF_TASKS
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.sources import components

_HEAD = "# Imported from a compiled pipeline; its source is the text after `command:`, where it is Python.\n"
_COUNTED = re.compile(r"-\d+\Z")
_BY_NAME = re.compile(r"[a-z][a-z0-9_]{0,61}")


def folder_name(stem: str) -> str:
    """The folder of components/ for a component's name in KFP."""
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return name if _BY_NAME.fullmatch(name) else f"c_{name}"[:62]


@dataclass
class Specs:
    """The specs made so far by name; `present` are those that components/ has already."""

    present: Mapping[str, str]
    sdk: str
    made: dict[str, str] = field(default_factory=dict)

    def name(self, stem: str, component: Mapping[str, Any], container: Mapping[str, Any]) -> str:
        """The name of the component that this is, which may be one that is there."""
        text = _HEAD + dump(_spec(stem, component, container, self.sdk))
        base, number = folder_name(stem), 1
        while True:
            name = base if number == 1 else f"{base[:58]}_{number}"
            found = self.made.get(name, self.present.get(name))
            if found is None or found == text or means_the_same(found, text):
                self.made[name] = found or text
                return name
            number += 1

    @property
    def new(self) -> dict[str, str]:
        """Those that components/ has not."""
        return {name: text for name, text in self.made.items() if name not in self.present}

    @property
    def images(self) -> list[str]:
        """The images that are not by digest, each once; KFP's own steps for claims run none."""
        made = self.made.items()
        read = (components.tolerant(name, text, f"components/{name}/component.yaml") for name, text in made)
        return images.loose(one.document.value for one in read)


def means_the_same(one: str, other: str) -> bool:
    """Whether two specs of components are the same name, interface and container, whoever wrote them."""
    parts = [_parts(text) for text in (one, other)]
    return parts[0] is not None and parts[0] == parts[1]


@lru_cache(maxsize=1024)
def _parts(text: str) -> Any:
    """Name, interface and container as they are in a pipeline; None where it is no spec that the SDK wrote."""
    try:
        spec: Any = next(iter(ir.documents(text)), None)
        name = spec["pipelineInfo"]["name"]
        component = spec["components"][f"comp-{name}"]
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    except (KeyError, TypeError, yaml.YAMLError):
        return None
    interface = [component.get(key, {}) for key in ("inputDefinitions", "outputDefinitions")]
    own = {key: value for key, value in container.items() if key not in OF_TASKS}
    # What is called `say-2` may be the second `say`: the SDK counts components of one name.
    return [_COUNTED.sub("", name), *interface, own]


def _spec(stem: str, component: Mapping[str, Any], container: Mapping[str, Any], sdk: str) -> dict[str, Any]:
    """As `kfp component` writes it: the component, and a pipeline of it alone."""
    own = {key: value for key, value in container.items() if key not in OF_TASKS}
    interface = {key: component[key] for key in ("inputDefinitions", "outputDefinitions") if key in component}
    outer = _as_given(interface)
    return {
        "components": {f"comp-{stem}": {"executorLabel": f"exec-{stem}", **interface}},
        "deploymentSpec": {"executors": {f"exec-{stem}": {"container": own}}},
        "pipelineInfo": {"name": stem},
        "root": {"dag": _dag(stem, outer, stub=own.get("image") in STUB_IMAGES), **outer},
        "schemaVersion": "2.1.0",
        "sdkVersion": sdk,
    }


def _as_given(interface: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the pipeline of the component alone, which hands the final status of a task over, too."""
    declared = interface.get("inputDefinitions", {})
    given = {name: _needed(one) for name, one in declared.get("parameters", {}).items()}
    inputs = {**declared, "parameters": given} if given else declared
    return {**interface, "inputDefinitions": inputs} if declared else dict(interface)


def _needed(one: Mapping[str, Any]) -> dict[str, Any]:
    status = one.get("parameterType") == "TASK_FINAL_STATUS"
    return {key: value for key, value in one.items() if key != "isOptional" or not status}


def _dag(stem: str, interface: Mapping[str, Any], *, stub: bool) -> dict[str, Any]:
    caching = {} if stub else {"enableCache": True}  # KFP's own steps for claims: a name is given once
    task: dict[str, Any] = {"cachingOptions": caching, "componentRef": {"name": f"comp-{stem}"}}
    inputs = _inputs(interface.get("inputDefinitions", {}))
    outputs = _outputs(stem, interface.get("outputDefinitions", {}))
    task |= {"inputs": inputs} if inputs else {}
    task["taskInfo"] = {"name": stem}
    return {**({"outputs": outputs} if outputs else {}), "tasks": {stem: task}}


def _inputs(declared: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "artifacts": {name: {"componentInputArtifact": name} for name in declared.get("artifacts", {})},
        "parameters": {name: {"componentInputParameter": name} for name in declared.get("parameters", {})},
    }
    return {kind: one for kind, one in found.items() if one}


def _outputs(stem: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "artifacts": {
            name: {"artifactSelectors": [{"outputArtifactKey": name, "producerSubtask": stem}]}
            for name in declared.get("artifacts", {})
        },
        "parameters": {
            name: {"valueFromParameter": {"outputParameterKey": name, "producerSubtask": stem}}
            for name in declared.get("parameters", {})
        },
    }
    return {kind: one for kind, one in found.items() if one}
