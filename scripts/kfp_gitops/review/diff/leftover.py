"""The floor of the diff: what differs in parsed files and no record says, as file, place, before, after. Pure.

The layers above make it nicer, and take care of nothing else: what they overlook, or get wrong, is told here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.strict import ABSENT, Leaf, label, unsaid


def changes(path: str, found: Iterable[Leaf]) -> Iterator[Change]:
    """Leaves of a file as changes."""
    for place, old, new in found:
        action = Action.ADDED if old is ABSENT else Action.REMOVED if new is ABSENT else Action.CHANGED
        before, after = (None if side is ABSENT else side for side in (old, new))
        yield Change(action, Kind.FILE, path, label(place) or None, before, after)


def whole(documents: list[Any] | None) -> Any:
    """The documents of a file as one value: ABSENT without the file, the document itself where it is the only one."""
    if documents is None:
        return ABSENT
    return documents[0] if len(documents) == 1 else documents


def document(path: str, before: Any, after: Any) -> Iterator[Change]:
    """All in which a file differs of which nothing is told otherwise."""
    return changes(path, unsaid(before, after, lambda *_: False))


def text(path: str, before: str | None, after: str | None) -> Iterator[Change]:
    """The lines in which a file differs that is no YAML."""
    if before is None or after is None:
        yield from changes(
            path, [((), ABSENT if before is None else before, ABSENT if after is None else after)]
        )
    elif before != after:
        found = [
            *difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm=""),
        ][2:]
        gone, come = ([line[1:] for line in found if line[:1] == sign] for sign in "-+")
        yield Change(Action.CHANGED, Kind.FILE, path, "lines", gone, come)
