"""A manifest with its tasks side by side, each by its id, whatever groups they stand in. Pure.

So a task that moved to another group is compared with itself. Two manifests whose hoisted forms are alike are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.review.diff.strict import ABSENT


class IrregularError(Exception):
    """Not what the language allows: such a manifest is compared as it stands."""


@dataclass(frozen=True)
class Hoisted:
    """`rest` is all but the tasks; task → the groups around it, outermost first, and all but its bodies."""

    rest: Any
    tasks: dict[str, tuple[list[str], dict[str, Any]]] = field(default_factory=dict)


def hoisted(manifest: Any) -> Hoisted:
    """The hoisted form.

    Raises:
        IrregularError: ids that are not unique, or bodies that hold no tasks.
    """
    spec = manifest.get("spec") if isinstance(manifest, Mapping) else None
    tasks = spec.get("tasks") if isinstance(spec, Mapping) else None
    if not isinstance(spec, Mapping) or not tasks:
        return Hoisted(manifest)
    found: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for name, group, data in _tasks(tasks, []):
        if name in found:
            raise IrregularError
        found[name] = group, data
    return Hoisted({**manifest, "spec": {key: value for key, value in spec.items() if key != "tasks"}}, found)


def one_sided() -> Hoisted:
    """The form of a manifest that is not there."""
    return Hoisted(ABSENT)


def _tasks(tasks: Any, group: list[str]) -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    if not isinstance(tasks, Mapping) or not tasks:
        raise IrregularError
    for name, data in tasks.items():
        if not isinstance(data, Mapping) or " " in name:
            raise IrregularError
        own = {key: value for key, value in data.items() if key not in ("tasks", "finally", "elif", "else")}
        branches = [*_branches(name, data)]
        for label, branch in branches:
            about = label.removeprefix(f"{name} ")  # elif 1, else
            rest = {key: value for key, value in branch.items() if key != "tasks"}
            own |= {about if key == "if" else f"{about} {key}": value for key, value in rest.items()}
        yield name, group, own
        for label, branch in branches:
            yield from _tasks(branch.get("tasks"), [*group, label])


def _branches(name: str, data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(label, branch with its tasks) of each body."""
    if any(key.startswith(("elif ", "else ")) for key in data):
        raise IrregularError
    if "finally" in data:
        yield f"{name} finally", {"tasks": data["finally"]}
    if "tasks" in data:
        yield name, {"tasks": data["tasks"]}
    elses = data.get("elif", ())
    if not isinstance(elses, list | tuple) or ("elif" in data and not elses):
        raise IrregularError
    numbered = [(f"{name} elif {index}", branch) for index, branch in enumerate(elses, 1)]
    for label, branch in [*numbered, *([(f"{name} else", data["else"])] if "else" in data else [])]:
        if not isinstance(branch, Mapping):
            raise IrregularError
        yield label, branch
