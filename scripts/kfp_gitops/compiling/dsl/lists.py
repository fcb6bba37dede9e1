"""Loops over maps that are written down, where kfp's compiler loses the item: their list becomes a parameter's default.

Inside an `ExitHandler` or an `If`, or where an `If` inside the loop uses a field, the SDK either stops with an
AssertionError or refers to what is not there, and no run gets past it (kubeflow/pipelines#13273, seen in kfp 2.14 to
2.17). All of it compiles when the list is a parameter.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.compiling.dsl.loading import Mine, Place

_TYPES = ("str", "int", "float", "bool")
_ITEM = re.compile(r"(pipelinechannel--)?loop-item-param-\d+")


@dataclass
class Lists:
    """The lists of one pipeline; `parameters` are those that were made of them, and where the loop stands."""

    inputs: Any = None
    """The declared inputs of the pipeline that is being made, while lists become parameters."""
    seen: bool = False
    parameters: dict[str, Place | None] = field(default_factory=dict)


def watch(lists: Lists, mine: Mine) -> None:
    """Stand between a loop and its list from now on."""
    from kfp.dsl import tasks_group

    begin = tasks_group.ParallelFor.__init__

    def begun(self: Any, items: Any, name: Any = None, parallelism: Any = None) -> None:
        if isinstance(items, (list, tuple)) and items and isinstance(items[0], dict):
            lists.seen = True
            if lists.inputs is not None:
                items = _parameter(lists, list(items), name, mine.place(sys._getframe(1)))
        begin(self, items, name, parallelism)

    vars_of: Any = tasks_group.ParallelFor
    vars_of.__init__ = begun


def _parameter(lists: Lists, items: list[Any], name: Any, place: Place | None) -> Any:
    from kfp.dsl import pipeline_channel, structures

    base = f"items_of_{re.sub(r'[^a-z0-9]+', '_', str(name or 'loop').lower()).strip('_')}"
    free, number = base, 2
    while free in lists.inputs:
        free, number = f"{base}_{number}", number + 1
    lists.inputs[free] = structures.InputSpec(type="List", default=items, optional=True)
    lists.parameters[free] = place
    return pipeline_channel.create_pipeline_channel(name=free, channel_type=_type(items))


def _type(items: list[Any]) -> str:
    """The type of the list, as an annotation says it: fields have that of the first, as in a list that stands there.

    So it is in kfp.dsl.for_loop, `_get_first_element_type`, whatever types the others have.
    """
    kind = type(next(iter(items[0].values()), None)).__name__
    return f"List[Dict[str, {kind}]]" if kind in _TYPES else "List"


def made(
    lists: Lists, begin: Callable[..., None], pipeline: Any, component_spec: Any, *more: Any, **named: Any
) -> dict[str, Place | None]:
    """Make a pipeline as kfp does, and where that loses items once more; the parameters that lists have become."""
    lists.inputs, lists.seen, lists.parameters = None, False, {}
    first = _failed(begin, pipeline, component_spec, *more, **named)
    if not lists.seen or not (first or _dangles(component_spec.implementation.graph)):
        if first:
            raise first
        return {}
    before = component_spec.inputs
    lists.inputs = component_spec.inputs = dict(before or {})
    second = _failed(begin, pipeline, component_spec, *more, **named)
    lists.inputs = None
    if second is None:
        return dict(lists.parameters)
    component_spec.inputs = before
    if first:
        raise first
    begin(pipeline, component_spec, *more, **named)
    return {}


def _failed(begin: Callable[..., None], *arguments: Any, **named: Any) -> Exception | None:
    try:
        begin(*arguments, **named)
    except Exception as error:  # of the user's function, or what the SDK has against it
        return error
    return None


def _dangles(spec: Any) -> bool:
    """Whether a compiled pipeline refers to the item of a loop where there is none."""
    return any(next(_dangling(one), None) for one in (spec.root, *spec.components.values()))


def _dangling(parent: Any) -> Iterator[str]:
    declared = set(parent.input_definitions.parameters)
    for task in parent.dag.tasks.values():
        own = {task.parameter_iterator.item_input}
        for given in task.inputs.parameters.values():
            source = given.component_input_parameter
            if _ITEM.match(source) and source not in declared | own:
                yield source
