"""Constants of the IR as a manifest writes them: every number is a double there, and maps may look like references."""

from __future__ import annotations

from typing import Any

from kfp_gitops.language.manifest.read_value import value_of
from kfp_gitops.language.manifest.value import MAX_EXACT, Constant


def whole(value: Any) -> Any:
    """The same with 5 for 5.0, however deep inside."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT:
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


def of_type(value: Any, parameter_type: str) -> Any:
    """The same, of a parameter of a type of the IR: a double stays one."""
    return value if parameter_type == "NUMBER_DOUBLE" else whole(value)


def written(value: Any) -> Any:
    """What stands in a manifest for this very value."""
    return value if value_of(value) == Constant(value) else {"literal": value}
