"""What the records of a diff say already, so that nothing is told twice, and nothing counts as told that is not. Pure.

A record answers for a difference only when it holds the very values that stand in the documents at that place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.strict import ABSENT, Place, alike, held, label

NODES = (Kind.TASK, Kind.CONDITION, Kind.LOOP, Kind.EXIT_HANDLER)


class Told:
    """Changes, found by what they are about."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._by: dict[tuple[Kind, str], list[Change]] = defaultdict(list)
        for change in changes:
            self._by[change.kind, change.name].append(change)

    def says(self, kinds: Iterable[Kind], name: str, place: Place, before: Any, after: Any) -> bool:
        """Whether a change of the thing says that at this place of it the one value became the other."""
        if before in (ABSENT, None) and after in (ABSENT, None):
            return False  # a record says «nothing» of both
        return any(
            _says(change, place, before, after) for kind in kinds for change in self._by.get((kind, name), ())
        )

    def whole(self, name: str) -> dict[str, Any] | None:
        """What the record of a task that came or went holds; None without such a record."""
        for kind in NODES:
            for change in self._by.get((kind, name), ()):
                if change.field is None and change.action in (Action.ADDED, Action.REMOVED):
                    return change.after or change.before or {}
        return None

    def moved(self, name: str, before: list[str], after: list[str]) -> bool:
        """Whether it is said that a task stood in these groups and stands in those."""
        return any(
            (change.before, change.after) == (before, after)
            for kind in NODES
            for change in self._by.get((kind, name), ())
            if change.action is Action.MOVED
        )

    def renamed(self) -> dict[str, str]:
        """New name of a task → old one."""
        return {
            name: str(change.before)
            for (kind, name), changes in self._by.items()
            if kind in NODES
            for change in changes
            if change.action is Action.RENAMED
        }


def _says(change: Change, place: Place, before: Any, after: Any) -> bool:
    if change.field is None:
        whole = change.action in (Action.ADDED, Action.REMOVED)
        return whole and _is(_held(change.before, place), before) and _is(_held(change.after, place), after)
    return change.field == label(place) and _is(change.before, before) and _is(change.after, after)


def _held(value: Any, place: Place) -> Any:
    return ABSENT if value is None else held(value, place)


def _is(recorded: Any, found: Any) -> bool:
    """A record has None where there is nothing."""
    return alike(recorded, found) or (recorded is None and found is ABSENT)
