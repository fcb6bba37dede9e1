"""What others use of a pipeline by name (parameters, artifacts, outputs), and whether a change breaks it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.review.diff import nodes
from kfp_gitops.review.diff.state import MANIFEST, PipelineFiles, mapping


@dataclass(frozen=True)
class Port:
    """A parameter, artifact or output: its type, as far as it is known, and whether who runs it must give it."""

    type: str | None
    required: bool = False


@dataclass(frozen=True)
class Interface:
    """What goes into a pipeline and comes out, by name."""

    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]


def broken(before: PipelineFiles, after: PipelineFiles) -> list[str]:
    """What somebody who relies on the pipeline, or on one inside it, must follow; in words, in order of name."""
    old, new = interfaces(before), interfaces(after)
    return [text for name in sorted(old) if name in new for text in _broken(name, old[name], new[name])]


def interfaces(files: PipelineFiles) -> dict[str, Interface]:
    """The interface of the pipeline (under '') and of each pipeline that runs inside it."""
    inner = {
        name.removesuffix(".yaml"): _of(mapping(files.document(path)), files)
        for name, path in files.inner().items()
    }
    return {**dict(_compiled(files)), **inner, "": _whole(files)}


def _compiled(files: PipelineFiles) -> Iterator[tuple[str, Interface]]:
    """Those of the compiled pipelines that tasks run."""
    whole = mapping(files.manifest.get("spec")).get("ir")
    for path in files.texts:
        if path.endswith(".yaml") and "/" not in path and path not in (MANIFEST, whole):
            documents = files.documents(path)
            yield (
                path.removesuffix(".yaml"),
                _of_root(mapping(mapping(documents[0] if documents else None).get("root"))),
            )


def _whole(files: PipelineFiles) -> Interface:
    """Of a pipeline that came compiled its own spec says what its manifest leaves out."""
    manifest = files.manifest
    own = _of(manifest, files)
    named = mapping(manifest.get("spec")).get("ir")
    documents = files.documents(str(named)) if isinstance(named, str) else []
    if not documents:
        return own
    compiled = _of_root(mapping(mapping(documents[0]).get("root")))
    return Interface({**compiled.inputs, **own.inputs}, {**compiled.outputs, **own.outputs})


def _broken(name: str, old: Interface, new: Interface) -> Iterator[str]:
    where = f"{name} › " if name else ""
    for key in sorted({**old.inputs, **new.inputs}):
        was, is_ = old.inputs.get(key), new.inputs.get(key)
        if is_ is None:
            yield f"{where}{key} is no parameter any more"
        elif was is None or (is_.required and not was.required):
            if is_.required:
                yield f"{where}{key} must be given"
        elif _retyped(was, is_):
            yield f"{where}{key}: {was.type} → {is_.type}"
    for key, was in sorted(old.outputs.items()):
        is_ = new.outputs.get(key)
        if is_ is None:
            yield f"{where}{key} is no output any more"
        elif _retyped(was, is_):
            yield f"{where}output {key}: {was.type} → {is_.type}"


def _retyped(was: Port, is_: Port) -> bool:
    return was.type is not None and is_.type is not None and was.type != is_.type


def _of(manifest: Mapping[str, Any], files: PipelineFiles) -> Interface:
    spec = mapping(manifest.get("spec"))
    tasks = {name: node.fields for name, node in nodes.flat(manifest).items()}
    given = {**mapping(spec.get("artifacts")), **mapping(spec.get("parameters"))}
    return Interface(
        {name: _input(mapping(item)) for name, item in given.items()},
        {name: Port(_type_of(value, tasks, files)) for name, value in mapping(spec.get("outputs")).items()},
    )


def _input(item: Mapping[str, Any]) -> Port:
    return Port(str(item.get("type")), "default" not in item and not item.get("optional"))


def _type_of(value: Any, tasks: Mapping[str, Any], files: PipelineFiles) -> str | None:
    """The type of what a reference takes from a task's component; None where that is not at hand."""
    reference = _option(mapping(mapping(value).get("value", value)))
    chosen = mapping(mapping(tasks.get(str(reference.get("task")))).get("outputs"))
    reference = _option(mapping(chosen.get(str(reference.get("output")), reference)))
    many = "collect" in reference
    reference = mapping(reference.get("collect", reference))
    component = mapping(tasks.get(str(reference.get("task")))).get("component")
    documents = files.documents(files.specs().get(str(component), ""))
    found = _of_component(documents[0] if documents else None).outputs.get(str(reference.get("output")))
    return None if found is None or found.type is None else f"{'all ' if many else ''}{found.type}"


def _option(reference: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first of several: all have one type."""
    options = reference.get("oneOf")
    return mapping(options[0]) if isinstance(options, list) and options else reference


def _of_component(spec: Any) -> Interface:
    found = mapping(spec)
    if "root" not in found:
        ports = [mapping(item) for item in found.get("outputs") or []]
        return Interface({}, {str(port.get("name")): Port(str(port.get("type"))) for port in ports})
    components = mapping(found.get("components"))
    return _of_root(mapping(next(iter(components.values()), None)) or mapping(found["root"]))


def _of_root(root: Mapping[str, Any]) -> Interface:
    """The ports of a compiled component (pipeline_spec.proto: ComponentInputsSpec, ComponentOutputsSpec)."""
    return Interface(
        _ports(mapping(root.get("inputDefinitions"))), _ports(mapping(root.get("outputDefinitions")))
    )


def _ports(definitions: Mapping[str, Any]) -> dict[str, Port]:
    found = {}
    for name, item in mapping(definitions.get("parameters")).items():
        port = mapping(item)
        found[name] = Port(
            str(port.get("parameterType")), "defaultValue" not in port and not port.get("isOptional")
        )
    for name, item in mapping(definitions.get("artifacts")).items():
        port = mapping(item)
        title = str(mapping(port.get("artifactType")).get("schemaTitle"))
        found[name] = Port(
            f"list of {title}" if port.get("isArtifactList") else title, not port.get("isOptional")
        )
    return found
