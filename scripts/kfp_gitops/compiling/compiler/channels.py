"""What the SDK forgets about channels on their way into groups, and how it is reminded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kfp_gitops.compiling.compiler.sdk import dsl
from kfp_gitops.language.manifest import Importer, Loop, Task, Type, walk


def restore_items(task: Any, items: Iterable[Any]) -> None:
    """An item inside a text, list or map comes out of the SDK as a plain channel; make it the loop's item again.

    Else a group between the loop and the task asks for an input that nothing gives.
    """
    known = {item.pattern: item for item in items}
    found = task.channel_inputs
    found[:] = [known.get(channel.pattern, channel) for channel in found]


class _ExactName(str):
    """A name that contains those of its own channels; of others that are a part of its text none that are `needed`."""

    channels: frozenset[str]
    needed: frozenset[str]

    def __contains__(self, part: object) -> bool:
        return part in self.channels or (part not in self.needed and str.__contains__(self, str(part)))


_SDK_TYPES: Mapping[Type, str] = {
    "str": "String",
    "int": "Integer",
    "float": "Float",
    "bool": "Boolean",
    "list": "List",
    "dict": "Dict",
}


def tell_types(item: Any, loop: Loop) -> None:
    """Make the item of a loop what a DSL function says of its list (`List[int]`), which no IR of a component keeps."""
    if loop.item_type:
        fields = f"[str, {_SDK_TYPES[loop.field_type]}]" if loop.field_type else ""
        item.channel_type = f"{_SDK_TYPES[loop.item_type]}{fields}"


def know_own_channels(argument: Any, needed: Iterable[Any]) -> None:
    """Make the SDK find the list of a loop by its name, not by a part of it.

    It asks whether one name is in the other (kfp.compiler.compiler_utils.get_inputs_for_all_groups), so inside a loop
    over `services` it takes a parameter `service` for that list, and does not hand it on to groups in the loop. That
    is mended where they need it (`needed`: what is used in them), for else it does no harm.
    """
    name = _ExactName(argument.full_name)
    name.channels = frozenset(_chain(argument))
    name.needed = frozenset(found for channel in needed for found in _chain(channel))
    kind = type(argument)
    argument.__class__ = type(kind.__name__, (kind,), {"full_name": name})


def _chain(channel: Any) -> Iterator[str]:
    """The names of an item, of what it is an item of, and so on."""
    while isinstance(channel, dsl.pipeline_channel.PipelineChannel):
        yield str(channel.full_name)
        inner = isinstance(channel, dsl.for_loop.LoopArgumentVariable)
        channel = channel.loop_argument if inner else getattr(channel, "items_or_pipeline_channel", None)


def hand_down(items: Any, tasks: Mapping[str, Any], loop: Loop) -> None:
    """The SDK hands the list of a loop into the groups around it only for what uses the item: one task asks for it."""
    if isinstance(items, dsl.pipeline_channel.PipelineChannel):
        first = next(node for node in walk(loop.body) if isinstance(node, Task | Importer))
        tasks[first.id].register_pipeline_channels([items])
