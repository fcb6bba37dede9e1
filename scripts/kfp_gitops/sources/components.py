"""Component specs: what a component takes and gives, and the image it runs in. Needs no kfp."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from kfp_gitops.base import charset, schema
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Document, Path, parse
from kfp_gitops.language import irlint, kubernetes_names
from kfp_gitops.language.irlint import commandline
from kfp_gitops.language.manifest import Type
from kfp_gitops.language.wellknown import PYTHON_EXECUTOR, STUB_IMAGES
from kfp_gitops.sources import containers, v1ports

# IR parameter types (pipeline_spec.proto, ParameterType.ParameterTypeEnum) and the DSL's names for them.
IR_TYPES: Mapping[str, Type] = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "dict",
}
Rule = Callable[[Any], tuple[str, str] | None]
"""Why a constant cannot be used: what is wrong, and what to do; None when it can."""
FINAL_STATUS = "TASK_FINAL_STATUS"
_LONGEST = 512  # a name of 255 characters, a tag of 128, a digest
_BY_DIGEST = re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}")
# What a pod calls its lists of containers (Kubernetes API, PodSpec).
POD_LISTS = ("containers", "initContainers", "ephemeralContainers")
# registry:port/path:tag@digest (github.com/distribution/reference, which Kubernetes' runtimes read images by).
_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REFERENCE = re.compile(
    rf"(?:(?:{_PART}(?:\.{_PART})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Port:
    """One input or output: a parameter of a `type`, or an artifact (`many`: a list of them) of a schema title.

    `collected`: what a loop over this list makes is collected, so it may not be empty. `in_command`: KFP's driver puts
    it into the command line, and fails when it has no value; without a default it is then not optional. `used`: an
    optional artifact that something in a pipeline takes, so that it is not optional in KFP 2.17.
    """

    name: str
    type: Type | None
    artifact: str | None = None
    optional: bool = False
    final_status: bool = False
    many: bool = False
    collected: bool = False
    in_command: bool = False
    used: bool = False


@dataclass(frozen=True)
class Interface:
    """What a task can run: its inputs and outputs by name."""

    name: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict, kw_only=True)
    """What constants that are given to an input must satisfy, beside its type."""
    to_workspace: bool = field(default=False, kw_only=True)
    """Whether an importer inside downloads to the workspace of the run."""


@dataclass(frozen=True)
class Component(Interface):
    """A component's interface, and its spec as data."""

    document: Document
    faults: tuple[Problem, ...] = ()
    """What KFP does not run as it is written, and a pipeline may accept (`language.faults`)."""


def read(name: str, text: str, path: str) -> Component:
    """Read a Component YAML spec.

    Raises:
        InputError: not a component spec, or one that KFP would not run as it is written; with every problem.
    """
    found = tolerant(name, text, path)
    raise_if_any(found.faults)
    return found


@lru_cache(maxsize=1024)
def tolerant(name: str, text: str, path: str) -> Component:
    """The same, of a spec with faults that a pipeline may accept.

    Raises:
        InputError: as `read`; it has faults that none may accept.
    """
    document = parse(text, path)
    if "implementation" not in (document.value or ()) and (foreign := irlint.what_it_is(document.value)):
        raise InputError([document.problem((), *foreign)])
    raise_if_any(schema.problems(schema.named("component"), document))
    spec = document.value
    if "implementation" in spec:
        faults = _acceptable([*containers.problems(document), *_v1_faults(document)])
        inputs = _v1_ports(spec.get("inputs"))
        read = containers.read_by_driver(spec)
        defaults = {v1ports.fit(p["name"]) for p in spec.get("inputs") or () if p.get("default") is not None}
        inputs |= {key: _in_command(inputs[key], key in defaults) for key in inputs.keys() & read}
        return Component(name, inputs, _v1_ports(spec.get("outputs")), document, faults)
    # What the SDK wrote, nobody edits; but it writes whatever stands in the source.
    lint = irlint.texts_for_argo if PYTHON_EXECUTOR in text else irlint.problems
    faults = _acceptable(lint([document]))
    for part in ("components", "deploymentSpec"):
        raise_if_any(charset.problems(document, spec[part], (part,)))
    inner = spec["components"].get(f"comp-{spec['pipelineInfo']['name']}", spec["root"])
    inputs, outputs = inner.get("inputDefinitions", {}), inner.get("outputDefinitions", {})
    return Component(name, _commanded(ir_ports(inputs), inner, spec), ir_ports(outputs), document, faults)


