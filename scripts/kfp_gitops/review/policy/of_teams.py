"""Limits of teams, on what stands in manifests/<env>/: whoever wrote it there, and by whatever template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from kfp_gitops.base import files, generated
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document
from kfp_gitops.checking import named, teams
from kfp_gitops.checking.named import Start
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering import rendered, specs
from kfp_gitops.rendering.rendered import ENVIRONMENT, RenderedPipeline
from kfp_gitops.sources import brought, components, environment
from kfp_gitops.sources.environment import Environment


def beyond_limits(root: Path, names: Sequence[str]) -> Iterator[Problem]:
    """Everything in these environments that a team may not have, at its pipeline in the team's file."""
    for env in (environment.load(root, name) for name in names):
        limited = {name for name in env.pipelines if teams.is_limited(env, name)}
        if limited:
            yield from _of(root, env, limited)


def _of(root: Path, env: Environment, limited: set[str]) -> Iterator[Problem]:
    folder, starts = f"manifests/{env.name}", dict[str, Sequence[Start]]()
    path = f"{folder}/{ENVIRONMENT}"
    settings = generated.read("environment", files.read_text(root, path), path).value
    for entry in (entry for entry in settings["pipelines"] if entry["name"] in limited):
        name = entry["name"]
        pipeline = rendered.read(root, folder, entry)
        base = f"{folder}/pipelines/{name}"
        outer = reader.read(pipeline.manifest, f"{base}/pipeline.yaml")
        inner = [reader.read(text, f"{base}/{one}") for one, text in pipeline.inner.items()]
        yield from teams.problems(
            env, name, named.uses([outer, *inner], _documents(pipeline, folder, outer.ir), {})
        )
        starts[name] = named.starts(outer.schedules, outer.triggers)
    yield from teams.problems_of_all(env, settings["kfp"], starts)


def _documents(pipeline: RenderedPipeline, folder: str, whole: str | None) -> dict[str, Sequence[Document]]:
    """Read as they are run: what is none is told, and nothing of it is looked at."""
    found: dict[str, Sequence[Document]] = {}
    for name, text in pipeline.specs.items():
        path = f"{folder}/{specs.path(name, specs.hash8(text))}"
        found[f"component {name}"] = [_spec(name, text, path)]
    irs = brought.read_all(pipeline.irs, f"{folder}/pipelines/{pipeline.name}", whole)
    return found | {name: one.documents for name, one in irs.items()}


@lru_cache(maxsize=1024)
def _spec(name: str, text: str, path: str) -> Document:
    """Pipelines share components."""
    return components.tolerant(name, text, path).document
