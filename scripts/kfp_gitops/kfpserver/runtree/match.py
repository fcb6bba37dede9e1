"""Which record is of which node: by the ids of the nodes below it, and where it has none, by when it ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from kfp_gitops.kfpserver.runtree.nodes import Node, walk
from kfp_gitops.kfpserver.runtree.records import Record

_OUTSIDE = 1000.0  # a second outside of the node around it counts as much as so many apart


def match(root: Node, records: Sequence[Record]) -> None:
    """Give each node its record."""
    by_id = {f"{root.name}-{node.hash}": node for node in walk(root)}
    left: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        node = _around(record, by_id)
        if node is not None and node.record is None:
            node.record = record
        else:
            left[record.name].append(record)
    missing: dict[str, list[Node]] = defaultdict(list)
    for node in walk(root):
        if node.record is None:
            missing[node.display].append(node)
    for display, nodes in missing.items():
        _pair(nodes, left[display], by_id)


def _around(record: Record, by_id: dict[str, Node]) -> Node | None:
    """The node that the record's children are in: its own, when it is called as the record is; the innermost such."""
    parents = [by_id[child].parent for child in record.children if child in by_id]
    same = [parent for parent in parents if parent is not None and parent.display == record.name]
    return max(same, key=lambda parent: len(parent.name), default=None)


def _pair(nodes: list[Node], records: list[Record], by_id: dict[str, Node]) -> None:
    """Records that share a name and hold no node: the likeliest pairs first, of them those whose followers say more."""
    if len(nodes) == len(records) == 1:
        nodes[0].record = records[0]
        return
    likely = sorted(
        (
            (_apart(record, node), not record.children, i, j)
            for i, record in enumerate(records)
            for j, node in enumerate(nodes)
            if _can_be(record, node, by_id)
        )
    )
    taken: set[int] = set()
    for _, _, i, j in likely:
        if i not in taken and nodes[j].record is None:
            taken.add(i)
            nodes[j].record = records[i]


def _can_be(record: Record, node: Node, by_id: dict[str, Node]) -> bool:
    """What follows a node stands in a DAG around it."""
    followers = (by_id[child].parent for child in record.children if child in by_id)
    return all(around is None or node.name.startswith(f"{around.name}.") for around in followers)


def _apart(record: Record, node: Node) -> float:
    """How little the times of a record fit a node: seconds, more or less."""
    return sum(_gaps(record, node))


def _gaps(record: Record, node: Node) -> Iterator[float]:
    around = node.parent.record if node.parent else None
    if around:
        yield _OUTSIDE * max(0.0, _seconds(record.started, around.started))
        yield _OUTSIDE * max(0.0, _seconds(around.ended, record.ended))
    if node.display.startswith("executor") and around:
        yield abs(_seconds(record.started, around.started)) + abs(_seconds(record.ended, around.ended))
    driven = _driven(node)
    if driven and driven.record:
        yield abs(_seconds(record.ended, driven.record.started))


def _driven(node: Node) -> Node | None:
    """What a driver's node makes ready."""
    name, driver, _ = node.display.rpartition("-driver")
    return node.parent.inside.get(name) if driver and node.parent else None


def _seconds(earlier: datetime | None, later: datetime | None) -> float:
    return (later - earlier).total_seconds() if earlier and later else 0.0
