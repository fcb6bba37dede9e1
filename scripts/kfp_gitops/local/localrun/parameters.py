"""The parameters of a run: checked as the API server checks them, and completed with the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.local.localrun.spec import Component, ParameterInput
from kfp_gitops.local.localrun.values import InputError, Json, as_text, canonical, mismatch


def problems(root: Component, given: Mapping[str, Any]) -> Iterator[str]:
    """Every parameter that is unknown, missing or of the wrong type."""
    for name in given:
        if name not in root.parameters:
            known = ", ".join(sorted(root.parameters)) or "none"
            yield f"parameter {name!r}: the pipeline has no such parameter; it has: {known}"
    for name, declared in root.parameters.items():
        if why := _problem(declared, given, name):
            yield f"parameter {name!r}: {why}"
    for name, optional in root.artifacts.items():
        if not optional:
            yield f"artifact {name!r}: a run cannot be given artifacts; import it in the pipeline"


def complete(root: Component, given: Mapping[str, Any]) -> dict[str, Json]:
    """All parameters of the pipeline; None for an optional one without a default."""
    return {
        name: canonical(given[name]) if given.get(name) is not None else declared.default
        for name, declared in root.parameters.items()
    }


def _problem(declared: ParameterInput, given: Mapping[str, Any], name: str) -> str:
    if given.get(name) is None:
        needed = not (declared.optional or declared.has_default)
        return "a value is required, the pipeline has no default" if needed else ""
    try:
        value = canonical(given[name])
    except InputError as error:
        return str(error)
    return _mistyped(value, declared)


def _mistyped(value: Json, declared: ParameterInput) -> str:
    if wrong := mismatch(value, declared.type):
        return wrong
    if declared.type == "NUMBER_INTEGER" and not isinstance(value, int):
        return f"expects NUMBER_INTEGER, got {value}"
    if declared.literals and value not in declared.literals:
        return f"may be one of {as_text(list(declared.literals))}, got {as_text(value)}"
    return ""
