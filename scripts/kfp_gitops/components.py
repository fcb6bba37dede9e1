"""Component specs: what a component takes and gives, and the image it runs in. Needs no kfp."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kfp_gitops import containers, irlint, schema
from kfp_gitops.errors import Problem, raise_if_any
from kfp_gitops.manifest import Type
from kfp_gitops.yamltext import Document, Path, parse

# IR parameter types (pipeline_spec.proto, ParameterType.ParameterTypeEnum) and the DSL's names for them.
IR_TYPES: Mapping[str, Type] = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "dict",
}
# Artifact types in lower case; any other name in Component YAML v1 is a plain artifact (kfp.dsl.types.type_utils).
_ARTIFACTS = {
    title.lower(): title
    for title in (
        "Artifact", "ClassificationMetrics", "Dataset", "HTML", "Markdown", "Metrics", "Model",
        "SlicedClassificationMetrics",
    )
}  # fmt: skip
# In the command of a Python component, which the SDK wrote and nobody edits.
_PYTHON = "kfp.dsl.executor_main"
_FINAL_STATUS = "TASK_FINAL_STATUS"
_BY_DIGEST = re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}")
_STUBS = frozenset(
    {"argostub/createpvc", "argostub/deletepvc"}
)  # any other name in argostub/ would be pulled


@dataclass(frozen=True)
class Port:
    """One input or output: a parameter of a `type`, or an artifact (`many`: a list of them) of a schema title."""

    name: str
    type: Type | None
    artifact: str | None = None
    optional: bool = False
    final_status: bool = False
    many: bool = False


@dataclass(frozen=True)
class Interface:
    """What a task can run: its inputs and outputs by name."""

    name: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]


@dataclass(frozen=True)
class Component(Interface):
    """A component's interface, and its spec as data."""

    document: Document


@lru_cache(maxsize=1024)
def read(name: str, text: str, path: str) -> Component:
    """Read a Component YAML spec.

    Raises:
        InputError: not a component spec, or one that KFP would not run as it is written; with every problem.
    """
    document = parse(text, path)
    raise_if_any(schema.problems(schema.named("component"), document))
    spec = document.value
    if "implementation" in spec:
        raise_if_any(containers.problems(document))
        return Component(
            name, _v1_ports(spec.get("inputs", [])), _v1_ports(spec.get("outputs", [])), document
        )
    if _PYTHON not in text:
        raise_if_any(irlint.problems([document]))
    root = spec["root"]
    inputs, outputs = root.get("inputDefinitions", {}), root.get("outputDefinitions", {})
    return Component(name, _ir_ports(inputs), _ir_ports(outputs), document)


def _ir_ports(definitions: Mapping[str, Any]) -> dict[str, Port]:
    parameters = [_ir_parameter(name, item) for name, item in definitions.get("parameters", {}).items()]
    artifacts = [_ir_artifact(name, item) for name, item in definitions.get("artifacts", {}).items()]
    return {port.name: port for port in [*parameters, *artifacts]}


def _ir_parameter(name: str, item: Mapping[str, Any]) -> Port:
    kind = item["parameterType"]
    optional = bool(item.get("isOptional")) or "defaultValue" in item
    return Port(name, IR_TYPES.get(kind), None, optional, final_status=kind == _FINAL_STATUS)


def _ir_artifact(name: str, item: Mapping[str, Any]) -> Port:
    title = item.get("artifactType", {}).get("schemaTitle", "system.Artifact")
    many = bool(item.get("isArtifactList"))
    return Port(name, None, title, optional=bool(item.get("isOptional")), many=many)


def _v1_ports(items: list[Mapping[str, Any]]) -> dict[str, Port]:
    return {port.name: port for port in map(_v1_port, items)}


def _v1_port(item: Mapping[str, Any]) -> Port:
    name, optional = containers.fit(item["name"]), item.get("optional", False) or "default" in item
    if item["type"] == "PipelineTaskFinalStatus":
        return Port(name, None, None, optional, final_status=True)
    type_name = containers.type_of(item)
    title = _ARTIFACTS.get(item["type"].lower(), "Artifact")
    return Port(name, type_name, None if type_name else f"system.{title}", optional)


def with_images(component: Component, images: Mapping[str, str]) -> dict[str, Any]:
    """The component's spec with every logical image name replaced by the release's reference.

    Raises:
        InputError: an image that is neither a name of the release nor given by digest.
    """
    raise_if_any(loose_images(component.document, images))
    return mapped(component.document, images)


def loose_images(document: Document, images: Mapping[str, str]) -> Iterator[Problem]:
    """The images of a spec that are neither a name of the release nor given by digest."""
    known = ", ".join(sorted(images)) or "none"
    for at, container in _containers(document.value):
        if container["image"] not in images and not _fixed(container["image"]):
            yield document.problem(
                (*at, "image"),
                f"image {container['image']!r} is neither by digest nor a name in release.yaml",
                f"write name@sha256:…, or a name that the release maps ({known})",
            )


def mapped(document: Document, images: Mapping[str, str]) -> dict[str, Any]:
    """The document of any spec with containers, with the release's references for its logical names."""
    spec: dict[str, Any] = copy.deepcopy(document.value)
    for _, container in _containers(spec):
        container["image"] = images.get(container["image"], container["image"])
    return spec


def _fixed(image: str) -> bool:
    """By digest, or the name of a step that KFP's backend does itself (kfp.kubernetes.CreatePVC, DeletePVC)."""
    return image in _STUBS or _BY_DIGEST.fullmatch(image) is not None


def image_names(document: Document) -> list[str]:
    """The images that a spec names, as written."""
    return [container["image"] for _, container in _containers(document.value)]


def _containers(spec: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    if "implementation" in spec:
        yield ("implementation", "container"), spec["implementation"]["container"]
        return
    for label, executor in spec["deploymentSpec"]["executors"].items():
        if "container" in executor:
            yield ("deploymentSpec", "executors", label, "container"), executor["container"]
