"""Changes that say the same of several things, told once. Only how it is shown: each change stays a record. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from kfp_gitops.review.diff import likeness
from kfp_gitops.review.diff.model import Action, Change

FEWEST = 3
"""Fewer are told one by one."""


@dataclass(frozen=True)
class Row:
    """One change, or several that differ in the name only (renames in both names)."""

    changes: Sequence[Change]

    @property
    def first(self) -> Change:
        """What stands for all of them."""
        return self.changes[0]

    @property
    def folded(self) -> bool:
        """Whether it is of several things."""
        return len(self.changes) > 1

    @property
    def names(self) -> list[str]:
        """The things, in the order of the changes."""
        return [change.name for change in self.changes]


def rows(changes: Sequence[Change]) -> list[Row]:
    """The rows of a list of changes, each where its first change stands."""
    alike: dict[Hashable, list[Change]] = defaultdict(list)
    for change in changes:
        alike[_what(change)].append(change)
    found = []
    for same in alike.values():
        found += [Row(same)] if len(same) >= FEWEST else [Row([change]) for change in same]
    place = {id(change): index for index, change in enumerate(changes)}
    return sorted(found, key=lambda row: place[id(row.first)])


def _what(change: Change) -> Hashable:
    """All of a change but of what it is."""
    if change.action is Action.RENAMED:
        return change.action, change.kind
    before, after = likeness.key(change.before), likeness.key(change.after)
    return change.action, change.kind, change.field, before, after
