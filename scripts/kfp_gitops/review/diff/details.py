"""All that a change says beside its line: the rows of what is new, names that were folded, code, long texts. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from kfp_gitops.base import visible
from kfp_gitops.review.diff import values
from kfp_gitops.review.diff.fields import is_comparison, is_reference
from kfp_gitops.review.diff.folding import Row
from kfp_gitops.review.diff.model import Action, Change, Kind

HEADS = ("component", "pipeline", "if", "loop", "in")
"""What a task or group is, where it stands: in its own line, the rest of it beneath."""
NODES = (Kind.TASK, Kind.CONDITION, Kind.LOOP, Kind.EXIT_HANDLER)
LOOP_ITEMS = 4
"""As many items of a loop as there is room for in a line, or in the title of its box."""
_ROWS = 200
# Maps whose keys somebody chose are shown key by key.
_BY_KEY = frozenset({"arguments", "env", "volumes", "labels", "annotations", "parameters"})
_CHARACTERS = 4_000
# Comparing lines takes time that grows with the product of their numbers.
_LINES = 400


def is_code(change: Change) -> bool:
    """Whether its values are the lines that went and the lines that came."""
    lines = (change.before, change.after)
    return (
        change.kind is Kind.COMPONENT
        and change.field == "code"
        and all(isinstance(found, list | None) for found in lines)
    )


def opens(change: Change) -> bool:
    """Whether what is new has rows of its own, for it does not fit the line."""
    if change.action not in (Action.ADDED, Action.CHANGED) or change.before is not None:
        return False
    if not _is_branch(change.after) or is_code(change):
        return False
    return (change.kind in NODES and change.field is None) or not values.fits(None, change.after)


def rows(change: Change) -> Iterator[tuple[str, str]]:
    """(field, value in words) of all that is new; those that are too many are counted."""
    if not opens(change):
        return
    whole = change.after
    if change.kind in NODES and change.field is None:
        whole = {key: value for key, value in whole.items() if key not in HEADS or _is_long_loop(key, value)}
    found = _leaves(whole, "")
    yield from islice(found, _ROWS)
    if more := sum(1 for _ in found):
        yield "…", f"{more:,} more, see the file"


def _is_long_loop(key: str, value: Any) -> bool:
    """Whether the line has only the number of its items."""
    items = value.get("items") if key == "loop" and isinstance(value, Mapping) else None
    return isinstance(items, list) and len(items) > LOOP_ITEMS


def _is_branch(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping) and not is_reference(value) and not is_comparison(value)


def _leaves(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaf(item, f"{at}[{_label(item, index)}]")
        return
    for key, item in value.items():
        yield from _leaf(item, f"{at}.{visible.line(str(key))}" if at else visible.line(str(key)))


def _label(item: Any, index: int) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return visible.line(name) if isinstance(name, str) else str(index)


def _leaf(value: Any, at: str) -> Iterator[tuple[str, str]]:
    by_key = at.rpartition(".")[2] in _BY_KEY
    if _is_branch(value) and value and not (not by_key and _is_flat(value)):
        yield from _leaves(value, at)
    elif isinstance(value, Mapping) and _is_flat(value) and not is_reference(value):
        yield at, ", ".join(f"{visible.line(str(key))} {values.words(item)}" for key, item in value.items())
    else:
        yield at, values.shortened("null" if value is None else values.words(value))


def _is_flat(value: Any) -> bool:
    """Whether a map is said in a few words: `secret registry, key token`."""
    if not isinstance(value, Mapping) or not value:
        return False
    texts = [values.words(item) for item in value.values() if not _is_branch(item)]
    return (
        len(texts) == len(value) and sum(map(len, texts)) <= values.LINE and not any("," in t for t in texts)
    )


def names(row: Row, most: int) -> list[str]:
    """The things that a row folds, or the pipelines that they are in; those that are too many counted."""
    if not row.folded:
        return []
    if row.pipelines:
        every = [f"{name} ({count:,})" if count > 1 else name for name, count in row.counts.items()]
    else:
        every = [_name(change) for change in row.changes]
    more = len(every) - most
    return [*every[:most], f"… {more:,} more"] if more > 0 else every


def _name(change: Change) -> str:
    was = f" (was {change.before})" if change.action is Action.RENAMED else ""
    return visible.line(f"{change.name}{was}")


def code_lines(change: Change, removed: int, added: int) -> list[str]:
    """Lines of code that went and that came with their signs; neither takes the other's place."""
    sides = (("-", change.before, removed), ("+", change.after, added))
    return [line for sign, lines, most in sides for line in _side(sign, lines or [], most)]


def _side(sign: str, lines: Sequence[Any], most: int) -> Iterator[str]:
    for line in lines[:most]:
        yield f"{sign}{values.shortened(_tabs(str(line)))}"
    if (more := len(lines) - most) > 0:
        yield f"{sign}… {more:,} more lines, see the file"


def _tabs(text: str) -> str:
    return "\t".join(map(visible.line, text.split("\t")))


def in_full(change: Change) -> list[str]:
    """The whole of texts that a line cannot show, as lines of a diff, those that are too many counted."""
    if is_code(change) or _is_shown(change):
        return []
    before, after = _lines(change.before), _lines(change.after)
    if max(len(before), len(after)) <= _LINES:
        found = list(difflib.unified_diff(before, after, n=2, lineterm=""))[2:]
    else:
        found = [*(f"-{line}" for line in before), *(f"+{line}" for line in after)]
    return [*_bounded(found)]


def _is_shown(change: Change) -> bool:
    """Whether the line, or the rows beneath it, have the whole."""
    if opens(change):
        return not any(len(values.words(leaf)) > values.MOST for leaf in _scalars(change.after))
    return change.action in (Action.MOVED, Action.RENAMED) or values.fits(change.before, change.after)


def _scalars(value: Any) -> Iterator[Any]:
    if _is_branch(value):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _scalars(item)
    else:
        yield value


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return [_tabs(line) for line in text.split("\n")]


def _bounded(lines: Sequence[str]) -> Iterator[str]:
    left = {"-": _CHARACTERS, "+": _CHARACTERS}
    hidden = 0
    for line in lines:
        sign = line[:1]
        room = left.get(sign, _CHARACTERS)
        if room <= 0:
            hidden += 1
            continue
        left[sign] = room - len(line)
        yield values.shortened(line, room)
    if hidden:
        yield f"… {hidden:,} more lines, see the file"
