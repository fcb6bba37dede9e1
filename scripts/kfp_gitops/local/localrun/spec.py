"""The typed view of a compiled pipeline (KFP's intermediate representation, IR)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kfp_gitops.local.localrun.values import Json


@dataclass(frozen=True)
class Constant:
    """A value written in the pipeline; a string may hold placeholders."""

    value: Json


@dataclass(frozen=True)
class PipelineInput:
    """An input of the enclosing pipeline, loop or condition."""

    name: str


@dataclass(frozen=True)
class TaskOutput:
    """An output of another task of the same DAG."""

    task: str
    key: str


@dataclass(frozen=True)
class FinalStatus:
    """How another task ended: what an exit task is told."""

    task: str


@dataclass(frozen=True)
class Unknown:
    """A source of another kind than kfp compiles."""

    what: str


Source: TypeAlias = Constant | PipelineInput | TaskOutput | FinalStatus | Unknown


@dataclass(frozen=True)
class Binding:
    """Where the value of a task's parameter comes from; `selector` takes a field of it."""

    source: Source
    selector: str = ""


@dataclass(frozen=True)
class ParameterInput:
    """A declared input parameter."""

    type: str
    optional: bool
    has_default: bool
    default: Json
    literals: tuple[Json, ...]


@dataclass(frozen=True)
class Loop:
    """What a task is repeated over: a constant list (`raw`, JSON) or one of its inputs."""

    item: str
    raw: str
    input: str
    over_artifacts: bool
    parallelism: int


@dataclass(frozen=True)
class Retry:
    """How often a failed task is tried again, and the seconds between: `backoff · factorⁿ`.

    No attempt begins later than `longest` seconds after the first one did: Argo's `maxDuration`.
    """

    count: int
    backoff: float
    factor: float
    longest: float


@dataclass(frozen=True)
class Task:
    """A node of a DAG. `always` is the trigger policy ALL_UPSTREAM_TASKS_COMPLETED.

    `caches`: it may be answered from what it gave before.
    """

    name: str
    display_name: str
    component: str
    parameters: Mapping[str, Binding]
    artifacts: Mapping[str, Source]
    dependencies: tuple[str, ...]
    condition: str
    always: bool
    loop: Loop | None
    retry: Retry
    caches: bool


@dataclass(frozen=True)
class Dag:
    """Tasks, and which outputs of theirs are the outputs of the whole: the first that exists (`dsl.OneOf`)."""

    tasks: Mapping[str, Task]
    parameters: Mapping[str, tuple[TaskOutput, ...]]
    artifacts: Mapping[str, tuple[TaskOutput, ...]]


@dataclass(frozen=True)
class Component:
    """What a task runs: a DAG or an executor. `document` is the IR of it, for kfp's own functions."""

    name: str
    parameters: Mapping[str, ParameterInput]
    artifacts: Mapping[str, bool]
    output_parameters: frozenset[str]
    output_artifacts: frozenset[str]
    dag: Dag | None
    executor: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Importer:
    """An existing artifact that is taken into the run; `uri` is None when it is an input.

    With `again` it becomes a new artifact each time, and so one that no cache knows.
    """

    uri: str | None
    schema_title: str
    schema_version: str
    metadata: Mapping[str, Json]
    to_workspace: bool
    again: bool


@dataclass(frozen=True)
class Executor:
    """How a component runs. `kind` is the key of the IR: container, importer, or one that KFP does not run.

    `command` is the container's command and its args, which begin at `args_from`; `variables` are environment
    variables whose values the cluster has (secrets and the like), `claims` the names of the volumes it mounts,
    `mounts` the paths at which it finds files that the cluster has.
    """

    label: str
    kind: str
    image: str
    command: tuple[str, ...]
    args_from: int
    env: Mapping[str, str]
    limits: tuple[str, ...]
    variables: tuple[str, ...]
    claims: tuple[Source, ...]
    mounts: tuple[str, ...]
    importer: Importer | None


@dataclass(frozen=True)
class Pipeline:
    """A compiled pipeline; `cluster` is the part of the platform spec that is for Kubernetes."""

    name: str
    root: Component
    components: Mapping[str, Component]
    executors: Mapping[str, Executor]
    cluster: Mapping[str, Any]

    def component(self, task: Task) -> Component:
        """What a task runs."""
        return self.components[task.component]

    def executor(self, component: Component) -> Executor:
        """How a component that is not a DAG runs."""
        return self.executors[component.executor]