def _acceptable(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """All of them, where each may be accepted.

    Raises:
        InputError: one may not; with every problem.
    """
    if not all(problem.fault for problem in problems):
        raise InputError(problems)
    return tuple(problems)


def _v1_faults(document: Document) -> Iterator[Problem]:
    """What KFP cannot store of what the SDK takes over from it, and names that Kubernetes does not take."""
    at: Path = ("implementation", "container")
    container = document.value["implementation"]["container"]
    for key in ("image", "command", "args", "env"):
        yield from charset.problems(document, container.get(key), (*at, key))
    for index, port in enumerate(document.value.get("inputs") or ()):
        yield from charset.problems(document, port.get("default"), ("inputs", index, "default"))
    for name in container.get("env") or ():
        if fault := kubernetes_names.env_name(name):
            what = f"Kubernetes refuses this: {fault}"
            yield document.problem((*at, "env", name), what, "write letters, digits, - _ and .", key=True)


def _commanded(
    ports: dict[str, Port], component: Mapping[str, Any], spec: Mapping[str, Any]
) -> dict[str, Port]:
    executors = spec.get("deploymentSpec", {}).get("executors", {})
    container = executors.get(component.get("executorLabel"), {}).get("container", {})
    read = commandline.read_by_driver([*container.get("command", ()), *container.get("args", ())])
    defaults = {
        name
        for name, one in component.get("inputDefinitions", {}).get("parameters", {}).items()
        if "defaultValue" in one
    }
    return {
        name: _in_command(port, name in defaults) if name in read else port for name, port in ports.items()
    }


def _in_command(port: Port, has_default: bool) -> Port:
    return replace(port, in_command=True, optional=port.optional and has_default)


def ir_ports(definitions: Mapping[str, Any]) -> dict[str, Port]:
    """The ports in `inputDefinitions` or `outputDefinitions` of an IR."""
    parameters = [_ir_parameter(name, item) for name, item in definitions.get("parameters", {}).items()]
    artifacts = [_ir_artifact(name, item) for name, item in definitions.get("artifacts", {}).items()]
    return {port.name: port for port in [*parameters, *artifacts]}


def _ir_parameter(name: str, item: Mapping[str, Any]) -> Port:
    kind = item.get("parameterType", "")  # of an older field, `type`, the SDK takes no notice
    optional = bool(item.get("isOptional")) or "defaultValue" in item
    return Port(name, IR_TYPES.get(kind), None, optional, final_status=kind == FINAL_STATUS)


def _ir_artifact(name: str, item: Mapping[str, Any]) -> Port:
    title = item.get("artifactType", {}).get("schemaTitle", "system.Artifact")
    many = bool(item.get("isArtifactList"))
    return Port(name, None, title, optional=bool(item.get("isOptional")), many=many)


def _v1_ports(items: list[v1ports.Port] | None) -> dict[str, Port]:
    return {port.name: port for port in map(_v1_port, items or [])}


def _v1_port(item: v1ports.Port) -> Port:
    name, optional = v1ports.fit(item["name"]), v1ports.is_optional(item)
    if v1ports.is_final_status(item):
        return Port(name, None, None, optional, final_status=True)
    type_name = v1ports.type_of(item)
    return Port(name, type_name, None if type_name else v1ports.artifact_of(item), optional)


def with_images(component: Component, images: Mapping[str, str]) -> dict[str, Any]:
    """The component's spec with every logical image name replaced by the release's reference.

    Raises:
        InputError: an image that is neither a name of the release nor given by digest.
    """
    raise_if_any(loose_images([component.document], images))
    return mapped(component.document, images)


def loose_images(documents: Iterable[Document], images: Mapping[str, str]) -> Iterator[Problem]:
    """The images of a file that are neither a name of the release nor given by digest: each once, where it is first."""
    known = ", ".join(sorted(images)) or "none"
    found: dict[str, list[tuple[Document, Path]]] = {}
    for document in documents:
        for at, container in _containers(document.value):
            if container["image"] not in images and not _fixed(container["image"], at):
                found.setdefault(container["image"], []).append((document, (*at, "image")))
    for image, ((document, place), *more) in found.items():
        counted = f" (and {len(more)} more like it)" if more else ""
        what = f"image {image!r} is {_fault(image)}{counted}"
        yield document.problem(place, what, f"write name@sha256:…, or a name that the release maps ({known})")


def _fault(image: str) -> str:
    """What is wrong with an image that is not by digest; a placeholder in it is filled in when it runs."""
    if "{{" in image or (len(image) <= _LONGEST and _REFERENCE.fullmatch(image)):
        return "neither by digest nor a name in release.yaml"
    return "not a valid reference, which no Kubernetes would pull, nor a name in release.yaml"


def mapped(document: Document, images: Mapping[str, str]) -> dict[str, Any]:
    """The document of any spec with containers, with the release's references for its logical names."""
    spec: dict[str, Any] = copy.deepcopy(document.value)
    for _, container in _containers(spec):
        container["image"] = images.get(container["image"], container["image"])
    return spec


def is_stub(image: str, at: Path) -> bool:
    """Whether the container of an executor stands for work of KFP's own; `at` is where the container is.

    Elsewhere, in a Kubernetes object or an Argo workflow, it is an image like any other, and is pulled.
    """
    executor = at[:2] == ("deploymentSpec", "executors") and at[3:] == ("container",)
    return image in STUB_IMAGES and (executor or at == ("implementation", "container"))


def _fixed(image: str, at: Path) -> bool:
    return is_stub(image, at) or is_by_digest(image)


def is_by_digest(image: str) -> bool:
    """Whether it can be no other image tomorrow."""
    return _BY_DIGEST.fullmatch(image) is not None


def image_names(document: Document) -> list[str]:
    """The images that a spec names, as written."""
    return [container["image"] for _, container in _containers(document.value)]


def _containers(spec: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The containers that have an image: of a component, a compiled pipeline, or the platform document of one."""
    if "implementation" in spec:
        yield ("implementation", "container"), spec["implementation"]["container"]
        return
    if "deploymentSpec" not in spec:
        yield from _beside(spec)
        return
    for label, executor in spec["deploymentSpec"]["executors"].items():
        if "container" in executor:
            yield ("deploymentSpec", "executors", label, "container"), executor["container"]


def _beside(platforms: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The containers that settings of executors put beside the step's own (kfp.kubernetes, `initContainers`)."""
    for platform, spec in platforms.get("platforms", {}).items():
        for label, settings in spec.get("deploymentSpec", {}).get("executors", {}).items():
            at: Path = ("platforms", platform, "deploymentSpec", "executors", label)
            yield from ((path, one) for path, one in pod_containers(settings, at) if _has_image(one))


def pod_containers(pod: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The maps in the lists of containers that a pod has."""
    for key in POD_LISTS:
        items = pod.get(key)
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                yield (*at, key, index), item


def _has_image(container: Mapping[str, Any]) -> bool:
    return isinstance(container.get("image"), str)
