"""Values as a manifest writes them: constants, and references to what is known only in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The IR keeps numbers as protobuf's `number_value`, an IEEE 754 double: whole numbers are exact up to here.
MAX_EXACT = 2**53


@dataclass(frozen=True)
class Constant:
    """A value that is known at review time."""

    value: Any


@dataclass(frozen=True)
class ParameterRef:
    """`{param: name}`: a parameter of the pipeline."""

    name: str


@dataclass(frozen=True)
class ArtifactRef:
    """`{artifact: name}`: an artifact that the pipeline is given."""

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
class OneOfRef:
    """`{oneOf: [{task: id, output: name}, …]}`: the output of the branch that was taken.

    `name`: (condition, output) where it is an output of a condition, which is one for all that take it.
    """

    options: tuple[OutputRef, ...]
    name: tuple[str, str] | None = None


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


@dataclass(frozen=True)
class EntriesValue:
    """`[{key: a, value: b}, …]`: a map whose keys may be references, too; only the metadata of an importer is one."""

    items: tuple[tuple[Value, Value], ...]


@dataclass(frozen=True)
class ConcatValue:
    """`{concat: [a, b, …]}`: one text of several, what an f-string is in the DSL."""

    items: tuple[Value, ...]


Value = (
    Constant
    | ParameterRef
    | ArtifactRef
    | OutputRef
    | ItemRef
    | CollectRef
    | OneOfRef
    | RunRef
    | ListValue
    | MapValue
    | EntriesValue
    | ConcatValue
)


def parts(value: Value) -> tuple[Value, ...]:
    """What a list, a map or a text is put together from; nothing for every other value."""
    if isinstance(value, ListValue | ConcatValue):
        return value.items
    if isinstance(value, EntriesValue):
        return tuple(part for entry in value.items for part in entry)
    return tuple(value.items.values()) if isinstance(value, MapValue) else ()


def references(value: Value) -> Sequence[Value]:
    """Every reference inside a value, itself included; of `oneOf` itself alone."""
    if isinstance(value, Constant):
        return ()
    inner = parts(value)
    return [found for item in inner for found in references(item)] if inner else (value,)


def tasks(value: Value) -> Iterator[str]:
    """The ids of the tasks that a value takes outputs of."""
    for reference in references(value):
        match reference:
            case OutputRef(task) | CollectRef(task):
                yield task
            case OneOfRef(options):
                yield from (option.task for option in options)
