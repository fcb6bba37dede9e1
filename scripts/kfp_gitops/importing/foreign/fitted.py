"""What a file asks of a pipeline, as schedules that its IR can be run by."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.importing.foreign.asked import Asked, Text, Wanted
from kfp_gitops.sources import components
from kfp_gitops.sources.brought import Brought

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOST = 2**63
_TRUE = {"true": True, "false": False, "True": True, "False": False}


@dataclass(frozen=True)
class Fitted:
    """Schedules as a manifest has them, what was left out, and what is wrong."""

    schedules: tuple[Mapping[str, Any], ...]
    triggers: tuple[Mapping[str, Any], ...]
    told: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def fitted(wanted: Wanted, brought: Brought) -> Fitted:
    """The schedules of a pipeline, each parameter of the type that the IR declares."""
    told: list[Problem] = []
    problems: list[Problem] = []
    schedules, triggers = (
        tuple(_each(asked, brought, told, problems)) for asked in (wanted.asked, wanted.triggers)
    )
    problems += _twice(wanted)
    return Fitted(schedules, triggers, tuple(told), tuple(dict.fromkeys(problems)))


def _each(
    every: Sequence[Asked], brought: Brought, told: list[Problem], problems: list[Problem]
) -> Iterator[Mapping[str, Any]]:
    for asked in every:
        left_out = _left_out(asked, brought)
        if left_out:
            told.append(left_out)
            continue
        parameters = {**_typed(asked, brought, problems), **_given(asked, brought, problems)}
        yield {**asked.schedule, **({"parameters": parameters} if parameters else {})}


def _left_out(asked: Asked, brought: Brought) -> Problem | None:
    """Why nothing can run by this: KFP starts no run without a parameter that has no default."""
    lacking = [name for name in asked.elsewhere if _is_needed(brought.declared.get(name, {}))]
    if not lacking:
        return None
    kind = "trigger" if "runOn" in asked.schedule else "schedule"
    what = f"the {kind} {asked.schedule['name']!r} is left out: {', '.join(lacking)} has no default in the IR"
    return asked.document.problem(asked.at, what, "add it to the values by hand, with a value")


def _is_needed(declaration: Mapping[str, Any]) -> bool:
    return bool(declaration) and "defaultValue" not in declaration and not declaration.get("isOptional")


def _typed(asked: Asked, brought: Brought, problems: list[Problem]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, given in asked.parameters.items():
        if name not in brought.declared:
            problems.append(_undeclared(asked, brought, name, given.at))
            continue
        kind = components.IR_TYPES[brought.declared[name]["parameterType"]]
        try:
            made[name] = _value(given, str(kind))
        except ValueError:
            what = f"{given.text!r} is no {kind}, which the IR says {name!r} is"
            problems.append(asked.document.problem(given.at, what, "correct the value"))
    return made


def _given(asked: Asked, brought: Brought, problems: list[Problem]) -> Mapping[str, Any]:
    problems += [
        _undeclared(asked, brought, name, asked.at) for name in asked.given if name not in brought.declared
    ]
    return asked.given


def _undeclared(asked: Asked, brought: Brought, name: str, at: Path) -> Problem:
    todo = f"choose one of: {', '.join(brought.declared) or 'none'}, or take it away"
    return asked.document.problem(at, f"{brought.spec.path} declares no parameter {name!r}", todo)


def _value(given: Text, kind: str) -> Any:
    """The value of a text.

    Raises:
        ValueError: the text is of no such type.
    """
    if kind == "str":
        return given.text
    if kind == "bool":
        if given.text not in _TRUE:
            raise ValueError(given.text)
        return _TRUE[given.text]
    if kind in ("int", "float"):
        return _number(given.text, kind)
    try:
        found = json.loads(given.text, parse_constant=_refused, parse_int=_whole, parse_float=_finite)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(found, list if kind == "list" else dict):
        raise ValueError(given.text)
    return found


def _number(text: str, kind: str) -> int | float:
    """As JSON has numbers: of `1_000`, ` 7` and digits of other scripts only Python makes one."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return _whole(text) if kind == "int" else _finite(text)


def _whole(text: str) -> int:
    """Beyond 64 bits every reader of the manifest would round it."""
    if abs(found := int(text)) >= _MOST:
        raise ValueError(text)
    return found


def _finite(text: str) -> float:
    if not math.isfinite(found := float(text)):
        raise ValueError(text)
    return found


def _refused(text: str) -> Any:
    raise ValueError(text)


def _twice(wanted: Wanted) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for asked in (*wanted.asked, *wanted.triggers):
        name = str(asked.schedule["name"])
        if name in seen:
            what = f"{wanted.name!r} has two schedules {name!r}"
            problems.append(asked.document.problem(asked.at, what, "give one another name", key=True))
        seen.add(name)
    return problems
