"""The compiled pipeline inside of a PipelineVersion, a PipelineJob of Vertex AI, or an answer of KFP's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import Document, Path, parse_all

_PLACES: tuple[Path, ...] = (
    ("spec", "pipelineSpec"),
    ("pipelineSpec",),
    ("pipelineJob", "pipelineSpec"),
    ("createPipelineJobRequest", "pipelineJob", "pipelineSpec"),
    ("pipeline_spec", "pipeline_spec"),
    ("pipeline_spec",),
)
_PLATFORM = {"pipelineSpec": "platformSpec", "pipeline_spec": "platform_spec"}


def taken(text: str, path: str) -> tuple[str, list[Problem]]:
    """Its text, line for line where it is written as a block, and what of the document around it is not taken over.

    Raises:
        InputError: there is none inside.
    """
    document = parse_all(text, path)[0]
    at = next((place for place in _PLACES if isinstance(_at(document.value, place), dict)), None)
    if at is None:
        todo = "give a PipelineVersion, a PipelineJob, or a compiled pipeline without --inside"
        raise InputError([document.problem((), "no compiled pipeline is inside of this", todo)])
    places = [
        at,
        *([platform] if _at(document.value, platform := (*at[:-1], _PLATFORM[str(at[-1])])) else []),
    ]
    values = [_at(document.value, place) for place in places]
    return _as_written(document, text, places, values) or dump_all(values), _told(document, at)


def _at(value: Any, place: Path) -> Any:
    for step in place:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _told(document: Document, at: Path) -> list[Problem]:
    """Vertex AI keeps a run's parameters beside the pipeline."""
    runtime: Path = (*at[:-1], "runtimeConfig")
    if not _at(document.value, runtime):
        return []
    todo = "write its parameterValues as defaults into the values"
    return [document.problem(runtime, "runtimeConfig is not taken over", todo, key=True)]


def _as_written(document: Document, text: str, places: Sequence[Path], values: Sequence[Any]) -> str:
    """The same lines, less indented, at the same numbers; empty where they are not written so."""
    lines = text.splitlines()
    made = [""] * len(lines)
    for number, place in enumerate(places):
        start, column = document.position(place, key=True)
        if number:
            made[start - 1] = "---"
        block = _block(lines, start, column)
        indent = next((len(line) - len(line.lstrip()) for line in block if line.strip()), 0)
        made[start : start + len(block)] = [line[indent:] for line in block]
    result = "\n".join(made).rstrip() + "\n"
    try:
        read = [one.value for one in parse_all(result, document.path)]
    except InputError:
        return ""
    return result if read == list(values) else ""


def _block(lines: Sequence[str], start: int, column: int) -> list[str]:
    """The lines below a key that are indented more than it."""
    block: list[str] = []
    for line in lines[start:]:
        if line.strip() and len(line) - len(line.lstrip()) < column:
            break
        block.append(line)
    return block
