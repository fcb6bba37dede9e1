"""The pipeline manifest as typed, immutable data: what a reviewer reads and the compiler compiles.

Each node keeps `at`, its path in the YAML document, so that every later check can point at the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kfp_gitops.yamltext import Document, Path

API_VERSION = "kfp-gitops/v1alpha1"

Type = Literal["str", "int", "float", "bool", "list", "dict"]
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge"]


@dataclass(frozen=True)
class Constant:
    """A value that is known at review time."""

    value: Any


@dataclass(frozen=True)
class ParameterRef:
    """`{param: name}`: a parameter of the pipeline."""

    name: str


@dataclass(frozen=True)
class OutputRef:
    """`{task: id, output: name}`: an output of another task."""

    task: str
    output: str


@dataclass(frozen=True)
class ItemRef:
    """`{item: loop}` or `{item: loop, field: key}`: the current item of an enclosing loop."""

    loop: str
    field: str | None = None


@dataclass(frozen=True)
class CollectRef:
    """`{collect: {task: id, output: name}}`: an output over all iterations of a loop."""

    task: str
    output: str


@dataclass(frozen=True)
class RunRef:
    """`{run: id}`: a fact of the run, known when it starts."""

    fact: str


@dataclass(frozen=True)
class ListValue:
    """A list in which at least one item is a reference."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class MapValue:
    """A map in which at least one value is a reference."""

    items: Mapping[str, Value]


Value = Constant | ParameterRef | OutputRef | ItemRef | CollectRef | RunRef | ListValue | MapValue


@dataclass(frozen=True)
class Parameter:
    """A parameter of the pipeline; without a default every run must give it."""

    name: str
    type: Type
    default: Constant | None
    at: Path


@dataclass(frozen=True)
class Retry:
    """How often and after which waits (KFP duration texts) a failed task is tried again."""

    count: int
    backoff: str | None
    factor: float | None
    max_backoff: str | None


@dataclass(frozen=True)
class Resources:
    """Kubernetes quantities, or None where the cluster decides."""

    cpu_request: str | None = None
    cpu_limit: str | None = None
    memory_request: str | None = None
    memory_limit: str | None = None


@dataclass(frozen=True)
class Task:
    """One run of a component."""

    id: str
    at: Path
    component: str
    arguments: Mapping[str, Value]
    after: tuple[str, ...]
    ignore_upstream_failure: bool
    retry: Retry | None
    cache: bool | None
    resources: Resources
    env: Mapping[str, str]


@dataclass(frozen=True)
class Importer:
    """An artifact that exists already, brought in by its URI."""

    id: str
    at: Path
    uri: Value
    type: str
    reimport: bool
    after: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """`left operator right`."""

    operator: Operator
    left: Value
    right: Value
    at: Path


@dataclass(frozen=True)
class Branch:
    """One arm of a condition; `when` is None for else."""

    when: Comparison | None
    body: tuple[Node, ...]
    at: Path


@dataclass(frozen=True)
class Condition:
    """if / elif / else."""

    id: str
    at: Path
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Loop:
    """A body that runs once for each item."""

    id: str
    at: Path
    items: Value
    parallelism: int | None
    body: tuple[Node, ...]


@dataclass(frozen=True)
class Guarded:
    """A body, and one exit task that runs after it whatever happened."""

    id: str
    at: Path
    exit_task: Task
    body: tuple[Node, ...]


Node = Task | Importer | Condition | Loop | Guarded


@dataclass(frozen=True)
class Schedule:
    """A recurring run: either `cron` (six fields, UTC unless the server says otherwise) or an interval.

    `on_replace`: whether a replacement waits for the runs in flight. `on_missed`: whether firings that were missed
    while it was off or being replaced are made up for by one run.
    """

    name: str
    cron: str | None
    interval_seconds: int | None
    enabled: bool
    parameters: Mapping[str, Any]
    start: str | None
    end: str | None
    max_concurrency: int
    catchup: bool
    at: Path
    on_replace: Literal["orphan", "wait"] = "orphan"
    on_missed: Literal["report", "run"] = "report"


@dataclass(frozen=True)
class Trigger:
    """One run when a release is registered for the first time in an environment."""

    name: str
    parameters: Mapping[str, Any]
    at: Path


@dataclass(frozen=True)
class Manifest:
    """A whole pipeline manifest and the document it was read from; `ir` names the file that stands for its tasks."""

    name: str
    description: str
    owner: str
    parameters: tuple[Parameter, ...]
    body: tuple[Node, ...]
    schedules: tuple[Schedule, ...]
    document: Document
    ir: str | None = None
    triggers: tuple[Trigger, ...] = ()

    @property
    def starts(self) -> tuple[Schedule | Trigger, ...]:
        """Everything that starts runs by itself."""
        return (*self.schedules, *self.triggers)


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node, outer before inner, in manifest order; exit tasks before the body they guard."""
    for node in nodes:
        yield node
        if isinstance(node, Guarded):
            yield node.exit_task
        for body in bodies(node):
            yield from walk(body)


def bodies(node: Node) -> tuple[tuple[Node, ...], ...]:
    """The bodies inside a node: none for a task."""
    if isinstance(node, Condition):
        return tuple(branch.body for branch in node.branches)
    if isinstance(node, Loop | Guarded):
        return (node.body,)
    return ()


def components(manifest: Manifest) -> list[str]:
    """The names of the components used, in order of first use."""
    return list(dict.fromkeys(node.component for node in walk(manifest.body) if isinstance(node, Task)))


def references(value: Value) -> Iterator[Value]:
    """Every reference inside a value, itself included."""
    if isinstance(value, ListValue):
        for item in value.items:
            yield from references(item)
    elif isinstance(value, MapValue):
        for item in value.items.values():
            yield from references(item)
    elif not isinstance(value, Constant):
        yield value
