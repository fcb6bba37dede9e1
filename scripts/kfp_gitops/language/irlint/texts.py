"""Texts that the YAML of a compiled pipeline does not keep: written without quotes, they are numbers to every reader.

kfp's own writer (PyYAML, so YAML 1.1) leaves `7e2` without quotes: the parameter's default is then the number 700 to
KFP, as it is here. What YAML 1.2 takes for a text, and KFP does not, the reader refuses (`yamltext`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language.irlint.view import Component, Ir, Node, bound, kind, kind_of

_ARTICLES = {"number": "a number", "boolean": "true or false", "list": "a list", "map": "a map"}


def problems(document: Document) -> Iterator[Problem]:
    """Defaults and constants of text parameters in a pipeline spec, whose structure is right, that are no texts."""
    ir = Ir(document.value)
    for component in ir.all():
        for name, declaration in component.declared("inputs", "parameters").items():
            at = (*component.at, "inputDefinitions", "parameters", name)
            yield from _default(document, at, name, declaration)
        for name, task in component.tasks.items():
            at = (*component.at, "dag", "tasks", name, "inputs", "parameters")
            yield from _constants(document, at, task, ir.component(task))


def _default(document: Document, at: Path, name: str, declaration: Node) -> Iterator[Problem]:
    if kind(declaration) != "text":
        return
    given: dict[Path, Any] = {(*at, "defaultValue"): declaration.get("defaultValue")}
    given |= {(*at, "literals", index): item for index, item in enumerate(declaration.get("literals", ()))}
    for place, value in given.items():
        if value is not None and not isinstance(value, str):
            yield _told(document, place, name, value)


def _constants(document: Document, at: Path, task: Node, runs: Component | None) -> Iterator[Problem]:
    """KFP's driver makes texts of numbers; only of one that is written in another way it makes another text."""
    declared = runs.declared("inputs", "parameters") if runs else {}
    for name, source in bound(task, "parameters").items():
        value = source.get("runtimeValue", {}).get("constant")
        place = (*at, name, "runtimeValue", "constant")
        if kind(declared.get(name, {})) == "text" and document.spelled(place):
            yield _told(document, place, name, value)


def _told(document: Document, at: Path, name: str, value: Any) -> Problem:
    sort = _ARTICLES[kind_of(value)]
    if isinstance(value, list | dict):
        return document.problem(at, f"parameter {name!r} is a text, and this is {sort}", "write a text")
    shown = document.spelled(at) or json.dumps(value)
    what = f"parameter {name!r} is a text, and {shown} is {sort} to KFP"
    return document.problem(at, what, f"write it in quotes: '{shown}'")
