"""Defaults that a task leaves to its component, where KFP's driver does not know them: handed over by the task itself.

The driver of 2.17.0 puts the inputs into the command line that the container is started with, and fails for one that
the task does not give («not found in executor input»); the launcher, which knows the defaults, comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language.irlint import commandline
from kfp_gitops.language.irlint.view import Ir

FAULT = "default-unread"
"""Who accepts this has the documents as they were: a pipeline that came in so stays what it was."""


def unread(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str, Any]]:
    """The task, the input and its default, of each such default."""
    ir = Ir(documents[0])
    for parent in ir.all():
        for key, task in parent.tasks.items():
            for name, declared in commandline.left_out(ir, task):
                if "defaultValue" in declared:
                    yield (*parent.at, "dag", "tasks", key), name, declared["defaultValue"]


def told(
    documents: Sequence[Mapping[str, Any]], document: Document, at: Callable[[Path], Path]
) -> Iterator[Problem]:
    """Each as a fault that is accepted, at its place in a document."""
    for place, name, _ in unread(documents):
        what = (
            f"task {place[-1]!r} leaves out {name!r}, which stands in its command line: KFP 2.17 fails there"
        )
        todo = f"take {FAULT} out of `acceptedFaults`: the task hands the default over then"
        yield document.problem(at(place), what, todo, key=True, fault=FAULT)


def filled(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents of an IR, changed in place: every such default is an argument of the task."""
    for place, name, default in list(unread(documents)):
        task: Any = documents[0]
        for key in place:
            task = task[key]
        given = task.setdefault("inputs", {}).setdefault("parameters", {})
        given[name] = {"runtimeValue": {"constant": default}}
    return documents
