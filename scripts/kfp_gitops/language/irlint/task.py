"""One task of a DAG: what it runs, where its inputs come from, what it is repeated over, when it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import (
    Component,
    Ir,
    Node,
    bound,
    component_name,
    iterator,
    kind,
    kind_of,
    one_of,
    placeholders,
    texts,
    title,
)

_READS = re.compile(r"inputs\.(parameter_values|artifacts)\[(?:'([^'\\\n]*)'|\"([^\"\\\n]*)\")\]")
_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
# Given though no component takes them: settings of the container that come from a reference
# (kfp.compiler.pipeline_spec_builder.build_task_spec_for_task).
_SETTINGS = frozenset(
    ("cpu_request", "cpu_limit", "memory_request", "memory_limit", "accelerator_type", "accelerator_count")
) | {"base_image"}
# Given without a binding: KFP fills them in (pipeline_spec.proto, ParameterType).
_FILLED = ("TASK_FINAL_STATUS", "TASK_CONFIG")


@dataclass(frozen=True)
class Place:
    """A task, the component whose DAG it is in, and what it runs if that exists."""

    ir: Ir
    parent: Component
    name: str
    task: Node
    runs: Component | None

    def finding(self, at: Path, what: str, todo: str) -> Finding:
        """A finding at a path below the task."""
        return Finding(
            0, (*self.parent.at, "dag", "tasks", self.name, *at), f"task {self.name!r} {what}", todo
        )

    @property
    def item(self) -> str:
        """The input that holds the item of its own iterator."""
        return str(iterator(self.task).get("itemInput", ""))


def findings(place: Place) -> Iterator[Finding]:
    """Everything that is wrong with a task."""
    if place.runs is None:
        what = f"runs component {component_name(place.task)!r}, which does not exist"
        yield place.finding(("componentRef",), what, one_of(place.ir.components))
    yield from _dependencies(place)
    for what in ("parameters", "artifacts"):
        for name, source in bound(place.task, what).items():
            yield from _source(place, what, name, source)
    yield from _unbound(place)
    yield from _iterator(place)
    yield from _condition(place)


def _dependencies(place: Place) -> Iterator[Finding]:
    for index, name in enumerate(place.task.get("dependentTasks", ())):
        if name not in place.parent.tasks:
            what = f"waits for {name!r}, which is not in the same DAG"
            yield place.finding(("dependentTasks", index), what, one_of(place.parent.tasks))


def _source(place: Place, what: str, name: str, source: Node) -> Iterator[Finding]:
    at: Path = ("inputs", what, name)
    match source:
        case {"componentInputParameter": str(given)} | {"componentInputArtifact": str(given)}:
            yield from _from_parent(place, what, name, given)
        case {"taskOutputParameter": {"producerTask": str(task), "outputParameterKey": str(key)}}:
            yield from _from_task(place, what, name, (task, key))
        case {"taskOutputArtifact": {"producerTask": str(task), "outputArtifactKey": str(key)}}:
            yield from _from_task(place, what, name, (task, key))
        case {"taskFinalStatus": {"producerTask": str(task)}}:
            if task not in place.parent.tasks:
                todo = one_of(place.parent.tasks)
                yield place.finding(at, f"is told how {task!r} ended, which is not in the same DAG", todo)
        case {"runtimeValue": dict(value)}:
            yield from _constant(place, name, value.get("constant"))
        case _:
            yield place.finding(at, f"gets {name!r} from nowhere", "give it a source")
    yield from _undeclared(place, what, name)


def _from_parent(place: Place, what: str, name: str, given: str) -> Iterator[Finding]:
    at: Path = ("inputs", what, name)
    declared = place.parent.declared("inputs", what)
    if given in declared:
        yield from _disagreement(place, what, name, given, declared[given])
    elif given != place.item:
        text = f"refers to input {what[:-1]} {given!r} of {place.parent.name}, which does not exist"
        yield place.finding(at, text, one_of(declared))


def _from_task(place: Place, what: str, name: str, output: tuple[str, str]) -> Iterator[Finding]:
    at: Path = ("inputs", what, name)
    task, key = output
    if task not in place.parent.tasks:
        text = f"refers to task {task!r}, which is not in the same DAG"
        yield place.finding(at, text, one_of(place.parent.tasks))
        return
    producer = place.ir.component(place.parent.tasks[task])
    if producer is None:
        return
    declared = producer.declared("outputs", what)
    if key not in declared:
        text = f"refers to output {what[:-1]} {key!r} of task {task!r}, which does not exist"
        yield place.finding(at, text, one_of(declared))
    elif not (
        producer.tasks and kind(declared[key]) == "list"
    ):  # a group in a loop declares lists of its outputs
        yield from _disagreement(place, what, name, key, declared[key])


def _disagreement(place: Place, what: str, name: str, origin: str, given: Node) -> Iterator[Finding]:
    """The kind that is given against the kind that is wanted; a text takes anything, as KFP's driver turns it to JSON.

    A field that a selector takes, and the item of an untyped list, have no kind that the IR knows.
    """
    wanted = place.runs.declared("inputs", what).get(name) if place.runs else None
    source = bound(place.task, what)[name]
    if wanted is None or "parameterExpressionSelector" in source or "-loop-item" in origin:
        return
    if what == "artifacts":
        left, right = title(given), title(wanted)
        agree = not left or not right or left == right or "system.Artifact" in (left, right)
    else:
        left, right = kind(given), kind(wanted)
        agree = not left or right in ("", "text", left)
    if not agree:
        yield place.finding(
            ("inputs", what, name), f"is given a {left} where {name!r} takes a {right}", "bind another output"
        )


def _constant(place: Place, name: str, value: object) -> Iterator[Finding]:
    at: Path = ("inputs", "parameters", name)
    wanted = place.runs.declared("inputs", "parameters").get(name, {}) if place.runs else {}
    reads = {found for text in texts(value) for found in placeholders(text)}
    given, takes = kind_of(value), kind(wanted)
    if given and takes not in ("", "text", given) and not reads:
        yield place.finding(at, f"is given a {given} where {name!r} takes a {takes}", f"write a {takes}")
    for _, what, key in sorted(reads):
        if key not in bound(place.task, what) and key != place.item:
            todo = one_of(bound(place.task, what))
            yield place.finding(at, f"puts {key!r} into a text, which it is not given", todo)


def _undeclared(place: Place, what: str, name: str) -> Iterator[Finding]:
    if (
        place.runs is None
        or name in place.runs.declared("inputs", what)
        or name in _read_by(place) | _SETTINGS
    ):
        return
    todo = one_of(place.runs.declared("inputs", what))
    text = f"gives {name!r}, which {place.runs.name} does not take"
    yield place.finding(("inputs", what, name), text, todo)


def _read_by(place: Place) -> set[str]:
    """Inputs that the task itself reads: in texts that it puts together, for its iterator, in its condition."""
    constants = (source.get("runtimeValue", {}) for source in bound(place.task, "parameters").values())
    put_in = {key for value in constants for text in texts(value) for _, _, key in placeholders(text)}
    items = iterator(place.task).get("items", {})
    over = {items.get("inputParameter", ""), items.get("inputArtifact", "")}
    return put_in | over | {key for _, key in _conditions_reads(place.task)}


def _unbound(place: Place) -> Iterator[Finding]:
    if place.runs is None:
        return
    for what in ("parameters", "artifacts"):
        given = bound(place.task, what)
        for name, declared in place.runs.declared("inputs", what).items():
            needed = not (declared.get("isOptional") or "defaultValue" in declared)
            filled = declared.get("parameterType") in _FILLED
            if needed and not filled and name not in given and name != place.item:
                todo = f"give it, or make it optional in {place.runs.name}"
                yield place.finding(("inputs",), f"lacks the required input {name!r}", todo)


def _iterator(place: Place) -> Iterator[Finding]:
    loop = iterator(place.task)
    if not loop:
        return
    field = "parameterIterator" if "parameterIterator" in place.task else "artifactIterator"
    if field == "artifactIterator":
        # argocompiler/dag.go and driver/resolve.go: «artifact iterator not implemented yet», 2.17 and later.
        what, todo = (
            "is repeated over artifacts, which no KFP can do yet",
            "repeat it over a list of their names or URIs",
        )
        yield place.finding((field,), what, todo)
    what = "parameters" if field == "parameterIterator" else "artifacts"
    items = loop.get("items", {})
    over = items.get("inputParameter") or items.get("inputArtifact")
    if over and over not in bound(place.task, what):
        text = f"is repeated over {over!r}, which it is not given"
        yield place.finding((field, "items"), text, one_of(bound(place.task, what)))
    elif not over and not _is_list(items.get("raw", "")):
        yield place.finding((field, "items"), "is repeated over no list", "give a JSON list or an input")
    if place.runs and place.item not in place.runs.declared("inputs", what):
        text = f"puts its item into {place.item!r}, which {place.runs.name} does not take"
        yield place.finding((field, "itemInput"), text, one_of(place.runs.declared("inputs", what)))
    if place.runs and items.get("inputParameter") not in (None, "", place.item):
        yield from _list_inside(place.runs, str(items["inputParameter"]))


def _list_inside(loop: Component, items: str) -> Iterator[Finding]:
    """What takes the list of a loop inside it, where KFP's driver has put the item in its place.

    driver/resolve.go, 2.17.0: `delete(inputs.ParameterValues, itemsInput)`, and then of a task in the iteration
    «parent DAG does not have input parameter», also where that is optional.
    """
    for name, task in loop.tasks.items():
        for given, source in bound(task, "parameters").items():
            if source.get("componentInputParameter") == items:
                at = (*loop.at, "dag", "tasks", name, "inputs", "parameters", given)
                what = f"task {name!r} takes the list of the loop that it is in, which KFP takes away in each iteration"
                todo = "hand it on under another name: as an output of a task before the loop"
                yield Finding(0, at, what, todo, "list-in-loop")


def _is_list(raw: str) -> bool:
    try:
        return isinstance(json.loads(raw), list)
    except (ValueError, RecursionError):
        return False


def _condition(place: Place) -> Iterator[Finding]:
    condition = place.task.get("triggerPolicy", {}).get("condition", "")
    if not condition:
        return
    at = ("triggerPolicy", "condition")
    rest = _QUOTED.sub("", condition)
    if set(rest) & {"'", '"', "\\"} or not _balanced(rest):
        text = f"has a condition that is no expression: {condition[:80]}"
        yield place.finding(at, text, "compare with a text without quotes and backslashes")
        return
    for field, name in sorted(_conditions_reads(place.task)):
        what = "artifacts" if field == "artifacts" else "parameters"
        if name not in bound(place.task, what) and name != place.item:
            text = f"has a condition on {name!r}, which it is not given"
            yield place.finding(at, text, one_of(bound(place.task, what)))


def _conditions_reads(task: Node) -> set[tuple[str, str]]:
    condition = task.get("triggerPolicy", {}).get("condition", "")
    return {(found[1], found[2] or found[3] or "") for found in _READS.finditer(condition)}


def _balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0
