"""Triggers: what they say of when a run starts, and what they hand to it of its cause.

Which pipelines there are beside this one, and what they give, is asked of all of them together (`checking.chains`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check.context import Context, a
from kfp_gitops.language.manifest import (
    AfterRun,
    FactOfData,
    FactOfRun,
    FromCause,
    OnChange,
    OnData,
    OutputOf,
    Schedule,
    Trigger,
)

_OF_CAUSES = ("onlyWithin", "onMissed", "maxConcurrency")
_Told = tuple[str, str]
"""What is wrong, and what to do."""


def references(start: Schedule | Trigger) -> Sequence[str]:
    """The keys of references that its parameters may be; a run that is started by time or a release has none."""
    by_cause = isinstance(start, Trigger) and not isinstance(start.run_on, OnChange)
    return ("output", "run", "data", "constant") if by_cause else ()


def meant_output(start: Schedule | Trigger, value: object) -> str:
    """What to write in place of a reference as those of tasks are; nothing where it is none, or no run is before it."""
    after = isinstance(start, Trigger) and isinstance(start.run_on, AfterRun)
    match value:
        case {"task": str(task), "output": str(output)} if after:
            return f"of the run before it that is {{output: {task}.{output}}}"
    return ""


def problems(context: Context) -> Iterator[Problem]:
    """Of all triggers."""
    for trigger in context.manifest.triggers:
        yield from _window(context, trigger)
        match trigger.run_on:
            case OnChange():
                yield from _on_change(context, trigger)
            case OnData():
                yield from _data(context, trigger, trigger.run_on)
        for name, value in trigger.references.items():
            at = (*trigger.at, "parameters", name)
            if told := _not_of(trigger, value) or _not_a_text(context, name, value):
                yield context.document.problem(at, *told)


def _on_change(context: Context, trigger: Trigger) -> Iterator[Problem]:
    """There is one cause of it, when `apply` registers a release: none can wait, or be missed."""
    said = context.document.value["triggers"][trigger.at[-1]]
    for key in (key for key in _OF_CAUSES if key in said):
        what = f"`{key}` says nothing of a run on change, which starts when its release is registered"
        yield context.document.problem((*trigger.at, key), what, "drop it", key=True)


def _window(context: Context, trigger: Trigger) -> Iterator[Problem]:
    said = context.document.value["triggers"][trigger.at[-1]].get("onlyWithin", {})
    if "from" in said and said["from"] == said["to"]:
        at: Path = (*trigger.at, "onlyWithin", "to")
        what = f"the window begins and ends at {said['to']}"
        yield context.document.problem(at, what, "drop from and to for whole days, or write a later end")


def _data(context: Context, trigger: Trigger, on: OnData) -> Iterator[Problem]:
    at: Path = (*trigger.at, "runOn", "data", "uri")
    folder = on.key.endswith("/") or not on.key
    if {".", ".."} & {*on.key.split("/")}:
        what = f"{on.uri!r} has a part . or .., which a server may take for another place than was reviewed"
        yield context.document.problem(at, what, "name the place itself")
    if on.changes == "etag" and folder:
        todo = "name one object, or write `changes: newest-key`"
        yield context.document.problem(at, f"{on.uri!r} is no single object, which alone has an ETag", todo)
    if on.changes == "newest-key" and not folder:
        todo = "end the prefix with /, or write `changes: etag` for one object"
        yield context.document.problem(at, f"{on.uri!r} is one object, with no keys below it", todo)


def _not_of(trigger: Trigger, value: FromCause) -> _Told | None:
    """A reference to what its cause does not have."""
    match trigger.run_on, value:
        case OnData(), OutputOf() | FactOfRun():
            return (
                "a run on data comes after no run",
                "take {data: uri}, {data: key}, {data: etag} or {data: modified}",
            )
        case AfterRun(), FactOfData():
            return "a run after another run is started by no data", "take {run: …} or {output: …}"
        case AfterRun(state="FAILED" | "ENDED"), OutputOf(_, output):
            what = f"a run that did not succeed may have no {output!r}"
            return what, "take {run: id}, or write `state: SUCCEEDED`"
    return None


def _not_a_text(context: Context, name: str, value: FromCause) -> _Told | None:
    """Every fact is a text; of an output its pipeline tells."""
    wanted = context.inputs[name].type if name in context.inputs else None
    if wanted in (None, "str") or isinstance(value, OutputOf):
        return None
    return (
        f"{value.fact!r} is a text, and {name!r} is {a(str(wanted))}",
        "hand it to a parameter that is a str",
    )
