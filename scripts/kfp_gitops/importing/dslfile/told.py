"""What is wrong with a DSL file, at its line; and what of it was left undone, or not given."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.importing.dslfile.functions import DslFile, Pipeline

_MIGRATE = "https://www.kubeflow.org/docs/components/pipelines/user-guides/migration/"
_KFP = "pip install kfp==2.17.3 kfp-kubernetes==2.17.3"


def problem(error: Mapping[str, Any], given: str, file: Path, python: str) -> Problem:
    """An `error` of the file's process; `given` is the file as people named it."""
    path = path_of(str(error.get("file") or file), given, file)
    line, column = int(error.get("line", 0)), int(error.get("column", 0))
    what, todo = _variable(error) or _said(error, python)
    shown = f" in `{error['text']}`" if error.get("text") else ""
    return Problem(path, line, column or (1 if line else 0), f"{what}{shown}", todo)


def path_of(place: str, given: str, file: Path) -> str:
    """A file of the user's, as they would say it from where they stand."""
    if place == str(file):
        return given
    try:
        return Path(place).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return place


def _said(error: Mapping[str, Any], python: str) -> tuple[str, str]:
    kind, text, name = error["kind"], error["message"], error["name"]
    raised = f"{error['type']}: {text}" if text else str(error["type"])
    match kind:
        case "syntax":
            return (
                f"{python} does not read this: {raised}",
                "correct it, or name the Python it is for: --python",
            )
        case "no-kfp":
            return (
                f"{python} has no kfp ({text})",
                f"install it there ({_KFP}), or name a Python that has it: --python",
            )
        case "missing":
            return f"{python} has no module {name!r}", _install(name, python)
        case "first":
            return (
                f"this is KFP 1's DSL, which KFP 2 does not have ({raised})",
                f"rewrite it for KFP 2: {_MIGRATE}",
            )
        case "annotations":
            todo = "kfp reads no annotations that are texts: take `from __future__ import annotations` out"
            return raised, todo
        case "exit":
            return "the file ends Python while it is imported", "put that under `if __name__ == '__main__':`"
        case "memory":
            return (
                "it takes more memory than a DSL file may (8 GiB)",
                "import large libraries in the components' functions",
            )
        case "network":
            return (
                f"it asks the network while it is imported, which it has not ({raised})",
                "if it must, give --network",
            )
        case "file":
            return (
                f"there is no file {name!r}",
                "write a path from the DSL file's folder, or Path(__file__).parent / …",
            )
        case "time":
            return (
                "it was not imported within two minutes",
                "put what takes so long under `if __name__ == '__main__':`",
            )
        case "raised":
            return raised, "correct it; the pipeline does not compile where it is either"
    return f"its process {kind}: {text}", "import the file in Python to see why"


def _install(name: str, python: str) -> str:
    if name.startswith("kfp"):
        return f"install it there ({_KFP}), or name the Python that has it: --python"
    what = "install the package that has it there"
    return f"{what} ({python} -m pip install …), or name the Python that has it: --python .venv/bin/python"


def _variable(error: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong, where that is a variable that the process was not given."""
    name = error.get("name", "")
    if error.get("type") != "KeyError" or "environ" not in error.get("text", ""):
        return None
    return f"it needs the variable {name}, and is given the usual ones only", f"give it: --pass-env {name}"


def in_dsl(problems: Iterable[Problem], label: str, file: DslFile, pipeline: Pipeline) -> Iterator[Problem]:
    """What is wrong with what it compiles to, at the line of the task that it comes from."""
    documents = parse_all(pipeline.text, label)
    starts = sorted((place[0], at) for one in documents for at, place in one.keys_at.items())
    lines = [line for line, _ in starts]
    for one in problems:
        if one.path != label:
            yield one
            continue
        at = starts[bisect_right(lines, one.line) - 1][1] if one.line else ()
        path, line, column = _place(at, file, pipeline)
        yield Problem(path, line, column, one.what, one.todo)


def _place(at: tuple[str | int, ...], file: DslFile, pipeline: Pipeline) -> tuple[str, int, int]:
    tasks: dict[str, Mapping[str, Any]] = {}
    for one in pipeline.tasks:
        tasks.setdefault(one["name"], one)
    named = [str(at[n + 1]) for n, key in enumerate(at[:-1]) if key == "tasks"]
    named += [re.sub(r"^(comp|exec)-", "", str(one)) for one in at if re.match("comp-|exec-", str(one))]
    for name in named:
        if found := tasks.get(name):
            return path_of(found["file"], file.path, file.file), found["line"], found["column"] or 1
    return file.path, pipeline.line, 1


def lists(file: DslFile, pipeline: Pipeline) -> Iterator[str]:
    """The lists of its loops that are parameters now."""
    for name, place in pipeline.lists.items():
        line = place["line"] if place else pipeline.line
        path = path_of(place["file"], file.path, file.file) if place else file.path
        yield (
            f"{path}:{line}: the list of this loop is the parameter {name} now: as it is written, kfp loses its items "
            "in a group, and no run would get past it (kubeflow/pipelines#13273)"
        )


def notes(file: DslFile, variables: set[str]) -> Iterator[str]:
    """What the file did not get or do when it was imported, and may matter; `variables` were given."""
    for place in file.answer["unsent"][:1]:
        path = path_of(place["file"], file.path, file.file)
        yield f"{path}:{place['line']}: kfp.Client is asked when the file is imported; nothing was sent"
    for name, place in file.answer["variables"].items():
        if name not in variables:
            path = path_of(place["file"], file.path, file.file)
            yield f"{path}:{place['line']}: the variable {name} was not given; --pass-env {name} gives it"
