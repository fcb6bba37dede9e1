"""All that can be changed in parsed documents: scalars, lists, keys, documents. For properties of the diff."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]
Documents = list[Any]
# Of each kind there are many values that somebody may take for the same.
_SCALARS: list[Any] = [None, True, False, 0, 1, 1.5, "", "true", "null", "1", "mutated", [], {}]


@dataclass(frozen=True)
class Mutation:
    """What was done, where, and the documents after it."""

    what: str
    at: Place
    documents: Documents

    def __str__(self) -> str:
        return f"{self.what} at {'/'.join(map(str, self.at))}"


def text(documents: Documents) -> str:
    """Documents as YAML, which JSON is, in the words of its parser: no character that YAML reads otherwise."""
    dumped = (json.dumps(document, ensure_ascii=False) for document in documents)
    hidden = dict.fromkeys([*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF])
    table = {code: f"\\u{code:04x}" for code in hidden}
    return "".join(f"--- {part.translate(table)}\n" for part in dumped)


def mutate(documents: Documents, rng: random.Random) -> Mutation:
    """One mutation at random, which always makes another value of it."""
    sites = [*_sites(documents)]
    while True:
        at = rng.choice(sites)
        after = copy.deepcopy(documents)
        what = rng.choice(_ways(_get(after, at), at))
        found = Mutation(what.__name__.strip("_"), at, after)
        what(after, at, rng)
        if repr(_plain(after)) != repr(_plain(documents)):
            return found


def mark(documents: Documents, rng: random.Random, marks: list[str]) -> Documents:
    """As many different scalars, each replaced by a text that stands nowhere else."""
    after = copy.deepcopy(documents)
    leaves = [at for at in _sites(documents) if at and not isinstance(_get(documents, at), dict | list)]
    for text_, at in zip(marks, rng.sample(leaves, min(len(marks), len(leaves))), strict=False):
        _set(after, at, text_)
    return after


def _plain(value: Any) -> Any:
    """Without the order of keys."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _sites(documents: Documents) -> Iterator[Place]:
    def below(value: Any, at: Place) -> Iterator[Place]:
        yield at
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, item in items:
            yield from below(item, (*at, key))

    yield from below(documents, ())


Way = Callable[[Documents, Place, random.Random], None]


def _ways(value: Any, at: Place) -> list[Way]:
    if at == ():
        return [_drop_item, _add_item, _double_item, _reorder]
    if isinstance(value, list):
        return [_drop_item, _add_item, _double_item, _reorder, _replace]
    if isinstance(value, dict):
        return [_drop_key, _rename_key, _add_key, _replace]
    return [_replace, _edit]


def _get(documents: Documents, at: Place) -> Any:
    value: Any = documents
    for key in at:
        value = value[key]
    return value


def _set(documents: Documents, at: Place, value: Any) -> None:
    _get(documents, at[:-1])[at[-1]] = value


def _replace(documents: Documents, at: Place, rng: random.Random) -> None:
    _set(documents, at, copy.deepcopy(rng.choice(_SCALARS)))


def _edit(documents: Documents, at: Place, rng: random.Random) -> None:
    value = _get(documents, at)
    if isinstance(value, bool) or value is None:
        _set(documents, at, "x" if value is None else not value)
    elif isinstance(value, int | float):
        _set(documents, at, rng.choice([value + 1, float(value), str(value)]))
    else:
        cut = rng.randrange(len(value) + 1)
        more = rng.choice(["x", " ", "\n", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u200b", "é"])
        _set(documents, at, value[:cut] + more + value[cut:])


def _drop_item(documents: Documents, at: Place, rng: random.Random) -> None:
    items = _get(documents, at)
    if items:
        del items[rng.randrange(len(items))]


def _add_item(documents: Documents, at: Place, rng: random.Random) -> None:
    items = _get(documents, at)
    items.insert(rng.randrange(len(items) + 1), copy.deepcopy(rng.choice(_SCALARS)))


def _double_item(documents: Documents, at: Place, rng: random.Random) -> None:
    items = _get(documents, at)
    if items:
        items.insert(rng.randrange(len(items) + 1), copy.deepcopy(rng.choice(items)))


def _reorder(documents: Documents, at: Place, rng: random.Random) -> None:
    items = _get(documents, at)
    if len(items) > 1:
        left, right = rng.sample(range(len(items)), 2)
        items[left], items[right] = items[right], items[left]


def _drop_key(documents: Documents, at: Place, rng: random.Random) -> None:
    value = _get(documents, at)
    if value:
        del value[rng.choice([*value])]


def _rename_key(documents: Documents, at: Place, rng: random.Random) -> None:
    value = _get(documents, at)
    if value:
        key = rng.choice([*value])
        value[f"{key}x"] = value.pop(key)


def _add_key(documents: Documents, at: Place, rng: random.Random) -> None:
    value = _get(documents, at)
    key = rng.choice(["added", "name", "sdkVersion", "in", "tasks", "enabled", "description", *value])
    value[key] = copy.deepcopy(rng.choice(_SCALARS))
