"""Conditions of the IR, which the SDK writes in CEL, as comparisons of a manifest.

`kfp.compiler.pipeline_spec_builder._single_binary_operation_to_cel_condition` is what is read backwards here: a
channel on the left, casts between types, texts in quotes without any escape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_CHANNEL = r"(?:double\()?(?:int\()?inputs\.parameter_values\['([^']+)'\]\)*"
_COMPARISON = re.compile(rf"{_CHANNEL} (==|!=|<=|>=|<|>) (.*)", re.DOTALL)
_RIGHT = re.compile(_CHANNEL)
_NUMBER = re.compile(r"(?:double\()?(-?\d+)\)?")
_OPERATORS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def own(condition: str, before: Sequence[str]) -> str | None:
    """What a branch asks itself, when those before it were not taken; empty for `else`, None where it is neither."""
    others = " && ".join(f"!({one})" for one in before)
    if not before:
        return condition
    if condition == others:
        return ""
    return condition.removeprefix(f"{others} && ") if condition.startswith(f"{others} && ") else None


def comparison(text: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """`{eq: [left, right]}`; `given` are the inputs of the group by name. None for what the SDK never writes."""
    found = _COMPARISON.fullmatch(text)
    if found is None or found[1] not in given:
        return None
    left, right = given[found[1]], found[3]
    if channel := _RIGHT.fullmatch(right):
        return {_OPERATORS[found[2]]: [left, given[channel[1]]]} if channel[1] in given else None
    constant = _constant(right)
    return None if constant is None else {_OPERATORS[found[2]]: [left, constant]}


def _constant(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if number := _NUMBER.fullmatch(text):
        return int(number[1])
    try:
        return float(text)
    except ValueError:
        return None
