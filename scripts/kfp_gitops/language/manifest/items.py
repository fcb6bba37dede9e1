"""Loops over constant lists of maps, and which of them the SDK cannot compile as they stand.

The SDK loses the item of such a loop at the border of a group (kubeflow/pipelines #13273), gives every field
the type of the first one, and trips over fields that are attributes of its own. All of it compiles when the list
is a parameter, so the compiler makes it the default of a hidden one: there alone, for it changes the IR.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.language.manifest.model import Guarded, Loop, Manifest, Node, bodies, walk
from kfp_gitops.language.manifest.order import inside_groups, values
from kfp_gitops.language.manifest.scope import Scopes
from kfp_gitops.language.manifest.value import Constant, ItemRef, references

# Attributes of the SDK's class for the item of a loop, which a field of the same name would replace
# (kfp.dsl.for_loop.LoopParameterArgument sets each field as an attribute).
_TAKEN = frozenset(
    (
        "name",
        "task_name",
        "channel_type",
        "value",
        "items_or_pipeline_channel",
        "pattern",
        "full_name",
        "task",
    )
) | {"is_with_items_loop_argument", "from_pipeline_channel", "from_raw_items"}


def maps(loop: Loop) -> list[dict[str, Any]]:
    """The items of a loop over a constant list of maps; nothing for every other loop."""
    items = loop.items.value if isinstance(loop.items, Constant) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        return []
    return items


def hidden(manifest: Manifest, scopes: Scopes) -> dict[str, str]:
    """The loops whose list becomes a hidden parameter: loop id → name of the parameter."""
    taken = {p.name for p in manifest.parameters} | {a.name for a in manifest.artifacts}
    names: dict[str, str] = {}
    for node in walk(manifest.body):
        if isinstance(node, Loop) and maps(node) and _fails(node, scopes):
            names[node.id] = name = _free(f"items_of_{node.id.replace('-', '_')}", taken)
            taken.add(name)
    return names


def uses_item(loop: Loop) -> bool:
    """Whether anything inside a loop uses its item, or a field of it."""
    inside = (value for node in walk(loop.body) for value in values(node))
    return any(
        isinstance(reference, ItemRef) and reference.loop == loop.id
        for value in inside
        for reference in references(value)
    )


def _free(name: str, taken: set[str]) -> str:
    while name in taken or keyword.iskeyword(name):
        name += "_"
    return name


def _fails(loop: Loop, scopes: Scopes) -> bool:
    fields = set(_fields_used(loop, loop.body))
    crossing = set(_fields_used(loop, inside_groups(loop.body)))
    if any(not isinstance(group.node, Loop) for group in scopes.around[loop.id]):
        crossing |= (
            fields  # loops around it are not asked for the fields (pipeline_spec_builder.build_spec_by_group)
        )
    return bool(crossing) or _mixed(loop, fields) or _clash(loop)


def _mixed(loop: Loop, fields: set[str]) -> bool:
    first = type(next(iter(maps(loop)[0].values()), None))
    return any(type(item[key]) is not first for item in maps(loop) for key in fields if key in item)


def _clash(loop: Loop) -> bool:
    return any(key in _TAKEN for item in maps(loop) for key in item)


def _fields_used(loop: Loop, nodes: Sequence[Node]) -> Iterator[str]:
    """The fields of a loop's item that nodes, or those inside them, use."""
    for node in nodes:
        for value in values(node):
            for reference in references(value):
                if isinstance(reference, ItemRef) and reference.loop == loop.id and reference.field:
                    yield reference.field
        if isinstance(node, Guarded):
            yield from _fields_used(loop, [node.exit_task])
        for body in bodies(node):
            yield from _fields_used(loop, body)
