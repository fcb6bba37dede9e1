"""What a run's tasks gave, as records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kfp_gitops.kfpserver.metadata import logged
from kfp_gitops.kfpserver.metadata.given import NOTHING, given

_OWN = frozenset({"display_name", "store_session_info"})
"""What KFP adds to an artifact's metadata (RecordArtifact)."""


@dataclass(frozen=True)
class Artifact:
    """`kind`: its type, such as `system.Metrics`; `metadata`: what its component logged with it."""

    uri: str
    kind: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers among it, by name."""
        return logged.numbers({"metadata": self.metadata})


@dataclass(frozen=True)
class Execution:
    """One record of the store."""

    id: int
    state: str
    properties: Mapping[str, Any]
    artifacts: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A property that is a text, else ""."""
        found = self.properties.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int | None:
        """A property that is a whole number."""
        found = self.properties.get(name)
        return found if isinstance(found, int) else None


@dataclass(frozen=True)
class TaskResults:
    """One task in one place; `path` are the keys in the IR of the groups around it and its own, `names` what is shown.

    `iteration`: the numbers of the iterations around it, from 0, the outermost first; `number`: the one among all of
    them, None where there is but one. `state`: one of `messages.STATES`.
    """

    path: tuple[str, ...]
    names: tuple[str, ...]
    iteration: tuple[int, ...]
    state: str
    parameters: Mapping[str, Any]
    artifacts: Mapping[str, tuple[Artifact, ...]]
    group: bool = False
    number: int | None = None

    @property
    def label(self) -> str:
        """`train`, `each/train`, and of several iterations `each/train #2`, as comparisons name it."""
        return "/".join(self.names) + ("" if self.number is None else f" #{self.number}")


@dataclass(frozen=True)
class RunResults:
    """All tasks of a run, and what is known of its pipeline's own outputs."""

    tasks: tuple[TaskResults, ...]
    pipeline: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[tuple[str, str], Any]:
        """(label, output) → the value of a parameter, or the URI of an artifact (of several: the first).

        Those of the pipeline itself have the label "".
        """
        own = {("", name): value for name, value in self.pipeline.items()}
        return own | {(one.label, name): value for one in self.tasks for name, value in _outputs(one).items()}

    @property
    def of_ids(self) -> dict[tuple[str, str], Any]:
        """The same by a task's own name alone, whatever stands around it, as triggers name it; nothing of loops."""
        found = {("", name): value for name, value in self.pipeline.items()}
        for one in sorted(self.tasks, key=lambda one: len(one.path)):
            if not one.iteration:
                values = _outputs(one)
                for own in dict.fromkeys((one.names[-1], one.path[-1])):
                    found = {**{(own, name): value for name, value in values.items()}, **found}
        return found

    @property
    def metrics(self) -> dict[tuple[str, str], dict[str, float]]:
        """(label, artifact) → what was logged with it in numbers, groups' own outputs aside."""
        return {
            (one.label, name): found
            for one in self.tasks
            if not one.group
            for name, artifacts in one.artifacts.items()
            if (found := {key: value for artifact in artifacts for key, value in artifact.metrics.items()})
        }

    def named(self, names: Mapping[tuple[str, ...], tuple[str, ...]]) -> RunResults:
        """The same with other names, by path: those of the manifest that was compiled."""
        renamed = (replace(one, names=names.get(one.path, one.names)) for one in self.tasks)
        return replace(self, tasks=tuple(renamed))

    def of_pipeline(self, spec: Mapping[str, Any]) -> RunResults:
        """The same with the outputs of the pipeline itself, which only its IR says where to find.

        A parameter's value, or an artifact's URI.
        """
        own = (((spec.get("root") or {}).get("dag")) or {}).get("outputs") or {}
        inside = {one.path[0]: one for one in self.tasks if len(one.path) == 1}
        parameters = given(own.get("parameters") or {}, partial(_one, inside, "parameters"))
        artifacts = given(own.get("artifacts") or {}, partial(_one, inside, "artifacts"))
        uris = {name: found[0].uri for name, found in artifacts.items() if found}
        return replace(self, pipeline={**uris, **parameters})


def _outputs(task: TaskResults) -> dict[str, Any]:
    uris = {name: found[0].uri for name, found in task.artifacts.items() if found}
    return {**uris, **task.parameters}


def _one(inside: Mapping[str, TaskResults], kind: str, key: str, name: str) -> Any:
    task = inside.get(key)
    return getattr(task, kind).get(name, NOTHING) if task is not None else NOTHING


def metadata(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What was logged, from an artifact's properties: KFP keeps a list in `{list: …}`, a map in `{struct: …}`.

    A bool is kept as 0 or 1 (backend/src/v2/metadata/converter.go `StructValueToMLMDValue`).
    """
    return {name: _unwrapped(value) for name, value in properties.items() if name not in _OWN}


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Mapping) and len(value) == 1:
        ((key, inner),) = value.items()
        if (key == "list" and isinstance(inner, list)) or (key == "struct" and isinstance(inner, Mapping)):
            return inner
    return value
