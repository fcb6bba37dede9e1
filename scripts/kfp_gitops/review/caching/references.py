"""What references in a compiled pipeline stand for: inputs and outputs, out of what the frame around them has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.language.irlint.view import Component, bound
from kfp_gitops.review.caching.facts import constant
from kfp_gitops.review.caching.placed import Frame
from kfp_gitops.review.caching.values import Derived, Moving, Value, as_type, field_of, known

_SELECTED = re.compile(r'parseJson\(string_value\)\["(.*)"\]')


def inputs(component: Component, name: str, task: Mapping[str, Any], frame: Frame) -> Frame:
    """What a task is given: by the names of its component's inputs, whose types the driver turns it into."""
    declared = component.declared("inputs", "parameters")
    parameters: dict[str, Value] = {}
    for key, source in bound(task, "parameters").items():
        value = _parameter(name, source, frame)
        if value is not None:
            parameters[key] = as_type(value, str((declared.get(key) or {}).get("parameterType", "")))
    artifacts = {
        key: value
        for key, source in bound(task, "artifacts").items()
        if (value := _artifact(source, frame)) is not None
    }
    return Frame(parameters, artifacts)


def _parameter(name: str, source: Mapping[str, Any], frame: Frame) -> Value | None:
    """None where nothing is given: a parameter of the pipeline that no run gives and that has no default."""
    value = _value(name, source, frame)
    selector = _SELECTED.fullmatch(str(source.get("parameterExpressionSelector", "")))
    return field_of(value, selector[1]) if selector and value is not None else value


def _value(name: str, source: Mapping[str, Any], frame: Frame) -> Value | None:
    match source:
        case {"runtimeValue": {"constant": value}}:
            return constant(value, name)
        case {"componentInputParameter": key}:
            found = frame.parameters.get(key)
            return None if found == known(None) else found
        case {"taskOutputParameter": {"producerTask": task, "outputParameterKey": output}}:
            return frame.outputs.get(task, {}).get(output)
        case {"taskFinalStatus": _}:
            return Moving("final status")
    return Derived("unknown", ())


def claim(name: str, mount: Mapping[str, Any], frame: Frame) -> Value:
    """The name of a mounted claim; the fields beside pvcNameParameter are those of older SDKs."""
    source = mount.get("pvcNameParameter") or (
        {"runtimeValue": {"constant": mount["constant"]}} if "constant" in mount else mount
    )
    return _parameter(name, source, frame) or Derived("unknown", ())


def defaults(component: Mapping[str, Any]) -> dict[str, Value]:
    """What the inputs of a component, as the IR declares it, are where they are not given."""
    declared = (component.get("inputDefinitions") or {}).get("parameters") or {}
    return {name: known(one["defaultValue"]) for name, one in declared.items() if "defaultValue" in one}


def outputs(component: Mapping[str, Any], frame: Frame) -> Mapping[str, Value]:
    """What a graph puts out, once the frame has what its tasks did."""
    declared = (component.get("dag") or {}).get("outputs") or {}
    found: dict[str, Value] = {}
    for name, one in (declared.get("parameters") or {}).items():
        chosen = one.get("valueFromOneof") or {}
        selectors = chosen.get("parameterSelectors") or [one.get("valueFromParameter") or {}]
        found |= _selected(name, selectors, "outputParameterKey", frame)
    for name, one in (declared.get("artifacts") or {}).items():
        found |= _selected(name, one.get("artifactSelectors") or (), "outputArtifactKey", frame)
    return found


def _selected(name: str, selectors: Sequence[Any], key: str, frame: Frame) -> Iterator[tuple[str, Value]]:
    values = [
        value
        for one in selectors
        if (value := frame.outputs.get(one.get("producerSubtask", ""), {}).get(one.get(key, ""))) is not None
    ]
    if values:
        yield name, values[0] if len(values) == 1 else Derived("oneOf", tuple(values))


def _artifact(source: Mapping[str, Any], frame: Frame) -> Value | None:
    match source:
        case {"componentInputArtifact": key}:
            return frame.artifacts.get(key)
        case {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": output}}:
            return frame.outputs.get(task, {}).get(output)
    return Derived("unknown", ())
