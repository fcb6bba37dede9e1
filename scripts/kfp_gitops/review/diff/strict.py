"""Two parsed values compared so that nothing can differ in silence: types, absent against empty, order. Pure.

Only what YAML calls formatting is equal: comments, quotes, order of keys.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final


class Absent(Enum):
    """What stands in place of a value that is not there: null is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
# What items of a list are known by, as Kubernetes merges them, and the checks of a policy.
_IDENTITIES = ("name", "id")
# More comparisons than this are not made to find out which items of two lists belong together.
_MOST = 250_000


class Item(str):
    """The label of a list's item in a place: its name, or its position."""

    __slots__ = ()


Place = tuple[str, ...]
Leaf = tuple[Place, Any, Any]
Said = Callable[[Place, Any, Any], bool]


def label(place: Place) -> str:
    """`spec.containers[main].image`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, Item) else f".{part}" if text else part
    return text


def alike(left: Any, right: Any) -> bool:
    """Whether two parsed values are the same value: 1 is not 1.0, nor true, and null is not absent."""
    if left is right:  # most of two sides is the same text, which is parsed once
        return True
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return repr(left) == repr(right)
    return type(left) is type(right) and bool(left == right)


def unsaid(before: Any, after: Any, said: Said, at: Place = ()) -> Iterator[Leaf]:
    """Every difference of which `said` does not know that somebody is told it.

    It is asked from the outside in, at each place where the two differ, so that a record of a whole thing
    answers for all that is in it.
    """
    if alike(before, after) or said(at, before, after):
        return
    inside = children(before, after, one_sided=True)
    if inside is None:
        yield at, before, after
        return
    found = [leaf for part, old, new in inside for leaf in unsaid(old, new, said, (*at, part))]
    parts = [(*at, part) for part, old, new in inside if not alike(old, new)]
    if (before is ABSENT or after is ABSENT) and [place for place, _, _ in found] == parts:
        yield at, before, after  # it came or went as a whole, and nobody was told anything of it
    else:
        yield from found


def children(before: Any, after: Any, *, one_sided: bool = False) -> list[tuple[str, Any, Any]] | None:
    """(key or item, before, after) of all in which two values may differ; None when they are compared as a whole.

    Of items that are known by name in both lists the order is compared, too.
    """
    if one_sided and before is ABSENT:
        before = type(after)() if after else ABSENT
    if one_sided and after is ABSENT:
        after = type(before)() if before else ABSENT
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = dict.fromkeys([*before, *after])
        return [(key, before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys]
    if isinstance(before, list) and isinstance(after, list):
        return _items(before, after)
    return None


def _items(before: list[Any], after: list[Any]) -> list[tuple[str, Any, Any]] | None:
    """Items of two lists by name; by position when there are as many; else as few came and went as may be."""
    if not all(isinstance(item, Mapping) for item in [*before, *after]):
        return None
    for identity in _IDENTITIES:
        left, right = _by(identity, before), _by(identity, after)
        if left is not None and right is not None:
            pairs = [
                (Item(name), left.get(name, ABSENT), right.get(name, ABSENT))
                for name in dict.fromkeys([*left, *right])
            ]
            return [*pairs, (Item("order"), [n for n in left if n in right], [n for n in right if n in left])]
    if len(before) == len(after):
        return [(Item(index), *pair) for index, pair in enumerate(zip(before, after, strict=True))]
    return _edits(before, after)


def _by(identity: str, items: Sequence[Any]) -> dict[str, Any] | None:
    found = {item[identity]: item for item in items if isinstance(item.get(identity), str)}
    return found if len(found) == len(items) else None


def _edits(before: list[Any], after: list[Any]) -> list[tuple[str, Any, Any]] | None:
    if len(before) * len(after) > _MOST:
        return None
    left, right = ([json.dumps(item, sort_keys=True) for item in items] for items in (before, after))
    found: list[tuple[str, Any, Any]] = []
    for verb, start, end, new_start, new_end in difflib.SequenceMatcher(
        None, left, right, autojunk=False
    ).get_opcodes():
        if verb == "equal":
            continue
        both = min(end - start, new_end - new_start)
        found += [(Item(start + n), before[start + n], after[new_start + n]) for n in range(both)]
        found += [(Item(n), before[n], ABSENT) for n in range(start + both, end)]
        found += [(Item(n), ABSENT, after[n]) for n in range(new_start + both, new_end)]
    return found


def held(value: Any, place: Place) -> Any:
    """What a value has at a place; ABSENT when it has nothing there."""
    for part in place:
        if isinstance(part, Item):
            inside = children(ABSENT, value, one_sided=True) if isinstance(value, list) else None
            value = next((item for name, _, item in inside or () if name == part), ABSENT)
        else:
            value = value.get(part, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value
