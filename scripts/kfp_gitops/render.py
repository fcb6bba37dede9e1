"""Render: (repository, environment) → every file of `manifests/<env>/`, as texts. Writes nothing.

base + environment values → schema → Jinja → schema and checks of the result → stable YAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from kfp_gitops import (
    bounds,
    brought,
    components,
    delivery,
    environment,
    limits,
    manifests,
    processes,
    schema,
)
from kfp_gitops.environment import Environment
from kfp_gitops.errors import InputError, Problem, raise_if_any
from kfp_gitops.manifest import Manifest
from kfp_gitops.release import FILE_VERSION, TEMPLATE, VALUES_SCHEMA, Release
from kfp_gitops.rendered import ENVIRONMENT, Rendered, RenderedPipeline
from kfp_gitops.yamltext import dump, dump_all


def render(root: Path, name: str) -> Rendered:
    """Render one environment.

    Raises:
        UsageError: no such environment.
        InputError: every problem found in its inputs.
    """
    env = environment.load(root, name)
    answers = processes.spread(partial(_answer, root, env), env.pipelines)
    raise_if_any(Problem.of(texts) for answer in answers for texts in answer.get("problems", []))
    pipelines = [RenderedPipeline.of(answer["pipeline"]) for answer in answers]
    raise_if_any(problem for pipeline in pipelines for problem in _too_large(env, pipeline))
    return Rendered(name, tuple(pipelines), _delivery(root, env, pipelines), env)


def _too_large(env: Environment, pipeline: RenderedPipeline) -> Iterator[Problem]:
    """What forbids the ConfigMap by which a pipeline gets into the cluster."""
    texts = {f"manifests/{env.name}/{path}": text for path, text in pipeline.files()}
    keys = {delivery.key(path): f"manifests/{env.name}/{path}" for path, _ in pipeline.files()}
    return limits.config_map(f"the ConfigMap of pipeline {pipeline.name!r}", keys, texts)


def _answer(root: Path, env: Environment, name: str) -> dict[str, Any]:
    """A rendered pipeline, or its problems, as texts: it may be another process that renders it."""
    try:
        return {"pipeline": _pipeline(env, name, environment.release_of(root, env, name)).texts()}
    except InputError as error:
        return {"problems": [problem.texts() for problem in error.problems]}


def _pipeline(env: Environment, name: str, release: Release) -> RenderedPipeline:
    found = manifests.render(env, name, release, _values(env, name, release))
    images = tuple(release.images.items())
    specs = {
        component: _spec(
            _header(env, path := release.spec_paths[component]),
            component,
            release.specs[component],
            path,
            images,
        )
        for component in sorted(release.specs)
    }
    return RenderedPipeline(
        name=name,
        release=release.digest,
        manifest=_header(env, f"{release.folder}/{TEMPLATE}") + dump(found.outer.document.value),
        specs=specs,
        irs=_irs(env, found.outer, release),
        inner={
            inner: _header(env, f"{release.folder}/{release.inner[inner]}") + dump(manifest.document.value)
            for inner, manifest in sorted(found.inner.items())
        },
        warnings=found.warnings,
    )


def _irs(env: Environment, manifest: Manifest, release: Release) -> dict[str, str]:
    if manifest.ir is None:
        return {}
    documents = brought.with_images(release.irs[manifest.ir], release.images)
    return {manifest.ir: _header(env, f"{release.folder}/{manifest.ir}") + dump_all(documents)}


@lru_cache(maxsize=1024)
def _spec(header: str, name: str, text: str, path: str, images: tuple[tuple[str, str], ...]) -> str:
    """Pipelines share components, so most of them ask again."""
    return header + dump(components.with_images(components.read(name, text, path), dict(images)))


def _values(env: Environment, name: str, release: Release) -> Mapping[str, Any]:
    at = ("pipelines", name, "values")
    part = env.values.below(at)
    path = f"{release.folder}/{VALUES_SCHEMA}"
    with bounds.bounded(path):  # a pattern in it can take for ever
        raise_if_any(schema.problems(schema.from_text(release.files[VALUES_SCHEMA], path), part))
    values: Mapping[str, Any] = part.value
    return values


def _header(env: Environment, source: str) -> str:
    return f"# Generated from {source} by `python scripts/render.py --env {env.name}`; edit that, not this.\n"


def _delivery(root: Path, env: Environment, pipelines: list[RenderedPipeline]) -> dict[str, str]:
    listed = [(pipeline.name, [path for path, _ in pipeline.files()]) for pipeline in pipelines]
    rendered = {ENVIRONMENT: _header(env, "environments/") + dump(_environment(env, pipelines))}
    for name, text in delivery.render(root, env, listed).items():
        rendered[name] = _header(env, f"{delivery.FOLDER}/{name}.j2") + text
    return rendered


def _environment(env: Environment, pipelines: list[RenderedPipeline]) -> dict[str, Any]:
    return {
        "apiVersion": FILE_VERSION,
        "kind": "Environment",
        "repository": env.repository["id"],
        "environment": env.name,
        "timeZone": env.time_zone,
        "kfp": dict(env.kfp),
        "keepVersions": env.keep_versions,
        "pipelines": [
            {
                "name": pipeline.name,
                "release": pipeline.release,
                **({"pausedUntil": env.paused[pipeline.name]} if pipeline.name in env.paused else {}),
            }
            for pipeline in pipelines
        ],
        **(
            {"absent": [{"name": name, "delete": what} for name, what in env.absent.items()]}
            if env.absent
            else {}
        ),
    }
