"""What both readers share: where a task stands, and the step that it becomes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.review.caching.callee import FINAL_STATUS, Callee
from kfp_gitops.review.caching.steps import Server, Step
from kfp_gitops.review.caching.values import Derived, Known, Made, Motion, Moving, Value, item_of, parsed

MAX_ITEMS = 100
"""Loops inside one another that run more often together are looked at once, for all of their items."""
MAX_TASKS = 20_000
CREATE, DELETE = "argostub/createpvc", "argostub/deletepvc"
ALWAYS = {
    "status": "it is told how the run went",
    "workspace": "it uses the run's workspace",
    "delete": "KFP keeps no result of a step that removes a claim",
    "claim": "each run gets a claim of its own",
}


class Count:
    """How much is read: pipelines inside pipelines double with each level."""

    def __init__(self) -> None:
        self.tasks = 0
        self.times = 1

    def task(self) -> None:
        """One more.

        Raises:
            ValueError: there are too many.
        """
        self.tasks += 1
        if self.tasks > MAX_TASKS:
            raise ValueError(f"more than {MAX_TASKS} tasks")

    @contextmanager
    def loop(self, items: Value) -> Iterator[list[Value]]:
        """The items of a loop, or one that stands for all where they are not known or too many."""
        outer = self.times
        found = _rounds(items, MAX_ITEMS // outer)
        self.times = outer * max(1, len(found))
        yield found
        self.times = outer


def _rounds(items: Value, most: int) -> list[Value]:
    if isinstance(items, Known) and isinstance(items.value, str):
        items = parsed(items)
    if isinstance(items, Known) and isinstance(items.value, list) and len(items.value) <= most:
        return [item_of(items, index) for index in range(len(items.value))]
    return [item_of(items)]


@dataclass(frozen=True)
class Place:
    """The names of the pipelines and groups around a task."""

    names: tuple[str, ...]

    def inside(self, name: str) -> Place:
        """The place of what is in there."""
        return Place((*self.names, name))

    def __str__(self) -> str:
        return " › ".join(self.names)


@dataclass(frozen=True)
class Frame:
    """What is known inside one graph: what it is given, and what its tasks put out so far."""

    parameters: dict[str, Value]
    artifacts: dict[str, Value]
    outputs: dict[str, Mapping[str, Value]] = field(default_factory=dict)


def stepped(
    found: Callee,
    place: Place,
    given: Frame,
    *,
    claims: Sequence[Value],
    cache: bool,
    key: str,
    unseen: Mapping[str, Any],
    server: Server,
) -> Step:
    """The step of a task that runs a container."""
    return Step(
        str(place),
        found.container,
        given.parameters,
        given.artifacts,
        frozenset(claims),
        cache,
        component=found.name,
        key=key,
        always="".join(_always(found, given.parameters, given.artifacts)),
        unseen={**dict(_own(found, given.parameters)), **unseen},
        server=server,
    )


def _own(found: Callee, parameters: Mapping[str, Value]) -> Iterator[tuple[str, Any]]:
    """Variables of the component, and defaults that the launcher fills in after the key is made."""
    yield from ((f"env {name}", text) for name, text in found.env.items())
    for name, declared in found.parameters.items():
        if name not in parameters and "defaultValue" in declared and _filled_in(found, name):
            yield f"default of {name}", declared["defaultValue"]


def _filled_in(found: Callee, name: str) -> bool:
    """Whether the launcher hands a default to the container: with all it has, or in a text beside an output."""
    line = found.container.line
    return "{{$}}" in line or any(f"['{name}']" in part and "$.outputs" in part for part in line)


def _always(found: Callee, parameters: Mapping[str, Value], artifacts: Mapping[str, Value]) -> Iterator[str]:
    """Why no two runs have the same key, if so: the first reason of several."""
    declared = found.parameters
    reasons = (
        (any(one.get("parameterType") == FINAL_STATUS for one in declared.values()), "status"),
        (found.container.image == DELETE, "delete"),
        (found.container.image == CREATE and not _named(parameters), "claim"),
        (any(value.workspace for value in (*parameters.values(), *artifacts.values())), "workspace"),
    )
    yield from (ALWAYS[name] for name in [name for holds, name in reasons if holds][:1])


def _named(parameters: Mapping[str, Value]) -> bool:
    name = parameters.get("pvc_name")
    return name is not None and not (isinstance(name, Known) and name.value == "")


def claim(step: Step) -> Mapping[str, Value]:
    """What a step for a claim puts out: the name that it was given, or a new one."""
    named = step.parameters.get("pvc_name")
    return {"name": named if named is not None and _named(step.parameters) else Moving("claim")}


def made(step: Step, found: Callee) -> Mapping[str, Value]:
    """What a task that runs a container puts out."""
    return {name: Made(step, name, artifact) for name, artifact in found.outputs.items()}


def imported(uri: Value, about: Value, *, reimport: bool, workspace: bool) -> Value:
    """An imported artifact: with `reimport` a new one each time, else the one of the same URI, type and metadata."""
    return Derived("import", (uri, about), workspace, always_new=reimport or uri.motion is Motion.MOVING)
