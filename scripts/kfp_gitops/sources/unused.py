"""What lies in the sources and no environment is made from: it works as it is, and most likely is not meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import Problem
from kfp_gitops.sources import teams
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, TEMPLATES, template_folder


def templates(root: Path, environments: Iterable[Environment]) -> Iterator[Problem]:
    """Templates that no pipeline of any of these is made from, be it from the sources or from a pinned copy."""
    used = {each.template_of(pipeline) for each in environments for pipeline in each.pipelines}
    for name in files.list_folders(root, TEMPLATES):
        if name not in used:
            folder = template_folder(name)
            command = f"python scripts/new.py pipeline NAME --template {name}"
            todo = f"remove {folder}/, or make a pipeline from it: `{command}`"
            yield Problem(
                f"{folder}/{TEMPLATE}", 1, 1, "no environment has a pipeline of this template", todo
            )


def of_teams(root: Path, environments: Iterable[Environment]) -> Iterator[Problem]:
    """What teams have in common for pipelines that none of these names: alone it puts a pipeline into none."""
    named = {name for each in environments for name in (*each.pipelines, *each.absent)}
    for document in teams.common(root):
        for name in (document.value or {}).get("pipelines") or {}:
            if name not in named:
                what = f"no environment has the pipeline {name!r}: what is common alone puts it into none"
                path = teams.path_in("ENV", document.path.rpartition("/")[2].removesuffix(".yaml"))
                todo = f"name it in {path} (`{name}: {{}}`), or take it out"
                yield document.problem(("pipelines", name), what, todo, key=True)
