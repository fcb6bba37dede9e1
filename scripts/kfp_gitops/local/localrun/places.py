"""Where each task stands in the pipeline, in words for people: `root/for-loop-1/train`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfp_gitops.local.localrun.spec import Component, Pipeline, Task


@dataclass(frozen=True)
class Place:
    """A task, the component that encloses it, and the path of names to it; `endless` if it encloses itself."""

    path: str
    parent: Component
    task: Task
    endless: bool


def all_places(pipeline: Pipeline) -> Iterator[Place]:
    """Every task once for each way to it, enclosing ones first."""
    yield from _below(pipeline, pipeline.root, "", ())


def _below(pipeline: Pipeline, parent: Component, path: str, above: tuple[str, ...]) -> Iterator[Place]:
    for name, task in (parent.dag.tasks if parent.dag else {}).items():
        place = Place(f"{path}{name}", parent, task, task.component in above)
        yield place
        component = pipeline.components.get(task.component)
        if component and not place.endless:
            yield from _below(pipeline, component, f"{place.path}/", (*above, component.name))
