"""The graph between the pipelines of an environment: what each trigger waits for. Pure.

An edge leads from a pipeline, or from data, to the pipeline that a trigger starts. `runOn: change` waits for a release,
not for another pipeline: it is no edge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kfp_gitops.language.manifest import AfterRun, OnData, RunOn, Trigger, reader

_STATES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "ENDED": "ended"}
_DATA = {"etag": "changes", "newest-key": "has a newer key"}


@dataclass(frozen=True)
class Edge:
    """What starts a pipeline by one of its triggers; `off`: it starts nothing now, for its pipeline is paused."""

    pipeline: str
    trigger: Trigger
    off: bool = False

    @property
    def source(self) -> str:
        """The pipeline, or the URI, that is waited for."""
        on = self.trigger.run_on
        return on.pipeline if isinstance(on, AfterRun) else on.uri if isinstance(on, OnData) else ""

    @property
    def is_data(self) -> bool:
        """Whether it waits for data, and for no pipeline."""
        return isinstance(self.trigger.run_on, OnData)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same edge in another revision, whatever its trigger says besides."""
        return self.source, self.pipeline, self.trigger.name

    def same(self, other: Edge) -> bool:
        """Whether both start it by the very same: parameters, which are told of its pipeline, aside."""
        return self._says == other._says

    @property
    def _says(self) -> tuple[object, ...]:
        on = self.trigger
        return (on.run_on, on.only_within, on.on_missed, on.max_concurrency, on.enabled, self.off)

    @property
    def active(self) -> bool:
        """Whether it starts anything."""
        return self.trigger.enabled and not self.off

    @property
    def usual(self) -> bool:
        """Whether what it waits for is to be expected: a run that succeeds, or ends; none that fails."""
        on = self.trigger.run_on
        return isinstance(on, AfterRun) and on.state != "FAILED"

    @property
    def verb(self) -> str:
        """What its source has to do: `succeeded`, `changes`."""
        on = self.trigger.run_on
        return (
            _STATES[on.state]
            if isinstance(on, AfterRun)
            else _DATA[on.changes]
            if isinstance(on, OnData)
            else ""
        )


def edges(triggers: Mapping[str, Sequence[Trigger]], paused: Collection[str] = ()) -> tuple[Edge, ...]:
    """All of an environment (pipeline → its triggers), by pipeline and in the order of its manifest."""
    return tuple(
        Edge(pipeline, trigger, pipeline in paused)
        for pipeline, its in sorted(triggers.items())
        for trigger in its
        if isinstance(trigger.run_on, AfterRun | OnData)
    )


def read(manifest: Mapping[str, Any]) -> tuple[Trigger, ...]:
    """The triggers of a manifest as YAML data; none of what is no trigger, which is told elsewhere."""
    items = manifest.get("triggers")
    return tuple(one for item in (items if isinstance(items, list) else ()) for one in _trigger(item))


def _trigger(item: Any) -> Iterator[Trigger]:
    try:
        (found,) = reader.triggers({"triggers": [item]})
    except (KeyError, TypeError, AttributeError, ValueError):
        return
    if isinstance(found.name, str) and isinstance(found.enabled, bool) and _waits(found.run_on):
        most = found.max_concurrency
        yield found if isinstance(most, int) and most > 0 else replace(found, max_concurrency=1)


def _waits(on: RunOn) -> bool:
    """Whether it says what it waits for; the schema of manifests is asked elsewhere."""
    match on:
        case AfterRun():
            return isinstance(on.pipeline, str) and isinstance(on.state, str) and on.state in _STATES
        case OnData():
            return isinstance(on.uri, str) and isinstance(on.changes, str) and on.changes in _DATA
    return True


def around(found: Iterable[Edge], names: Collection[str]) -> list[Edge]:
    """The edges of every part of the graph that holds one of these names, however far away."""
    every = [*found]
    near: dict[str, list[Edge]] = defaultdict(list)
    for edge in every:
        near[edge.source].append(edge)
        near[edge.pipeline].append(edge)
    seen = {name for name in names if name in near}
    waiting = [*seen]
    for name in waiting:  # it grows meanwhile
        ends = (end for edge in near[name] for end in (edge.source, edge.pipeline))
        for end in ends:
            if end not in seen:
                seen.add(end)
                waiting.append(end)
    return [edge for edge in every if edge.source in seen or edge.pipeline in seen]


def on_ways(found: Iterable[Edge], names: Collection[str]) -> list[Edge]:
    """The edges that lead to one of these names, or on from one, however far away."""
    every = [*found]
    before = _reached(((edge.pipeline, edge.source) for edge in every), names)
    after = _reached(((edge.source, edge.pipeline) for edge in every), names)
    return [edge for edge in every if edge.pipeline in before or edge.source in after]


def _reached(steps: Iterable[tuple[str, str]], names: Collection[str]) -> set[str]:
    onward: dict[str, list[str]] = defaultdict(list)
    for left, right in steps:
        onward[left].append(right)
    seen, waiting = {*names}, [*names]
    for name in waiting:  # it grows meanwhile
        new = [other for other in onward[name] if other not in seen]
        seen.update(new)
        waiting += new
    return seen


def in_order(found: Sequence[Edge]) -> Iterator[str]:
    """The names of the graph, each after all that lead to it; what is in a circle, or behind one, is left out."""
    after: dict[str, list[str]] = defaultdict(list)
    waits: dict[str, int] = {}
    for edge in found:
        after[edge.source].append(edge.pipeline)
        waits.setdefault(edge.source, 0)
        waits[edge.pipeline] = waits.get(edge.pipeline, 0) + 1
    ready = [name for name, number in waits.items() if not number]
    for name in ready:  # it grows meanwhile
        yield name
        for other in after[name]:
            waits[other] -= 1
            if not waits[other]:
                ready.append(other)
