"""Run parameters against the inputs of an IR: v2_template.go `validatePipelineJobInputs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.devserver.errors import InvalidArgumentError
from kfp_gitops.devserver.templates import Spec, pipeline_part

_KINDS: Mapping[str, tuple[type, ...]] = {
    "NUMBER_DOUBLE": (int, float),
    "NUMBER_INTEGER": (
        int,
        float,
    ),  # only "a number" is checked, so 2.5 passes for an integer (seen on 2.17.0)
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}
_WORDS = {
    "NUMBER_DOUBLE": ("double or integer", "number"),
    "NUMBER_INTEGER": ("double or integer", "number"),
    "STRING": ("string", "string"),
    "BOOLEAN": ("bool", "bool"),
    "LIST": ("list", "list"),
    "STRUCT": ("struct", "struct"),
}


def check(spec: Spec, runtime_config: Mapping[str, Any]) -> None:
    """Refuse unknown, missing and mistyped parameters."""
    inputs = pipeline_part(spec)["root"].get("inputDefinitions", {}).get("parameters", {})
    given = runtime_config.get("parameters", {})
    for name, wanted in inputs.items():
        _check_one(name, wanted, given)
    if unknown := sorted(set(given) - set(inputs)):
        raise InvalidArgumentError(
            f"parameter(s) provided are not required by pipeline: {', '.join(unknown)}"
        )


def _check_one(name: str, wanted: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    kind = wanted.get("parameterType", "PARAMETER_TYPE_ENUM_UNSPECIFIED")
    if name not in given:
        if not wanted.get("isOptional") and "defaultValue" not in wanted:
            raise InvalidArgumentError(
                f"parameter {name} is not optional, yet has neither default value nor user provided value"
            )
    elif kind not in _KINDS:
        raise InvalidArgumentError(f"input parameter {name} has unspecified type")
    elif not _fits(given[name], kind):
        raise InvalidArgumentError(
            f"input parameter {name} requires type {_WORDS[kind][0]}, but the parameter value is not of "
            f"{_WORDS[kind][1]} value type"
        )


def _fits(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "BOOLEAN") == isinstance(value, bool)
