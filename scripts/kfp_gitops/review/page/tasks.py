"""Every task of a pipeline with its fields before and after: what a box of the picture leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kfp_gitops.base import visible
from kfp_gitops.review.caching.starts import Forecast
from kfp_gitops.review.diff import details, graph, wording
from kfp_gitops.review.diff.model import Action, Change
from kfp_gitops.review.diff.nodes import Node

Nodes = Mapping[str, Node]


@dataclass(frozen=True)
class Field:
    """One of them; `before` and `after` in words, empty where it was or is not there."""

    name: str
    before: str
    after: str

    @property
    def same(self) -> bool:
        """Whether nothing of it changes."""
        return self.before == self.after


@dataclass(frozen=True)
class Task:
    """A task or group; `mark` says what happened to it, nothing if nothing did."""

    anchor: str
    title: str
    kind: str
    mark: str
    fields: Sequence[Field]
    cache: str = ""


def marks(before: Nodes, after: Nodes, changes: Sequence[Change]) -> dict[str, str]:
    """Task → `added`, `removed` or `changed`; a task that was renamed has its mark by both names."""
    found = dict(graph.marks_of({**before, **after}, changes))
    was = {str(change.before): change.name for change in changes if change.action is Action.RENAMED}
    return found | {old: "changed" for old, new in was.items() if old in before and new in after}


def tasks(
    before: Nodes,
    after: Nodes,
    changes: Sequence[Change],
    caching: Sequence[Forecast],
    prefix: str,
) -> dict[str, Task]:
    """Name → what is told of it, those that were before in their places at the end; `prefix` makes ids of its own."""
    was = {change.name: str(change.before) for change in changes if change.action is Action.RENAMED}
    found, marked, fates = {}, marks(before, after, changes), _fates(caching)
    gone = [name for name in before if name not in after and name not in was.values()]
    for index, name in enumerate([*after, *gone]):
        old, new = before.get(was.get(name, name)), after.get(name)
        node = new or old
        if node is None:
            continue
        title = visible.line(graph.title(node) + (f", was {was[name]}" if name in was else ""))
        fields = [*_fields(old, new)]
        mark = marked.get(name, "")
        found[name] = Task(f"{prefix}{index}", title, str(node.kind), mark, fields, fates.get(name, ""))
    return found | {old: found[new] for new, old in was.items() if new in found and old in before}


def _fields(old: Node | None, new: Node | None) -> Iterator[Field]:
    left, right = dict(_told(old)), dict(_told(new))
    for name in {**right, **left}:
        yield Field(name, left.get(name, ""), right.get(name, ""))


def _told(node: Node | None) -> Iterator[tuple[str, str]]:
    """(field, value in words), what it is first."""
    if node is None:
        return
    if node.group:
        yield "in", visible.line(wording.group(node.group))
    for key in details.HEADS:
        if key in node.fields:
            text = wording.each(node.fields[key]) if key == "loop" else wording.value(node.fields[key])
            yield key, visible.line(text)
    yield from details.rows(Change(Action.ADDED, node.kind, node.id, after=dict(node.fields)))


def _fates(found: Sequence[Forecast]) -> dict[str, str]:
    """Task → what KFP's cache makes of it, of each start that has it otherwise."""
    said: dict[str, dict[str, None]] = {}
    for forecast in found:
        for outcome in forecast.now.outcomes:
            because = f" ({', '.join(outcome.because)})" if outcome.because else ""
            said.setdefault(outcome.task, {})[visible.line(f"{outcome.fate}{because}")] = None
    return {name: "; ".join(texts) for name, texts in said.items()}
