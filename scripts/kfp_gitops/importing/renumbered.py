"""Two IRs without the names of their components and executors, which nothing of KFP reads.

The SDK numbers those of a pipeline inside another one as its hash tables come up, in each process otherwise; and it may
leave one executor to two components, and another to none (seen with kfp 2.17.3; `compiling.compiler.merged`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

_NUMBERS = re.compile(r"(?:-\d+)+\Z")
SAID = (
    "components inside of pipelines are numbered as the SDK numbered them, which no two of its runs do alike"
)

Documents = list[dict[str, Any]]


def unnumbered(
    given: Sequence[Mapping[str, Any]], like: Sequence[Mapping[str, Any]]
) -> tuple[Documents, Documents] | None:
    """Both with the second one's components, each with its executor in it; None where more than numbers differs."""
    names = dict(_pairs(given[0], given[0]["root"], like[0], like[0]["root"]))
    numbers = all(_NUMBERS.sub("", name) == _NUMBERS.sub("", new) for name, new in names.items())
    if (
        not numbers
        or set(names) != set(given[0].get("components", {}))
        or len(set(names.values())) != len(names)
    ):
        return None
    same = {name: name for name in like[0].get("components", {})}
    return _with_names(given, names), _with_names(like, same)


def _pairs(
    given: Mapping[str, Any], one: Mapping[str, Any], like: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """The components that the same tasks of both run."""
    tasks = other.get("dag", {}).get("tasks", {})
    for key, task in one.get("dag", {}).get("tasks", {}).items():
        if key in tasks:
            name, wanted = task["componentRef"]["name"], tasks[key]["componentRef"]["name"]
            yield name, wanted
            parts = given["components"].get(name, {}), like["components"].get(wanted, {})
            yield from _pairs(given, parts[0], like, parts[1])


def _with_names(given: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Documents:
    spec, *platforms = (dict(document) for document in deepcopy(list(given)))
    executors = _taken(spec.get("deploymentSpec", {}))
    asked = [
        _taken(one.get("deploymentSpec", {}))
        for found in platforms
        for one in found.get("platforms", {}).values()
    ]
    parts = spec.get("components", {})
    for part in (spec["root"], *parts.values()):
        if label := part.pop("executorLabel", None):
            part["executor"] = [one.get(label) for one in (executors, *asked)]
        for task in part.get("dag", {}).get("tasks", {}).values():
            task["componentRef"]["name"] = names[task["componentRef"]["name"]]
    if parts:
        spec["components"] = {names[name]: part for name, part in parts.items()}
    return [spec, *platforms]


def _taken(holder: dict[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = holder.pop("executors", {})
    return found
