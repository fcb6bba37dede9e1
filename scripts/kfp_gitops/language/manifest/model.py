"""The pipeline manifest as typed, immutable data: what a reviewer reads and the compiler compiles.

Each node keeps `at`, its path in the YAML document, so that every later check can point at the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language.manifest.settings import Pod, Settings, pod_values
from kfp_gitops.language.manifest.slo import Slo
from kfp_gitops.language.manifest.triggers import Trigger
from kfp_gitops.language.manifest.value import Constant, Value

API_VERSION = "kfp-gitops/v1"

Type = Literal["str", "int", "float", "bool", "list", "dict"]
OlderForm = Literal["names", "environment", "volumes", "resources", "metrics", "defaults"]
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge"]
TaskKind = Literal["component", "pipeline", "createPvc", "deletePvc"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of the pipeline; without a default every run must give it, unless it is optional.

    `final_status`: KFP gives it, of a pipeline that is an exit task. `literals`: all that it may be, if there are any.
    """

    name: str
    type: Type
    default: Constant | None
    at: Path
    optional: bool = False
    description: str | None = None
    final_status: bool = False
    literals: tuple[Any, ...] = ()

    @property
    def required(self) -> bool:
        """Whether every run must give it."""
        return self.default is None and not self.optional and not self.final_status


@dataclass(frozen=True)
class Artifact:
    """An artifact that the pipeline is given by the pipeline around it; `type` is a KFP schema title's last part."""

    name: str
    type: str
    many: bool
    optional: bool
    description: str | None
    at: Path


@dataclass(frozen=True)
class Output:
    """A named result of the pipeline, or of a condition."""

    name: str
    value: Value
    at: Path
    description: str | None = None


@dataclass(frozen=True)
class Workspace:
    """A volume that all tasks of a run share."""

    size: str
    pvc_spec_patch: Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    """What a whole run is given, times in seconds."""

    workspace: Workspace | None = None
    ttl_after_finished: int | None = None
    ttl_after_success: int | None = None
    ttl_after_failure: int | None = None
    deadline: int | None = None


@dataclass(frozen=True)
class Task:
    """One run of a component, of a pipeline in the same folder, or of a step that KFP itself does.

    `kind` says which, `name` which one; `arguments` stand at `arguments_at`.
    """

    id: str
    at: Path
    kind: TaskKind
    name: str
    arguments: Mapping[str, Value]
    arguments_at: Path
    settings: Settings
    pod: Pod

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Every value that it is given."""
        return (*self.arguments.values(), *(value for _, value, _ in pod_values(self.pod)))


@dataclass(frozen=True)
class Importer:
    """An artifact that exists already, brought in by its URI."""

    id: str
    at: Path
    uri: Value
    type: str
    reimport: bool
    metadata: Value
    to_workspace: bool
    settings: Settings


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
    display_name: str | None = None


@dataclass(frozen=True)
class Condition:
    """if / elif / else; what of its outputs is taken elsewhere is one choice, however many take it."""

    id: str
    at: Path
    branches: tuple[Branch, ...]
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class Loop:
    """A body that runs once for each item; the types are those of items of a reference, and of all their fields."""

    id: str
    at: Path
    items: Value
    parallelism: int | None
    body: tuple[Node, ...]
    display_name: str
    item_type: Type | None = None
    field_type: Type | None = None


@dataclass(frozen=True)
class Guarded:
    """A body, and one exit task that runs after it whatever happened."""

    id: str
    at: Path
    exit_task: Task
    body: tuple[Node, ...]
    display_name: str


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

    @property
    def constants(self) -> Mapping[str, Any]:
        """What its runs are given: all of it is known before."""
        return self.parameters


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
    display_name: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    outputs: tuple[Output, ...] = ()
    pipeline_root: str | None = None
    component_descriptions: bool = False
    config: Config | None = None
    older_forms: tuple[OlderForm, ...] = ()
    accepted_faults: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    slo: Slo | None = None

    @property
    def starts(self) -> tuple[Schedule | Trigger, ...]:
        """Everything that starts runs by itself."""
        return (*self.schedules, *self.triggers)


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node, outer before inner, in manifest order; exit tasks before the body they guard."""
    for node in nodes:
        yield node
        if type(node) is Task:  # most are, and have no bodies
            continue
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


def used(manifest: Manifest, kind: TaskKind) -> list[str]:
    """The names of the components, or of the pipelines, that tasks run; in order of first use."""
    tasks = (node for node in walk(manifest.body) if isinstance(node, Task))
    return list(dict.fromkeys(task.name for task in tasks if task.kind == kind))
