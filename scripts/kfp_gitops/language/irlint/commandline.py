"""Which parameters KFP's driver itself puts into a container's command line, without knowing their defaults.

backend/src/v2/driver/util.go (2.17.0), resolveContainerArgs: all but those beside an output, which the launcher fills
in. The input of which an `IfPresent` asks may be missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from kfp_gitops.language.irlint.view import Component, Ir, Node, bound, iterator

_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)'\]\}\}")
_CONDITION = '{"IfPresent":'


def read_by_driver(arguments: Iterable[object]) -> set[str]:
    """The inputs without which the driver fails, by the texts of command and arguments in an IR."""
    return {name for text in arguments if isinstance(text, str) for name in _read(text)}


def of(ir: Ir, component: Component) -> set[str]:
    """The same for what a component runs; none for a DAG."""
    container = ir.executors.get(component.node.get("executorLabel", ""), {}).get("container", {})
    return read_by_driver([*container.get("command", ()), *container.get("args", ())])


def left_out(ir: Ir, task: Node) -> Iterator[tuple[str, Node]]:
    """Of these inputs the ones that a task is not given, with their declarations."""
    component = ir.component(task)
    if component is not None:
        declared = component.declared("inputs", "parameters")
        given = bound(task, "parameters").keys() | {iterator(task).get("itemInput")}
        for name in sorted((of(ir, component) & declared.keys()) - given):
            yield name, declared[name]


def _read(text: str) -> set[str]:
    if "$.outputs" in text:
        return set()
    asked = _asked(text) if text.strip().startswith(_CONDITION) else ""
    return set(_PARAMETER.findall(text)) - {asked}


def _asked(text: str) -> str:
    try:
        return str(json.loads(text)["IfPresent"]["InputName"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
