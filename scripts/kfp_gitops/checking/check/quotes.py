"""References inside a text, a list or a map: what KFP puts in their place, and when that breaks the step.

The SDK writes them as placeholders into JSON, and the launcher replaces those unescaped (backend/src/v2/component/
launcher_v2.go, compileCmdAndArgs; seen on KFP 2.17.0: JSONDecodeError). The driver replaces nothing there but the
workspace, so a pipeline inside, a volume claim and facts of the run get the placeholder itself (driver/resolve.go,
resolveInputParameter, compares the whole text; read in the source of 2.17.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfp_gitops.base import gojson
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check import known
from kfp_gitops.checking.check.context import BUILTINS, Context, named, shown
from kfp_gitops.language.manifest import Constant, RunRef, Task, Value, order, parts, references, walk

# What JSON escapes in a text.
_BREAKS = re.compile(r'["\\\x00-\x1f]')
_ALONE = "give it as an argument of its own"


def problems(context: Context) -> Iterator[Problem]:
    """Values that are known and would break the step, and references that nothing replaces."""
    yield from _root(context)
    for task, reference, at in _inside(context):
        kind = context.kind(reference)
        if isinstance(reference, RunRef) and reference.fact not in ("workspace", "pipeline-root"):
            what = _placeholder(reference.fact, "as a whole argument only")
            yield context.document.problem(at, what, _ALONE, fault="fact-left")
        elif task.kind in BUILTINS:
            what = f"KFP's driver does the step itself and replaces no part of a value: {task.kind} gets a placeholder"
            yield context.document.problem(at, what, "give the whole value as one reference or constant")
        elif kind and kind.type == "dict":
            what = f"{named(kind)} stands inside a text, list or map: KFP puts it there unescaped, and the step fails"
            yield context.document.problem(at, what, _ALONE)
        for value, place in known.constants(context, reference, at):
            if _breaks(value):
                what = f"{shown(value)} breaks task {task.id!r}, where it is part of a text, list or map: KFP does not"
                todo = f"{_ALONE} there, or write it without double quotes, backslashes and line breaks"
                kind_ = known.fault(place, "json-unescaped")
                yield context.document.problem(place, f"{what} escape it", todo, fault=kind_)


def warnings(context: Context) -> Iterator[Problem]:
    """References whose values only a run tells, and those that KFP leaves as they are."""
    for task, reference, at in _inside(context):
        kind = context.kind(reference)
        if isinstance(reference, RunRef):
            continue
        if task.kind == "pipeline":
            what = "KFP 2.17 replaces no part of what a pipeline inside is given: its steps get a placeholder"
            yield context.document.problem(
                at, what, "give the parts as arguments, and put them together there"
            )
        elif kind and kind.type in ("str", "list") and known.only_in_a_run(context, reference):
            what = "a double quote, backslash or line break in it breaks the step: KFP puts it into JSON unescaped"
            yield context.document.problem(at, what, f"{_ALONE}, or make sure that it has none")


def _root(context: Context) -> Iterator[Problem]:
    """driver/resolve.go, resolveInputParameter, knows each fact of a run but this one (2.17.0 and August 2026)."""
    for node in walk(context.manifest.body):
        for value in order.values(node):
            if RunRef("pipeline-root") in references(value):
                at = node.at
                if isinstance(node, Task):
                    at = next(
                        ((*node.arguments_at, name) for name, one in node.arguments.items() if one == value),
                        at,
                    )
                todo = "write the path, which `spec.pipelineRoot` or the installation says"
                what = _placeholder("pipeline-root", "nowhere")
                yield context.document.problem(at, what, todo, fault="fact-left")


def _placeholder(fact: str, where: str) -> str:
    return f"KFP 2.17 replaces {{run: {fact}}} {where}; this stays a placeholder"


def _breaks(value: object) -> bool:
    if isinstance(value, str):
        return _BREAKS.search(value) is not None
    return isinstance(value, list | dict) and '"' in gojson.text(value)


def _inside(context: Context) -> Iterator[tuple[Task, Value, Path]]:
    """Each reference in a text, list or map that a task is given, and where."""
    for node in walk(context.manifest.body):
        if isinstance(node, Task):
            for name, value in node.arguments.items():
                for part in parts(value):
                    for reference in references(part):
                        if not isinstance(reference, Constant):
                            yield node, reference, (*node.arguments_at, name)
