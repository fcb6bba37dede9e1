"""A manifest's values as what the driver hands to a task: constants, outputs, and texts that are put together. Pure.

A text, list or map with references in it is compiled to a constant with placeholders, which the driver does not replace
before it makes the key, and to an input of its own for each reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.language.manifest import (
    ArtifactRef,
    CollectRef,
    ConcatValue,
    Constant,
    EntriesValue,
    ItemRef,
    ListValue,
    MapValue,
    OneOfRef,
    OutputRef,
    ParameterRef,
    RunRef,
    references,
)
from kfp_gitops.language.manifest import Value as Written
from kfp_gitops.review.caching.facts import constant
from kfp_gitops.review.caching.names import Names
from kfp_gitops.review.caching.values import Derived, Value, field_of, known

_FACTS = {
    "id": "{{$.pipeline_job_uuid}}",
    "name": "{{$.pipeline_job_name}}",
    "resource-name": "{{$.pipeline_job_resource_name}}",
    "create-time": "{{$.pipeline_job_create_time_utc}}",
    "schedule-time": "{{$.pipeline_job_schedule_time_utc}}",
    "pipeline-root": "{{$.pipeline_root}}",
    "task-id": "{{$.pipeline_task_uuid}}",
    "task-name": "{{$.pipeline_task_name}}",
    "workspace": "{{$.workspace_path}}",
}


@dataclass
class Scope:
    """What is known at a point of a manifest: parameters, artifacts, outputs and items by name."""

    parameters: Mapping[str, Value]
    artifacts: Mapping[str, Value]
    names: Names
    outputs: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    items: dict[str, Value] = field(default_factory=dict)
    collected: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Task in a loop → output → what all iterations made of it."""
    groups: dict[str, int] = field(default_factory=dict)
    """Loop → how many groups were counted when it began."""

    def value(self, written: Written, task: str = "") -> Value | None:
        """One reference or constant, for the task of this name of the SDK; None where nothing is given."""
        match written:
            case Constant(value):
                return constant(value, task)
            case RunRef(fact):
                return constant(_FACTS.get(fact, fact), task)
            case ParameterRef(name):
                found = self.parameters.get(name)
                return None if found == known(None) else found
            case ArtifactRef(name):
                return self.artifacts.get(name)
            case OutputRef(name, output):
                return self.outputs.get(name, {}).get(output)
            case CollectRef(name, output):
                return self.collected.get(name, {}).get(output)
            case ItemRef(loop, name):
                item = self.items.get(loop)
                return field_of(item, name) if item is not None and name else item
            case OneOfRef(options):
                values = [value for one in options if (value := self.value(one)) is not None]
                return Derived("oneOf", tuple(values))
        return constant(self.template(written), task)

    def template(self, written: Written) -> Any:
        """The constant that the compiler makes of a value."""
        match written:
            case Constant(value):
                return value
            case RunRef(fact):
                return _FACTS.get(fact, fact)
            case ConcatValue(items):
                return "".join(str(self.template(item)) for item in items)
            case ListValue(items):
                return [self.template(item) for item in items]
            case MapValue(items):
                return {key: self.template(item) for key, item in items.items()}
            case EntriesValue(items):
                return {str(self.template(key)): self.template(item) for key, item in items}
        return f"{{{{$.inputs.parameters['{self.names.channel(written)}']}}}}"

    def channels(self, written: Written) -> Iterator[tuple[str, Value]]:
        """The inputs that the references inside a text, list or map become."""
        if isinstance(written, ConcatValue | ListValue | MapValue | EntriesValue):
            yield from self.channels_of(written)

    def channels_of(self, written: Written) -> Iterator[tuple[str, Value]]:
        """Those of any value."""
        for reference in references(written):
            if not isinstance(reference, RunRef):
                value = self.value(reference)
                if value is not None:
                    yield self.names.channel(reference), value
