"""Known events from a folder of a repository, `environments/<env>/events/*.yaml`, for work by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.nodes import Node, documents
from predictive_scaling.usage.events import read

_BOOLEANS = {"true": True, "false": False}


def read_events(folder: str | Path) -> list[Document]:
    """The events as the parameter `events` has them; raises InputError for every file that holds none."""
    paths = sorted(Path(folder).glob("*.yaml"))
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder; known events are its *.yaml")
    found: list[Document] = []
    wrong: list[str] = []
    for path in paths:
        try:
            found.append(_event(path))
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError("\n".join(wrong))
    return found


def _event(path: Path) -> Document:
    try:
        nodes = [*documents(path.read_text("utf-8"), str(path))]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8") from error
    if len(nodes) != 1 or not isinstance(nodes[0].value, dict):
        raise InputError(f"{path}:1:1: no event; write services, from, to, floor or factor, reason")
    event = {key: _value(key, node) for key, node in nodes[0].value.items()}
    try:
        read([event])
    except InputError as error:
        raise InputError(f"{nodes[0].place}: {str(error).removeprefix('events[0]: ')}") from error
    return event


def _value(key: str, node: Node) -> Any:
    """What a scalar is by its key: nodes are texts."""
    if isinstance(node.value, list):
        return [each.value for each in node.value]
    text = node.value
    if not isinstance(text, str):
        return text
    if key == "learn":
        return _BOOLEANS.get(text, text)
    if key in ("floor", "factor"):
        try:
            return float(text)
        except ValueError:
            return text
    return text
