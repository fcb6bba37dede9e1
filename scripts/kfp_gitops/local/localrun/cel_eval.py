"""The value of a condition, as cel-go computes it over protobuf values (backend/src/v2/expression)."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from kfp_gitops.local.localrun.cel import INT_DIGITS, Binary, CelError, Expression, Literal, Parameter, Unary
from kfp_gitops.local.localrun.values import Json, as_text, canonical, kind

_ORDERED = ("number", "string", "bool")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(expression: Expression, parameters: Mapping[str, Json]) -> bool:
    """Whether a condition is true.

    Raises:
        CelError: an operand is missing or of the wrong type, or the result is not a bool. The backend fails the
            task then, it does not skip it.
    """
    return _bool(evaluate(expression, parameters))


def evaluate(expression: Expression, parameters: Mapping[str, Json]) -> Json:
    """The value of an expression."""
    match expression:
        case Literal(value):
            return value
        case Parameter(name):
            if name not in parameters:
                raise CelError(f"no such parameter: {name!r}")
            return parameters[name]
        case Unary(name, operand):
            return _unary(name, evaluate(operand, parameters))
        case Binary("&&" | "||" as name, left, right):
            return _logical(name == "||", [left, right], parameters)
        case Binary(name, left, right):
            return _compare(name, evaluate(left, parameters), evaluate(right, parameters))


def _logical(decides: bool, operands: list[Expression], parameters: Mapping[str, Json]) -> bool:
    """`&&` and `||` of CEL commute: one deciding operand outweighs an error of the other."""
    error: CelError | None = None
    for operand in operands:
        try:
            if holds(operand, parameters) is decides:
                return decides
        except CelError as found:
            error = error or found
    if error:
        raise error
    return not decides


def _compare(name: str, left: Json, right: Json) -> bool:
    same = kind(left) == kind(right)
    if name in ("==", "!="):
        return (same and left == right) == (name == "==")
    if not same or kind(left) not in _ORDERED:
        raise CelError(f"{kind(left)} {name} {kind(right)} has no meaning")
    return _COMPARISONS[name](left, right)


def _unary(name: str, value: Json) -> Json:
    match name:
        case "!":
            return not _bool(value)
        case "-":
            return -_float_or_int(value)
        case "int":
            return _int(value)
        case "double":
            return _double(value)
        case _:
            return as_text(canonical(value))


def _bool(value: Json) -> bool:
    if not isinstance(value, bool):
        raise CelError(f"expected a bool, got {kind(value)}")
    return value


def _float_or_int(value: Json) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CelError(f"expected a number, got {kind(value)}")
    return value


def _int(value: Json) -> int:
    if isinstance(value, str):
        if not re.fullmatch(rf"[+-]?\d{{1,{INT_DIGITS}}}", value, re.ASCII):
            raise CelError(f"int({value!r}) has no value")
        return int(value)
    number = _float_or_int(value)
    if not math.isfinite(number):
        raise CelError(f"int({number}) has no value")
    return int(number)


def _double(value: Json) -> float:
    if isinstance(value, str):
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value, re.ASCII):
            raise CelError(f"double({value!r}) has no value")
        return float(value)
    return float(_float_or_int(value))
