"""In which order the tasks of a DAG were made: the SDK numbers them (`say`, `say-2`), and files sort them by name.

The numbers are a part of the IR, so what is compiled anew must be made in that order again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

_NUMBERED = re.compile(r"(.+)-(\d+)")
_GROUP = re.compile(r"(?:condition-branches|condition|for-loop|exit-handler)-(\d+)")


def counted(key: str, keys: Collection[str]) -> tuple[str, int]:
    """The name that was counted, and its number: (`say`, 2) of `say-2` beside a `say`; groups count together."""
    if group := _GROUP.fullmatch(key):
        return "", int(group[1])
    found = _NUMBERED.fullmatch(key)
    if found and found[1] in keys and int(found[2]) > 1:
        return found[1], int(found[2])
    return key, 1


def order(
    siblings: Iterable[str], after: Mapping[str, Iterable[str]], counts: Iterable[Sequence[tuple[int, str]]]
) -> list[str]:
    """Siblings in an order in which they can have been made: what each waits for first, and each count in its order."""
    earlier: dict[str, list[str]] = {sibling: [] for sibling in siblings}
    for sibling, others in after.items():
        earlier[sibling] += [other for other in others if other in earlier]
    for found in counts:
        for (_, one), (_, other) in pairwise(found):
            if one != other:
                earlier[other].append(one)
    return _sorted(list(earlier), earlier)


def names(keys: Collection[str], alike: Callable[[str, str], bool]) -> dict[str, tuple[str, int]]:
    """What each key is a number of; `say-2` is its own name where it is not `alike` a `say`: somebody called it so."""
    found = {key: counted(key, keys) for key in keys}
    own = {key for key, (name, number) in found.items() if number > 1 and name and not alike(key, name)}
    return {key: (key, 1) if key in own else one for key, one in found.items()}


def counts(
    siblings: Mapping[str, Iterable[str]], named: Callable[[str], tuple[str, int]]
) -> Iterator[list[tuple[int, str]]]:
    """The numbers of each name that is counted, with the sibling in which it has them; `named`: what a key counts."""
    found: dict[str, list[tuple[int, str]]] = {}
    own: list[tuple[str, int, str]] = []
    for sibling, inside in siblings.items():
        for key in inside:
            name, number = named(key)
            found.setdefault(name, []).append((number, sibling))
            if number == 1 and (like := _NUMBERED.fullmatch(key)):
                own.append((like[1], int(like[2]), sibling))
    for one in found.values():
        yield sorted(one)
    for (
        name,
        taken,
        sibling,
    ) in own:  # a number that was not free any more was left out, so that name came before
        yield [(taken, sibling), *sorted(one for one in found.get(name, ()) if one[0] > taken)]


def _sorted(names: Sequence[str], earlier: Mapping[str, Sequence[str]]) -> list[str]:
    """By what comes earlier; in a circle, as it comes: what is compiled then tells of it."""
    done: dict[str, None] = {}
    open_: set[str] = set()

    def visit(name: str) -> None:
        if name in done or name in open_:
            return
        open_.add(name)
        for other in earlier[name]:
            visit(other)
        done[name] = None

    for name in names:
        visit(name)
    return list(done)
