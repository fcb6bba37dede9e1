"""Macros of KFP's server where it does not expand them, and misspelt ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfp_gitops.base.errors import Problem, meant
from kfp_gitops.base.yamltext import Path
from kfp_gitops.language import macros
from kfp_gitops.language.manifest import Constant, Manifest, Schedule, Task, walk

_TODO = "give it as a text parameter of a run by hand or of a trigger"


def warnings(manifest: Manifest) -> Iterator[Problem]:
    """Macros that would reach the steps as they are written."""
    document = manifest.document
    for parameter in manifest.parameters:
        if parameter.default is not None:
            for at, name in _inside(parameter.default.value, (*parameter.at, "default")):
                yield document.problem(at, f"KFP expands no [[{name}]] in a default", _TODO)
    for node in walk(manifest.body):
        if isinstance(node, Task):
            for key, value in node.arguments.items():
                if isinstance(value, Constant):
                    for at, name in _inside(value.value, (*node.arguments_at, key)):
                        yield document.problem(
                            at, f"KFP expands no [[{name}]] in an argument", f"{_TODO}, and take that"
                        )
    for start in manifest.starts:
        for key, value in start.constants.items():
            for at, name in _inside(value, (*start.at, "parameters", key)):
                why = _why_not(name, value, isinstance(start, Schedule))
                if why:
                    yield document.problem(at, *why)


def _why_not(name: str, value: Any, scheduled: bool) -> tuple[str, str] | None:
    if name not in macros.KNOWN:
        return f"KFP knows no [[{name}]]", f"did you mean [[{meant(name, macros.KNOWN)}]]?"
    if not isinstance(value, str):
        return f"KFP expands no [[{name}]] inside a list or map", "give it as a text parameter"
    if scheduled:
        todo = "give {run: schedule-time} to a step, which makes of it what it needs"
        return (
            f"KFP 2.17 expands no [[{name}]] in a schedule: its runs are compiled when it is registered",
            todo,
        )
    if name in macros.OF_SCHEDULES:
        return f"the run of a trigger has no schedule, so [[{name}]] stays as it is", "take [[CurrentTime]]"
    return None


def _inside(value: Any, at: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield from ((at, name) for name in macros.names(value))
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _inside(item, (*at, key))
