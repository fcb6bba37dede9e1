"""The manifests of a compiled pipeline: its own, and one for each pipeline inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.importing import numbered
from kfp_gitops.importing.constants import of_type
from kfp_gitops.importing.leaves import artifact_type
from kfp_gitops.importing.source import MALFORMED, PLATFORM, Source, UnsaidError
from kfp_gitops.importing.specs import Specs
from kfp_gitops.importing.walk import Walk
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.sources.components import IR_TYPES

_CONFIG = {
    "resourceTtlOnCompletion": "ttlSecondsAfterFinished",
    "resourceTtlOnSuccess": "ttlSecondsAfterSuccess",
    "resourceTtlOnFailure": "ttlSecondsAfterFailure",
    "activeDeadlineSeconds": "deadlineSeconds",
}


class Pipelines:
    """All manifests that come of a file, and the components that they run."""

    def __init__(self, source: Source, specs: Specs) -> None:
        self.source = source
        self.specs = specs
        self.inner: dict[str, dict[str, Any]] = {}
        self.places: dict[str, Path] = {}

    def outer(self, owner: str) -> dict[str, Any]:
        """The manifest of the whole."""
        info = self.source.spec["pipelineInfo"]
        found = self._manifest("", self.source.spec["root"], info["name"], info.get("description", ""), owner)
        if "displayName" in info:
            found["metadata"]["displayName"] = info["displayName"]
        if root := self.source.spec.get("defaultPipelineRoot"):
            found["spec"]["pipelineRoot"] = root
        try:
            found["spec"] |= self._config()
        except MALFORMED:
            self.source.refuse(
                (*PLATFORM, "pipelineConfig"), "a part that is not of KFP's form", platform=True
            )
        return found

    def component(self, name: str) -> str:
        """The folder of components/ for a component of the IR."""
        component = self.source.component(name)
        container = self.source.executor(component["executorLabel"]).get("container")
        if container is None:
            raise UnsaidError("an executor that is neither a container nor an importer")
        if "{{" in container.get("image", ""):
            raise UnsaidError("an image that a run chooses: which one runs is a matter of the release")
        return self.specs.name(self._stem(name), component, container)

    def pipeline(self, name: str) -> str:
        """The template for a pipeline inside; what is alike is one."""
        stem, number = self._stem(name), 2
        made = self._manifest(name, self.source.component(name), stem, "", "")
        file = stem
        while file in self.inner and self.inner[file] != made:
            file, number = f"{stem}-{number}", number + 1
        self.inner[file] = made
        return file

    @property
    def _described(self) -> bool:
        """Whether a component says of an input or output what it is: those that the file has say it all."""
        for component in self.source.spec.get("components", {}).values():
            image = self.source.executor(component.get("executorLabel", "")).get("container", {}).get("image")
            ports = [
                one
                for part in ("inputDefinitions", "outputDefinitions")
                for kind in component.get(part, {}).values()
                for one in kind.values()
            ]
            if image not in (None, *STUB_IMAGES) and any("description" in one for one in ports):
                return True
        return False

    def _stem(self, name: str) -> str:
        return numbered.counted(name, self.source.spec.get("components", {}))[0].removeprefix("comp-")

    def _manifest(
        self, key: str, component: Mapping[str, Any], name: str, description: str, owner: str
    ) -> dict[str, Any]:
        at: Path = ("components", key) if key else ("root",)
        declared = component.get("inputDefinitions", {})
        parameters = {
            one: self._parameter((*at, "inputDefinitions", "parameters", one), spec)
            for one, spec in declared.get("parameters", {}).items()
        }
        artifacts = {
            one: self._artifact((*at, "inputDefinitions", "artifacts", one), spec)
            for one, spec in declared.get("artifacts", {}).items()
        }
        given = {one: {"param": one} for one in parameters} | {one: {"artifact": one} for one in artifacts}
        walk = Walk(self.source, key, self)
        found: dict[str, Any] = {"parameters": parameters, "artifacts": artifacts, "tasks": walk.tasks(given)}
        found["outputs"] = self._outputs(walk, at, component)
        found["componentDescriptions"] = self._described
        self.places = walk.places | self.places
        return {
            "apiVersion": "kfp-gitops/v1",
            "kind": "PipelineManifest",
            "metadata": {"name": name, "description": description, "owner": owner},
            "spec": {part: value for part, value in found.items() if value},
        }

    def _parameter(self, at: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
        kind = spec.get("parameterType", "")
        if kind not in IR_TYPES:
            self.source.refuse(at, f"a parameter of type {kind}")
        if "literals" in spec:
            self.source.refuse((*at, "literals"), "the only values that a parameter may have")
        found: dict[str, Any] = {"type": IR_TYPES.get(kind, "str")}
        if "defaultValue" in spec:
            found["default"] = of_type(spec["defaultValue"], kind)
        elif spec.get("isOptional"):
            found["optional"] = True
        return found | ({"description": spec["description"]} if spec.get("description") else {})

    def _artifact(self, at: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        try:
            found["type"] = artifact_type(spec.get("artifactType", {}))
        except UnsaidError as error:
            self.source.refuse(at, str(error))
        found |= {"list": True} if spec.get("isArtifactList") else {}
        found |= {"optional": True} if spec.get("isOptional") else {}
        return found | ({"description": spec["description"]} if spec.get("description") else {})

    def _outputs(self, walk: Walk, at: Path, component: Mapping[str, Any]) -> dict[str, Any]:
        outputs = component.get("dag", {}).get("outputs", {})
        names = [name for kind in ("parameters", "artifacts") for name in outputs.get(kind, {})]
        key = str(at[1]) if len(at) > 1 else ""
        found: dict[str, Any] = {}
        for name in names:
            try:
                found[name] = walk.outputs.handed_out(key, outputs, name)
            except UnsaidError as error:
                self.source.refuse((*at, "dag", "outputs"), str(error))
        return found

    def _config(self) -> dict[str, Any]:
        asked = self.source.platform.get("pipelineConfig", {})
        for key in sorted(asked.keys() - _CONFIG.keys() - {"workspace"}):
            self.source.refuse((*PLATFORM, "pipelineConfig", key), f"the setting {key!r}", platform=True)
        config = {name: int(asked[key]) for key, name in _CONFIG.items() if key in asked}
        found: dict[str, Any] = {"config": config} if config else {}
        if volume := asked.get("workspace"):
            patch = volume.get("kubernetes", {}).get("pvcSpecPatch", {})
            found["workspace"] = {
                "size": volume.get("size", ""),
                **({"pvcSpecPatch": patch} if patch else {}),
            }
        return found
