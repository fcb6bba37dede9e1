"""An environment of previews (`previewOf`): what another one has, with values of its own, and delivered to nobody.

It has no release.yaml, and no files of teams: both are those of the environment that it previews.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import Problem, meant
from kfp_gitops.base.yamltext import Document
from kfp_gitops.sources import way
from kfp_gitops.sources.values import Merged

KEY = "previewOf"
_NOT_ITS = ("follows", way.KEY, "state", "repository", "argocd", "delivery", "versions")
"""What is the other environment's, or is about delivery, of which there is none."""
_OF_DELIVERY = ("adopts", "state", "until", "delete")
"""Of a pipeline: what it takes over in KFP, and when it rests."""
_OWN = "values.yaml"


def of(root: Path, name: str) -> str:
    """Which environment one is a preview of; empty where it is none, and is delivered."""
    if (root / f"environments/{name}/release.yaml").is_file():
        return ""
    return way.declared(root, name, KEY)


def problems(
    root: Path, name: str, known: Sequence[str], base: Document, over: Document
) -> Iterator[Problem]:
    """Everything that is wrong with what an environment of previews says; both documents are maps."""
    if KEY in base.value:
        what = "an environment is a preview of another one, so this cannot be said of all"
        yield base.problem(
            (KEY,), what, f"write it into environments/preview/values.yaml: {KEY}: ENV", key=True
        )
    source = over.value.get(KEY)
    if source is None:
        return
    yield from _source(name, source, known, over)
    for key in (key for key in _NOT_ITS if key in over.value):
        what = f"{name} is a preview of {source}, and is never delivered: this is what {source} says"
        yield over.problem((key,), what, "take it out", key=True)
    for path in files.list_files(root, f"environments/{name}"):
        if path != _OWN and path.rpartition("/")[2].lower() != "readme.md":
            what = f"{name} is a preview of {source}, and this is read by nobody"
            todo = f"remove it: what {source} releases, and its teams' pipelines, are those of the preview"
            yield Problem(f"environments/{name}/{path}", 0, 0, what, todo)


def _source(name: str, source: object, known: Sequence[str], over: Document) -> Iterator[Problem]:
    others = [other for other in known if other != name]
    one_of = f"it may be one of: {', '.join(others) or 'none, add one'}"
    if source == name:
        yield over.problem((KEY,), f"{name} cannot be a preview of itself", one_of)
    elif source not in others:
        like = meant(str(source), others)
        todo = f"did you mean {like!r}? {one_of}" if like else one_of
        yield over.problem((KEY,), f"there is no environment {source!r} to be previewed", todo)


def strangers(source: str, pipelines: Collection[str], over: Document) -> Iterator[Problem]:
    """Pipelines that it names and the other environment does not have: a preview has none of its own."""
    named = over.value.get("pipelines")
    for pipeline in named if isinstance(named, Mapping) else ():
        if pipeline not in pipelines:
            like = meant(str(pipeline), [*pipelines])
            todo = f"did you mean {like!r}? else take it out" if like else "take it out"
            what = f"{source} has no pipeline {str(pipeline)!r}, so there is nothing to preview"
            yield over.problem(("pipelines", pipeline), what, todo, key=True)


def pinned(name: str, source: str, over: Document) -> Problem:
    """Why there is no preview of an environment that follows pinned copies."""
    what = f"{source} follows pinned copies, so a change of the sources does not show in a preview of it"
    return over.problem((KEY,), what, f"let {name} be a preview of an environment that follows the sources")


def without_delivery(merged: Merged) -> Merged:
    """The values without tombstones, pauses, and what pipelines take over: none of that is a preview's."""
    entries: Mapping[str, Any] = merged.value.get("pipelines") or {}
    kept = {
        name: {key: value for key, value in entry.items() if key not in _OF_DELIVERY}
        for name, entry in entries.items()
        if entry.get("state") != "absent"
    }
    return replace(merged, value={**merged.value, "pipelines": kept})
