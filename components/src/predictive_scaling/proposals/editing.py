"""Setting one value in a YAML text, with everything else left as people wrote it, byte for byte.

The value's own characters are replaced, or the missing keys inserted; then both texts are read and compared, so that
nothing but the value can differ. No emitter is used: those that keep comments still write indentation, quotes, long
lines and flow collections in a way of their own, and a pull request would show lines that nobody changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from predictive_scaling.proposals.yamltext import (
    MERGE,
    CollectionNode,
    MappingNode,
    Node,
    ScalarNode,
    Seen,
    composed,
    plain,
    same,
    value_of,
)

Step = str | int | tuple[str, str]
"""A key, the place of an item in a list, or the item whose key has this text, such as ("name", "app")."""

# Of names of Kubernetes every YAML reader takes these for texts; 007, 1e5, null and on are something else to some.
_TEXT = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n)$)[a-z][a-z0-9.-]*", re.IGNORECASE)


class UnwritableError(Exception):
    """The value cannot be set without changing more; the message says why."""


def quoted(name: str) -> str:
    """A name as YAML keeps it."""
    return name if _TEXT.fullmatch(name) else f'"{name}"'


def with_value(file: str, text: str, steps: Sequence[Step], value: str, document: int = 0) -> str:
    """The text with the value set in one of its documents. Raises UnwritableError, InputError."""
    seen = composed(file, text)[document]
    try:
        start, end, new = _edit(text, seen.node, steps, value)
    except UnwritableError as error:
        raise UnwritableError(f"{file}: {error}") from error
    result = text[:start] + new + text[end:]
    expected = deepcopy(plain(text))
    try:
        _put(expected[document], steps, value_of(value))
    except (TypeError, AttributeError, IndexError) as error:
        raise UnwritableError(f"{seen.place}: there is no place for {_said(steps)}; set {value}") from error
    if not same(result, expected):
        raise UnwritableError(
            f"{seen.place}: {_said(steps)} cannot be set alone (an alias, perhaps); set {value}"
        )
    return result


def _said(steps: Sequence[Step]) -> str:
    return ".".join(each[1] if isinstance(each, tuple) else str(each) for each in steps)


def _edit(text: str, node: Node, steps: Sequence[Step], value: str) -> tuple[int, int, str]:
    """Where to write what: start and end of what is replaced, and the new text."""
    for at, step in enumerate(steps):
        if isinstance(node, ScalarNode):
            break
        child = _child(node, step)
        if child is None:
            return _inserted(text, node, steps[at:], value)
        node, rest = child, steps[at + 1 :]
        if rest and isinstance(node, ScalarNode):
            return _written(node, _flow(rest, value))
    if not isinstance(node, ScalarNode):
        raise UnwritableError(
            f"line {node.start_mark.line + 1}: {_said(steps)} is no single value; set {value}"
        )
    return _written(node, value)


def _written(node: ScalarNode, text: str) -> tuple[int, int, str]:
    start, end = node.start_mark.index, node.end_mark.index
    if node.style in ("|", ">"):
        raise UnwritableError(f"line {node.start_mark.line + 1}: written as a block of text; set {text}")
    return start, end, text if start != end else f" {text}"


def _child(node: Node, step: Step) -> Node | None:
    seen = Seen("", node)
    if isinstance(step, str):
        if seen.at(step) is None and seen.at(MERGE):
            raise UnwritableError(f"line {node.start_mark.line + 1}: written with <<; set {step} by hand")
        found = seen.at(step)
    elif isinstance(step, int):
        found = seen.items()[step]
    else:
        found = next((each for each in seen.items() if each.said(step[0]) == step[1]), None)
    return found.node if found else None


def _inserted(text: str, node: Node, steps: Sequence[Step], value: str) -> tuple[int, int, str]:
    if not isinstance(node, CollectionNode):
        raise UnwritableError(f"line {node.start_mark.line + 1}: no mapping; set {_said(steps)}: {value}")
    if node.flow_style:
        at = node.start_mark.index + 1
        inner = _flow(steps, value)
        return at, at, inner[1:-1] + (", " if node.value else "")
    column = node.start_mark.column
    lines = _block(steps, value)
    newline = "\r\n" if "\r\n" in text else "\n"
    if isinstance(node, MappingNode) and (end := _end_of_first(text, node)) is not None:
        new = "".join(newline + " " * column + line for line in lines)
        return end, end, new
    at = node.start_mark.index
    return at, at, "".join(line + newline + " " * column for line in lines)


def _end_of_first(text: str, node: MappingNode) -> int | None:
    """End of the first pair's line, where its value is written in that line."""
    value = node.value[0][1]
    if not isinstance(value, ScalarNode) or value.style in ("|", ">"):
        return None
    end = text.find("\n", value.end_mark.index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _block(steps: Sequence[Step], value: str) -> list[str]:
    """Lines of a block for steps that are not there yet."""
    step, rest = steps[0], steps[1:]
    if isinstance(step, tuple):
        return [f"- {step[0]}: {quoted(step[1])}", *(f"  {line}" for line in _block(rest, value))]
    if not rest:
        return [f"{step}: {value}"]
    return [f"{step}:", *(f"  {line}" for line in _block(rest, value))]


def _flow(steps: Sequence[Step], value: str) -> str:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, tuple):
        return f"[{{{step[0]}: {quoted(step[1])}, {_flow(rest, value)[1:-1]}}}]"
    return f"{{{step}: {_flow(rest, value)}}}"


def _put(data: Any, steps: Sequence[Step], value: object) -> None:
    """The same in plain data, in place."""
    for at, step in enumerate(steps[:-1]):
        empty: Any = [] if isinstance(steps[at + 1], tuple) else {}
        if isinstance(step, int):
            data = data[step]
            continue
        if isinstance(step, str):
            data[step] = data[step] if isinstance(data.get(step), dict | list) and data[step] else empty
            data = data[step]
            continue
        found = next((each for each in data if each.get(step[0]) == step[1]), None)
        if found is None:
            found = {step[0]: step[1]}
            data.insert(0, found)
        data = found
    data[steps[-1]] = value
