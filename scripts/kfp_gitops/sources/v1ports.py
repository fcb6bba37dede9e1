"""Inputs and outputs of a Component YAML (v1), as the SDK reads their names, types and defaults."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from kfp_gitops.language.manifest import Type

# Type names in lower case (kfp.dsl.types.type_utils.PARAMETER_TYPES_MAPPING).
TYPES: Mapping[str, Type] = {
    **dict.fromkeys(("integer", "int"), "int"),
    **dict.fromkeys(("double", "float"), "float"),
    **dict.fromkeys(("string", "str", "text"), "str"),
    **dict.fromkeys(("bool", "boolean"), "bool"),
    **dict.fromkeys(("dict", "jsonobject"), "dict"),
    **dict.fromkeys(("list", "jsonarray"), "list"),
}
# Artifact types in lower case (kfp.dsl.types.type_utils.ARTIFACT_CLASSES_MAPPING).
_ARTIFACTS = {
    title.lower(): f"system.{title}"
    for title in (
        "Artifact", "ClassificationMetrics", "Dataset", "HTML", "Markdown", "Metrics", "Model",
        "SlicedClassificationMetrics",
    )
}  # fmt: skip
_GOOGLE = re.compile(r"google\.[A-Za-z]+")
_FINAL_STATUS = "PipelineTaskFinalStatus"
# Types of their own that the SDK counts with the parameters (kfp.dsl.types.type_utils.is_parameter_type).
_SPECIAL = (_FINAL_STATUS, "TaskConfig")
# The words of truth in a text (kfp.dsl.types.type_utils.strtobool).
_TRUTHS = frozenset({"y", "yes", "t", "true", "on", "1", "n", "no", "f", "false", "off", "0"})

Port = Mapping[str, Any]


def fit(name: str) -> str:
    """The name that an input or output has in a pipeline (kfp.dsl.utils.sanitize_input_name)."""
    return re.sub("[^_0-9a-z]+", "_", name.lower()).strip("_")


def type_of(port: Port) -> Type | None:
    """The type of a parameter; None for an artifact."""
    return TYPES.get(_outer(port).lower())


def is_final_status(port: Port) -> bool:
    """Whether KFP gives it the state of the tasks that an exit task is for."""
    return port.get("type") == _FINAL_STATUS


def is_parameter(port: Port) -> bool:
    """Whether it has a value, and is no artifact."""
    return type_of(port) is not None or is_final_status(port)


def artifact_of(port: Port) -> str:
    """The schema title of an artifact: one of KFP's or Google's, else any artifact."""
    kind = _outer(port)
    return kind if _GOOGLE.fullmatch(kind) else _ARTIFACTS.get(kind.lower(), _ARTIFACTS["artifact"])


def is_optional(port: Port) -> bool:
    """Whether a task may leave it out; a default of null is none."""
    return bool(port.get("optional")) or port.get("default") is not None


def shown(port: Port) -> str:
    """Its type as people say it."""
    kind = port.get("type")
    return "no type" if kind is None else str(kind)


def is_taken_for_parameter(port: Port) -> bool:
    """Whether the SDK declares an artifact, but has its path as that of a parameter's file.

    It is so where a type only begins with a parameter's: {JsonObject: {…}}, `String or URI`
    (kfp.dsl.types.type_utils.is_parameter_type against kfp.dsl.structures.ComponentSpec.from_v1_component_spec).
    """
    kind = port.get("type")
    first = next(iter(kind)) if isinstance(kind, Mapping) else _first_word(str(kind or ""))
    return type_of(port) is None and (str(first).lower() in TYPES or first in _SPECIAL)


def is_title(port: Port) -> bool:
    """Whether the SDK makes a schema title of the type: it takes googleX for one of Google's, without a name."""
    return re.fullmatch("google[^.][A-Za-z]+", _outer(port)) is None


def is_default_read(port: Port) -> bool:
    """Whether the SDK makes a list or map of a default's text: it does not for List[str]."""
    return str(port.get("type")).lower() in TYPES


def is_value(value: object, kind: Type) -> bool:
    """Whether a default is what it says: the SDK makes 3 of 3.5, 1 of true, 'True' of a text's true."""
    if kind in ("list", "dict"):
        return isinstance(value, str) and _is_json(value, list if kind == "list" else dict)
    if kind == "str":
        return isinstance(value, str) or type(value) is int
    if kind == "bool":
        return isinstance(value, bool) or (isinstance(value, str) and value.lower() in _TRUTHS)
    return not isinstance(value, bool) and _is_number(value, kind)


def _outer(port: Port) -> str:
    """`List` of `typing.List[str]` (kfp.dsl.types.type_utils.get_canonical_name_for_outer_generic)."""
    kind = port.get("type")
    if not isinstance(kind, str):
        return ""
    kind = kind.removeprefix("typing.")
    return kind.split("[")[0] if kind.lower().startswith(("list", "dict")) else kind


def _first_word(kind: str) -> str:
    """(kfp.dsl.types.type_annotations.get_short_type_name)."""
    found = re.match(r"(?:typing\.)?(\w+)", kind)
    return found[1] if found else kind


def _is_json(text: str, wanted: type) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), wanted)
    except (ValueError, RecursionError):
        return False


def _refuse(word: str) -> None:
    """NaN and Infinity are JSON to Python alone."""
    raise ValueError(word)


def _is_number(value: Any, kind: Type) -> bool:
    try:
        number = int(value) if kind == "int" else float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return math.isfinite(number) and (isinstance(value, str) or number == value)
