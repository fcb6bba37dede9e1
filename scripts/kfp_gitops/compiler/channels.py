"""What the SDK forgets about channels on their way into groups, and how it is reminded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kfp_gitops.compiler.sdk import dsl
from kfp_gitops.manifest import Importer, Loop, Task, walk


def restore_items(task: Any, items: Iterable[Any]) -> None:
    """An item inside a text, list or map comes out of the SDK as a plain channel; make it the loop's item again.

    Else a group between the loop and the task asks for an input that nothing gives.
    """
    known = {item.pattern: item for item in items}
    found = task.channel_inputs
    found[:] = [known.get(channel.pattern, channel) for channel in found]


def hand_down(items: Any, tasks: Mapping[str, Any], loop: Loop) -> None:
    """The SDK hands the list of a loop into the groups around it only for what uses the item: one task asks for it."""
    if isinstance(items, dsl.pipeline_channel.PipelineChannel):
        first = next(node for node in walk(loop.body) if isinstance(node, Task | Importer))
        tasks[first.id].register_pipeline_channels([items])
