"""All that a change says beside its line: the rows of what is new, names that were folded, code, long texts. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from kfp_gitops.base import visible
from kfp_gitops.review.diff import components, values
from kfp_gitops.review.diff.fields import is_comparison, is_reference
from kfp_gitops.review.diff.folding import Row
from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.strict import Item, Place, label

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
_LINES = 200


def is_code(change: Change) -> bool:
    """Whether its values are the lines that went and the lines that came."""
    if (change.kind, change.field) not in ((Kind.COMPONENT, "code"), (Kind.FILE, "lines")):
        return False
    return all(isinstance(line, str) for side in (change.before, change.after) for line in side or [])


def opens(change: Change) -> bool:
    """Whether what is new has rows of its own, for it does not fit the line."""
    if change.action not in (Action.ADDED, Action.CHANGED) or change.before is not None:
        return False
    if not _is_branch(change.after) or is_code(change):
        return False
    whole = change.field is None and change.kind in (*NODES, Kind.COMPONENT)
    return whole or isinstance(change.after, list) or not values.fits(None, change.after)


def rows(change: Change) -> Iterator[tuple[str, str]]:
    """(field, value in words) of all that is new; those that are too many are counted."""
    if not opens(change):
        return
    found = _leaves(_without_head(change), ())
    if _is_new_component(change):
        many = components.is_graph(change.after)
        labelled = ((components.short(place, many), text) for place, text in found)
    else:
        labelled = ((label(place), text) for place, text in found)
    yield from ((visible.line(field), text) for field, text in islice(labelled, _ROWS))
    if more := sum(1 for _ in found):
        yield "…", f"{more:,} more, see the file"


def _without_head(change: Change) -> Any:
    """What the line does not say, nor the lines of code."""
    if change.field is None and change.kind in NODES:
        return {
            key: value for key, value in change.after.items() if key not in HEADS or _is_long_loop(key, value)
        }
    if _is_new_component(change):
        return components.without_code(change.after)
    return change.after


def _is_new_component(change: Change) -> bool:
    return change.kind is Kind.COMPONENT and change.field is None and change.action is Action.ADDED


def _is_long_loop(key: str, value: Any) -> bool:
    """Whether the line has only the number of its items."""
    items = value.get("items") if key == "loop" and isinstance(value, Mapping) else None
    return isinstance(items, list) and len(items) > LOOP_ITEMS


def _is_branch(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping) and not is_reference(value) and not is_comparison(value)


def _leaves(value: Any, at: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaf(item, (*at, Item(_name_of(item) or index)))
        return
    named = bool(at) and isinstance(at[-1], Item) and at[-1] == value.get("name") and len(value) > 1
    for key, item in value.items():
        if not (named and key == "name"):
            yield from _leaf(item, (*at, str(key)))


def _name_of(item: Any) -> str | None:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) else None


def _leaf(value: Any, at: Place) -> Iterator[tuple[Place, str]]:
    by_key = at[-1] in _BY_KEY and not isinstance(at[-1], Item)
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
    """Lines of code that went and that came with their signs, of a new component all; none of anything else."""
    if _is_new_component(change):
        return [*_side("+", components.code(change.after), added)]
    if not is_code(change):
        return []
    return [*_side("-", change.before or [], removed), *_side("+", change.after or [], added)]


def _side(sign: str, lines: Sequence[str], most: int) -> Iterator[str]:
    for line in lines[:most]:
        yield f"{sign}{values.shortened(visible.row(line))}"
    if (more := len(lines) - most) > 0:
        yield f"{sign}… {more:,} more lines, see the file"


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
    return [visible.row(line) for line in text.split("\n")]


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
