"""Changes that say the same of several things, told once. Only how it is shown: each change stays a record. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Sequence
from dataclasses import dataclass

from kfp_gitops.review.diff import likeness
from kfp_gitops.review.diff.model import Action, Change, PipelineDiff

FEWEST = 3
"""Fewer are told one by one."""


@dataclass(frozen=True)
class Row:
    """One change, or several that differ in the name only (renames in both names)."""

    changes: Sequence[Change]
    pipelines: Sequence[str] = ()
    """Of each change, where they are of several pipelines."""
    above: bool = False
    """Whether a row of several pipelines has told it already."""
    own: bool = False
    """Whether the changes are of one thing that each of the pipelines has, with values of its own."""

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

    @property
    def counts(self) -> dict[str, int]:
        """Pipeline → how many of its things."""
        return dict(Counter(self.pipelines))


Common = dict[Hashable, Row]
"""What several pipelines share: what is said → the row that tells it for all of them."""


def rows(changes: Sequence[Change], common: Container[Hashable] = ()) -> list[Row]:
    """The rows of a list of changes, each where its first change stands."""
    alike: dict[Hashable, list[Change]] = defaultdict(list)
    for change in changes:
        alike[_what(change)].append(change)
    found = []
    for what, same in alike.items():
        if what in common:
            found.append(Row(same, above=True))
        else:
            found += [Row(same)] if len(same) >= FEWEST else [Row([change]) for change in same]
    place = {id(change): index for index, change in enumerate(changes)}
    return sorted(found, key=lambda row: place[id(row.first)])


def common(pipelines: Sequence[PipelineDiff]) -> Common:
    """The fields that change alike in several pipelines which were there and stay."""
    alike: dict[Hashable, list[tuple[str, Change]]] = defaultdict(list)
    for pipeline in pipelines:
        for change in pipeline.changes if pipeline.action is None else ():
            if change.action in (Action.CHANGED, Action.REWIRED) and change.field:
                alike[_what(change)].append((pipeline.name, change))
    return {
        what: Row([change for _, change in found], [name for name, _ in found])
        for what, found in alike.items()
        if len(found) >= FEWEST and len({name for name, _ in found}) > 1
    }


def _what(change: Change) -> Hashable:
    """All of a change but of what it is."""
    if change.action is Action.RENAMED:
        return change.action, change.kind
    before, after = likeness.key(change.before), likeness.key(change.after)
    return change.action, change.kind, change.field, before, after
