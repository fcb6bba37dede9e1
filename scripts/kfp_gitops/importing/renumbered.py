"""An IR with the names of another one for its components and executors.

The SDK numbers those of a pipeline inside another one as its hash tables come up, in each process otherwise (seen with
kfp 2.17.3); nothing of KFP reads the numbers, but the digest is another one.
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


def renumbered(given: Sequence[Mapping[str, Any]], like: Sequence[Mapping[str, Any]]) -> list[Any] | None:
    """The first under the names of the second; None where these are not the same but for the names."""
    pairs = dict(_pairs(given[0], given[0]["root"], like[0], like[0]["root"]))
    own = given[0].get("components", {})
    labels = {
        own[one]["executorLabel"]: like[0]["components"][other].get("executorLabel", "")
        for one, other in pairs.items()
        if "executorLabel" in own.get(one, {})
    }
    for names, present in ((pairs, own), (labels, _executors(given[0]))):
        alike = all(_NUMBERS.sub("", name) == _NUMBERS.sub("", new) for name, new in names.items())
        if not alike or set(names) != set(present) or len(set(names.values())) != len(names):
            return None
    return [_renamed(dict(document), pairs, labels) for document in deepcopy(list(given))]


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


def _executors(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = spec.get("deploymentSpec", {}).get("executors", {})
    return found


def _renamed(
    document: dict[str, Any], components: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, Any]:
    parts = document.get("components", {})
    for part in (document.get("root", {}), *parts.values()):
        if "executorLabel" in part:
            part["executorLabel"] = labels[part["executorLabel"]]
        for task in part.get("dag", {}).get("tasks", {}).values():
            task["componentRef"]["name"] = components[task["componentRef"]["name"]]
    if parts:
        document["components"] = {components[name]: part for name, part in parts.items()}
    asked = [platform.get("deploymentSpec", {}) for platform in document.get("platforms", {}).values()]
    for holder in (document.get("deploymentSpec", {}), *asked):
        if "executors" in holder:
            holder["executors"] = {labels.get(key, key): one for key, one in holder["executors"].items()}
    return document
