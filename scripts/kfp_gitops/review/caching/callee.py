"""What a component spec says of its container and its ports, in the words of the IR. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base import gojson
from kfp_gitops.compiling import cachekey
from kfp_gitops.language.irlint import commandline
from kfp_gitops.review.caching.steps import Container
from kfp_gitops.sources import v1ports

_TYPES = {
    "str": "STRING",
    "int": "NUMBER_INTEGER",
    "float": "NUMBER_DOUBLE",
    "bool": "BOOLEAN",
    "list": "LIST",
    "dict": "STRUCT",
}
FINAL_STATUS = "TASK_FINAL_STATUS"


@dataclass(frozen=True)
class Callee:
    """A component that runs a container: its declaration in the IR, and its own variables (name → text)."""

    name: str
    component: Mapping[str, Any]
    container: Container
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Input parameter → declaration."""
        found: Mapping[str, Any] = _ports(self.component, "input").get("parameters") or {}
        return found

    @property
    def outputs(self) -> dict[str, bool]:
        """Output → whether it is an artifact."""
        found = _ports(self.component, "output")
        artifacts = dict.fromkeys(found.get("artifacts") or (), True)
        return {**dict.fromkeys(found.get("parameters") or (), False), **artifacts}

    @property
    def in_command(self) -> set[str]:
        """The inputs that the driver itself reads, whose defaults our compiler hands over (`compiler.filled`)."""
        return commandline.read_by_driver(self.container.line)


def of_executor(name: str, component: Mapping[str, Any], container: Mapping[str, Any]) -> Callee:
    """A component and its container, both as an IR has them."""
    outputs = {
        "outputs": cachekey.outputs_of(component),
        "types": cachekey.output_types_of(component),
    }
    line = [*(container.get("command") or ()), *(container.get("args") or ())]
    env = {str(one.get("name")): str(one.get("value", "")) for one in container.get("env") or ()}
    made = Container(str(container.get("image", "")), tuple(map(str, line)), gojson.text(outputs))
    return Callee(name, component, made, env)


def read(spec: Mapping[str, Any]) -> Callee | None:
    """A component spec that runs a container; None for one that is a graph of others."""
    if "implementation" in spec:
        return _of_v1(spec)
    name = str(spec["pipelineInfo"]["name"])
    component = (spec.get("components") or {}).get(f"comp-{name}")
    executors = (spec.get("deploymentSpec") or {}).get("executors") or {}
    executor = executors.get((component or {}).get("executorLabel"))
    if component is None or executor is None or "container" not in executor:
        return None
    return of_executor(name, component, executor["container"])


def _of_v1(spec: Mapping[str, Any]) -> Callee:
    container = spec["implementation"]["container"]
    inputs, outputs = spec.get("inputs") or (), spec.get("outputs") or ()
    declared = {v1ports.fit(port["name"]): v1ports.is_parameter(port) for port in (*inputs, *outputs)}
    line = {
        key: [_written(part, declared) for part in container.get(key) or ()] for key in ("command", "args")
    }
    env = [{"name": key, "value": value} for key, value in (container.get("env") or {}).items()]
    component = {"inputDefinitions": _declared(inputs), "outputDefinitions": _declared(outputs)}
    return of_executor(str(spec.get("name", "")), component, {**container, **line, "env": env})


def _declared(ports: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"parameters": {}, "artifacts": {}}
    for port in ports:
        name = v1ports.fit(port["name"])
        if v1ports.is_parameter(port):
            found["parameters"][name] = dict(_parameter(port))
        else:
            schema = {"schemaTitle": v1ports.artifact_of(port), "schemaVersion": "0.0.1"}
            found["artifacts"][name] = {"artifactType": schema}
    return found


def _parameter(port: v1ports.Port) -> Iterator[tuple[str, Any]]:
    kind = v1ports.type_of(port)
    yield "parameterType", _TYPES[kind] if kind else FINAL_STATUS
    if v1ports.is_optional(port):
        yield "isOptional", True
    if port.get("default") is not None:
        yield "defaultValue", _default(port["default"], kind)


def _default(value: Any, kind: str | None) -> Any:
    """A default of a v1 spec may be a text whatever its type is."""
    if not isinstance(value, str) or kind == "str":
        return str(value) if kind == "str" else value
    if kind == "bool":
        return value.lower() in ("y", "yes", "t", "true", "on", "1")
    try:
        return json.loads(value)
    except ValueError:
        return value


def _written(part: Any, parameters: Mapping[str, bool]) -> str:
    """A part of a command line as the SDK writes it into the IR."""
    match part:
        case {"inputValue": name}:
            return f"{{{{$.inputs.parameters['{v1ports.fit(name)}']}}}}"
        case {"inputPath": name}:
            return f"{{{{$.inputs.artifacts['{v1ports.fit(name)}'].path}}}}"
        case {"inputUri": name}:
            return f"{{{{$.inputs.artifacts['{v1ports.fit(name)}'].uri}}}}"
        case {"outputPath": name} if parameters.get(v1ports.fit(name)):
            return f"{{{{$.outputs.parameters['{v1ports.fit(name)}'].output_file}}}}"
        case {"outputPath": name}:
            return f"{{{{$.outputs.artifacts['{v1ports.fit(name)}'].path}}}}"
        case {"outputUri": name}:
            return f"{{{{$.outputs.artifacts['{v1ports.fit(name)}'].uri}}}}"
        case str():
            return part
    return json.dumps(_structure(part, parameters))


def _structure(part: Any, parameters: Mapping[str, bool]) -> Any:
    """The two forms that the launcher works out: texts put together, and parts for an input that is there."""
    match part:
        case {"concat": list(items)}:
            return {"Concat": [_nested(item, parameters) for item in items]}
        case {"if": {"cond": {"isPresent": name}, **branches}}:
            found: dict[str, Any] = {"InputName": v1ports.fit(name)}
            for key, word in (("then", "Then"), ("else", "Else")):
                if branches.get(key):
                    given = branches[key]
                    items = given if isinstance(given, list) else [given]
                    found[word] = [_nested(item, parameters) for item in items]
            return {"IfPresent": found}
    return part


def _nested(part: Any, parameters: Mapping[str, bool]) -> Any:
    is_form = isinstance(part, Mapping) and ("concat" in part or "if" in part)
    return _structure(part, parameters) if is_form else _written(part, parameters)


def _ports(component: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = component.get(f"{side}Definitions") or {}
    return found
