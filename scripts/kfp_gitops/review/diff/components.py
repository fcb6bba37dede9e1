"""What differs between two Component YAML specs: interface, image, code; not what the SDK says of itself."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.shell import without_shells
from kfp_gitops.review.diff.strict import ABSENT, Item, Leaf, Place, label, unsaid

_V1_PORT = re.compile(r"(input|output)s\[(.+?)\]")
_CODE = ("command", "args")
_DEFINITIONS = (("inputDefinitions", "input"), ("outputDefinitions", "output"))


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, same_ir: bool = False
) -> Iterator[Change]:
    """Differences of a pipeline's component specs (name → spec as YAML data), a new or lost one as a whole.

    `same_ir`: the lock says that the pipeline compiles to the same as before. Then the version of the SDK that a
    spec names is nothing that runs.
    """
    for name in sorted({**before, **after}):
        if name not in before:
            yield Change(Action.ADDED, Kind.COMPONENT, name, after=after[name])
        elif name not in after:
            yield Change(Action.REMOVED, Kind.COMPONENT, name, before=before[name])
        elif same_ir:
            yield from _spec_changes(name, without_version(before[name]), without_version(after[name]))
        else:
            yield from _spec_changes(name, before[name], after[name])


def images(spec: Any) -> list[str]:
    """The images that a component runs in."""
    return sorted({str(container["image"]) for container in _containers(spec) if "image" in container})


def is_graph(spec: Any) -> bool:
    """Whether it is of several components, so that a port's name does not say whose it is."""
    return len(_at(spec, "components")) > 1


def code(spec: Any) -> list[str]:
    """Every line of the commands and arguments of a component."""
    lists = [container.get(key) for container in _containers(spec) for key in _CODE]
    parts = [part for found in lists if isinstance(found, list) for part in found]
    texts = [part if isinstance(part, str) else json.dumps(part, default=str) for part in parts]
    return [line for text in texts for line in text.split("\n")]


def without_code(spec: Any) -> Any:
    """A spec without what `images` and `code` have of it, nor the parts of its root that repeat its step."""
    return _without_code(without_shells(spec, spec)[0])


def _without_code(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_code(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {
        key: {name: part for name, part in item.items() if not _is_told(name, part)}
        if key == "container" and isinstance(item, Mapping)
        else _without_code(item)
        for key, item in value.items()
    }
    return {key: item for key, item in found.items() if item or not value[key]}


def _is_told(name: str, part: Any) -> bool:
    return name == "image" or (name in _CODE and isinstance(part, list))


def without_version(document: Any) -> Any:
    """A spec or IR without the version of the SDK that compiled it: no key of any other thing of that name."""
    if not isinstance(document, Mapping):
        return document
    return {key: value for key, value in document.items() if key != "sdkVersion"}


def _containers(spec: Any) -> Iterator[Mapping[str, Any]]:
    executors = _at(spec, "deploymentSpec", "executors")
    for owner in (_at(spec, "implementation"), *executors.values()):
        if isinstance(owner, Mapping) and isinstance(owner.get("container"), Mapping):
            yield owner["container"]


def _at(value: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _spec_changes(name: str, before: Any, after: Any) -> Iterator[Change]:
    """One change for each leaf that differs, but for lines of code: those are told together."""
    many = is_graph(before) or is_graph(after)
    gone: list[str] = []
    come: list[str] = []
    for leaf in unsaid(*without_shells(before, after), lambda *_: False):
        for place, old, new in _parts(leaf):
            if _is_code(place) and isinstance(old, str) and isinstance(new, str):
                removed, added = _lines(old, new)
                gone += removed
                come += added
            else:
                yield _change(name, short(place, many), old, new)
    if gone or come:
        yield Change(Action.CHANGED, Kind.COMPONENT, name, "code", gone, come)


def in_ir(path: str, leaf: Leaf) -> tuple[list[Change], list[Leaf]]:
    """Of a leaf of a compiled pipeline the lines of its executors' code that differ, and what else differs in it.

    Only a text of several lines is code: flags and values are told as they are.
    """
    found: list[Change] = []
    others: list[Leaf] = []
    for place, old, new in _parts(leaf):
        if _is_code(place) and isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
            step = str(place[-4]).removeprefix("exec-")
            found.append(
                Change(Action.CHANGED, Kind.COMPONENT, f"{step} in {path}", "code", *_lines(old, new))
            )
        else:
            others.append((place, old, new))
    return found, (others if found else [leaf])


def _parts(leaf: Leaf) -> Iterator[Leaf]:
    """A leaf; of a command its items, so that one that is parted in two is told, and lines are of one item."""
    place, before, after = leaf
    if place[-1:] and place[-1] in _CODE and isinstance(before, list) and isinstance(after, list):
        for index, old, new in _edits(before, after):
            yield (*place, Item(index)), old, new
    else:
        yield leaf


def _edits(before: list[Any], after: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    """(position, before, after) of each item that differs: in pairs, then what came or went."""
    matcher = difflib.SequenceMatcher(None, list(map(repr, before)), list(map(repr, after)), autojunk=False)
    for verb, start, end, new_start, new_end in matcher.get_opcodes():
        if verb == "equal":
            continue
        both = min(end - start, new_end - new_start)
        yield from ((start + n, before[start + n], after[new_start + n]) for n in range(both))
        yield from ((n, before[n], ABSENT) for n in range(start + both, end))
        yield from ((n, ABSENT, after[n]) for n in range(new_start + both, new_end))


def _is_code(place: Place) -> bool:
    return len(place) > 1 and place[-2] in _CODE and isinstance(place[-1], Item)


def _lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went and the lines that came; a line ends at \\n, whatever else Python takes for a line's end."""
    found = list(difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm=""))[2:]
    return [line[1:] for line in found if line[:1] == "-"], [line[1:] for line in found if line[:1] == "+"]


def _change(name: str, field: str, old: Any, new: Any) -> Change:
    before, after = (None if side is ABSENT else side for side in (old, new))
    action = Action.CHANGED
    if before is None and after is None:  # a null came or went
        action = Action.ADDED if old is ABSENT else Action.REMOVED
    return Change(action, Kind.COMPONENT, name, field or "content", before, after)


def short(place: Place, many: bool = False) -> str:
    """`inputDefinitions.parameters.rows.parameterType` → `input rows.parameterType`: what a person calls it."""
    field = label(place)
    if port := _V1_PORT.match(field):
        return f"{port[1]} {port[2]}{field[port.end() :]}"
    if "container" in place and place[0] in ("implementation", "deploymentSpec"):
        at = place.index("container")
        return label(place[at + 1 :]) + (f" of {place[at - 1]}" if many else "")
    if place[:1] == ("components",):
        for definitions, word in _DEFINITIONS:
            if place[2:3] == (definitions,) and len(place) > 4:
                return f"{word} {label(place[4:])}" + (f" of {place[1]}" if many else "")
    return field
