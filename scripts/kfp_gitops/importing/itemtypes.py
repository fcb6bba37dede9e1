"""What the SDK took the items of a loop for: their list is a `LIST` in the IR whatever is in it, its item is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.importing import kinds
from kfp_gitops.importing.source import Source
from kfp_gitops.sources.components import IR_TYPES


def told(source: Source, task: Mapping[str, Any]) -> dict[str, str]:
    """The words for the types of a loop's items and their fields, where they are not the texts that they are anyway."""
    item, body = task["parameterIterator"]["itemInput"], kinds.runs(task)
    found = {"itemType": _type(source, body, item), "fieldType": next(_fields(source, body, item), "str")}
    return {word: kind for word, kind in found.items() if kind != "str"}


def _fields(source: Source, body: str, item: str) -> Iterator[str]:
    """Of each group inside that is given a field; one that is not given to any has no type in the IR."""
    fields = f"{item}-subvar-"
    for _, _, task in kinds.within(source, body):
        if "dag" in source.component(kinds.runs(task)):
            for name in task.get("inputs", {}).get("parameters", {}):
                if name.startswith(fields) and "-" not in name.removeprefix(fields):
                    yield _type(source, kinds.runs(task), name)


def _type(source: Source, component: str, name: str) -> str:
    declared = source.component(component).get("inputDefinitions", {}).get("parameters", {})
    return IR_TYPES.get(declared.get(name, {}).get("parameterType", ""), "str")
