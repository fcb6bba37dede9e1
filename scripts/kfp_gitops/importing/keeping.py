"""A DSL file that stays as it is: what is copied of it, and the template that names what it compiles to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.importing.dslfile.functions import DslFile, Pipeline
from kfp_gitops.importing.result import Imported
from kfp_gitops.importing.said import Asked
from kfp_gitops.importing.whole import whole
from kfp_gitops.sources import brought
from kfp_gitops.sources.compiledfrom import PIPELINE_IR, PIPELINE_SOURCE
from kfp_gitops.sources.scaffolddsl import function_name

_LONGEST = 63


def pipeline_name(one: Pipeline) -> str:
    """The pipeline's name here: as its IR says it, as far as a name may be long."""
    spec: Any = parse_all(one.text, one.name)[0].value
    return re.sub(r"-+\Z", "", spec["pipelineInfo"]["name"][:_LONGEST])


def sources(file: DslFile, one: Pipeline, template: str) -> dict[str, str]:
    """The file as pipeline.py, and what of its author's it imports and reads, by the paths beside it.

    Raises:
        InputError: one of them would stand in the place of another.
    """
    texts = {PIPELINE_SOURCE: _saying_which(file, one, template)}
    for name, path in _modules(file):
        at = _place(name, path)
        if at in texts:
            what = f"its module {name!r} would stand in the place of {PIPELINE_SOURCE}"
            raise InputError.of(file.path, what, "give the module another name, or leave --keep out")
        texts[at] = files.text_of(path, path)
    return {**_data(file), **texts}


def _modules(file: DslFile) -> Iterator[tuple[str, str]]:
    """Name and path of what it imports; of a package that it only stands in there is nothing to import."""
    found: Mapping[str, str] = {
        name: path for name, path in file.answer["modules"].items() if path != str(file.file)
    }
    for name, path in found.items():
        is_package = Path(path).stem == "__init__"
        if not is_package or any(other.startswith(f"{name}.") for other in _plain(found)):
            yield name, path


def _plain(modules: Mapping[str, str]) -> list[str]:
    return [name for name, path in modules.items() if Path(path).stem != "__init__"]


def _data(file: DslFile) -> dict[str, str]:
    """The files below its folder that it reads when it is imported; what is elsewhere is missed when it is compiled."""
    found = (Path(path) for path in file.answer["read"] if not path.endswith((".py", ".pyc")))
    inside = (path for path in found if path.is_relative_to(file.file.parent))
    return {
        path.relative_to(file.file.parent).as_posix(): files.text_of(str(path), str(path)) for path in inside
    }


def _place(name: str, path: str) -> str:
    found = PurePosixPath(*name.split("."))
    return f"{found}/__init__.py" if Path(path).stem == "__init__" else f"{found}.py"


def _saying_which(file: DslFile, one: Pipeline, template: str) -> str:
    """Its text; with a line more where it has several pipelines, and `components.py` would take another or none."""
    text = files.text_of(str(file.file), file.path)
    named: Sequence[Mapping[str, Any]] = [each for each in file.answer["pipelines"] if each["names"]]
    meant = named[0] if len(named) == 1 else None
    for name in (function_name(template), "pipeline"):
        meant = next((each for each in named if name in each["names"]), meant)
    if meant is not None and one.name in meant["names"]:
        return text
    return f"{text.rstrip()}\n\npipeline = {one.name}\n"


def imported(text: str, path: str, name: str, owner: str | None, env: str) -> Imported:
    """The template for what a kept file compiles to, and the proof.

    Raises:
        InputError: rendering or the SDK refuses what it compiles to.
    """
    asked = Asked({}, owner or f"{name[:58]}-team", env, ())
    found = whole(brought.read(text, path), text, asked, (), ir=PIPELINE_IR)
    return replace(found, name=name)
