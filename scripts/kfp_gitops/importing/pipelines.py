"""The manifests of a compiled pipeline: its own, and one for each pipeline inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.importing import claims, images, older, parts
from kfp_gitops.importing.constants import of_type
from kfp_gitops.importing.leaves import artifact_type
from kfp_gitops.importing.source import MALFORMED, PLATFORM, Source, UnsaidError
from kfp_gitops.importing.specs import Specs
from kfp_gitops.importing.walk import Walk
from kfp_gitops.sources.components import FINAL_STATUS, IR_TYPES

_CONFIG = {
    "resourceTtlOnCompletion": "ttlSecondsAfterFinished",
    "resourceTtlOnSuccess": "ttlSecondsAfterSuccess",
    "resourceTtlOnFailure": "ttlSecondsAfterFailure",
    "activeDeadlineSeconds": "deadlineSeconds",
}


class Pipelines:
    """All manifests that come of a file, the components that they run, and what of the file stays as it is.

    `keep`: pipelines inside that are to stay so, by component, with the reasons; `kept`: those that did, by the file
    beside the template. `origins` and `components` say of what component of the IR a file or a folder is.
    """

    def __init__(self, source: Source, specs: Specs, keep: Mapping[str, Sequence[Problem]]) -> None:
        self.source = source
        self.specs = specs
        self.keep = keep
        self.inner: dict[str, dict[str, Any]] = {}
        self.parts: dict[str, list[dict[str, Any]]] = {}
        self.kept: dict[str, Sequence[Problem]] = {}
        self.origins: dict[str, str] = {}
        self.components: dict[str, str] = {}
        self.places: dict[str, dict[str, Path]] = {}

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
        try:
            if forms := older.forms(self.source.brought.values):
                found["spec"]["olderForms"] = forms
        except MALFORMED:
            self.source.refuse(PLATFORM, "a part that is not of KFP's form", platform=True)
        return found

    def component(self, name: str, stem: str) -> str:
        """The folder of components/ for a component of the IR."""
        component = self.source.component(name)
        container = self.source.executor(component["executorLabel"]).get("container")
        if container is None:
            raise UnsaidError("an executor that is neither a container nor an importer")
        if "{{" in container.get("image", ""):
            raise UnsaidError("an image that a run chooses: which one runs is a matter of the release")
        if not images.can_be_released(container.get("image", "")):
            raise UnsaidError(f"an image that is no reference: {container.get('image', '')!r}")
        found = self.specs.name(stem, component, container)
        self.components.setdefault(found, name)
        return found

    def pipeline(self, name: str, stem: str) -> str:
        """The name of a pipeline inside: its template, or its compiled file; what is alike is one."""
        reasons = self.keep.get(name)
        if reasons is None:
            before = len(self.source.problems), dict(self.specs.made), dict(self.inner), dict(self.parts)
            made = self._manifest(name, self.source.component(name), stem, "", "")
            if len(self.source.problems) == before[0]:
                return self._file(self.inner, stem, name, made)
            reasons = self.source.problems[before[0] :]
            del self.source.problems[before[0] :]
            self.specs.made, self.inner, self.parts = before[1:]
        file = self._file(self.parts, stem, name, parts.part(self.source, name, stem))
        self.kept.setdefault(file, reasons)
        return file

    def _file(self, files: dict[str, Any], stem: str, component: str, content: Any) -> str:
        file, number = stem, 2
        taken = {
            **self.inner,
            **self.parts,
            "pipeline": None,
        }  # what is rendered of the whole is pipeline.yaml
        while file in taken and files.get(file) != content:
            file, number = f"{stem}-{number}", number + 1
        files[file] = content
        self.origins[file] = component
        return file

    @property
    def _described(self) -> bool:
        """Whether a component says of an input or output what it is: those that the file has say it all."""
        for component in self.source.spec.get("components", {}).values():
            executor = self.source.executor(component.get("executorLabel", ""))
            ports = [
                one
                for part in ("inputDefinitions", "outputDefinitions")
                for kind in component.get(part, {}).values()
                for one in kind.values()
            ]
            own = "container" not in executor or claims.is_own(component, executor)
            if not own and any("description" in one for one in ports):
                return True
        return False

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
        self.places[key] = walk.places
        return {
            "apiVersion": "kfp-gitops/v1",
            "kind": "PipelineManifest",
            "metadata": {"name": name, "description": description, "owner": owner},
            "spec": {part: value for part, value in found.items() if value},
        }

    def _parameter(self, at: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
        kind = spec.get("parameterType", "")
        if kind == FINAL_STATUS and at[0] != "root":
            said = {"description": spec["description"]} if spec.get("description") else {}
            return {"type": "dict", "finalStatus": True, **said}
        if kind not in IR_TYPES:
            self.source.refuse(at, f"a parameter of type {kind}")
        found: dict[str, Any] = {"type": IR_TYPES.get(kind, "str")}
        if "defaultValue" in spec:
            found["default"] = of_type(spec["defaultValue"], kind)
        elif spec.get("isOptional"):
            found["optional"] = True
        if "literals" in spec:
            found["literals"] = [of_type(one, kind) for one in spec["literals"]]
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
        names = older.written(self.source.spec, key, names)
        said = {
            name: one["description"]
            for kind in component.get("outputDefinitions", {}).values()
            for name, one in kind.items()
            if one.get("description")
        }
        found: dict[str, Any] = {}
        for name in names:
            try:
                value = walk.outputs.handed_out(key, outputs, name)
                found[name] = {"value": value, "description": said[name]} if name in said else value
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
