"""Render: (repository, environment) → every file of `manifests/<env>/`, as texts. Writes nothing.

base + environment values → schema → Jinja → schema and checks of the result → stable YAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from kfp_gitops import check, components, environment, files, schema, templates
from kfp_gitops.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.errors import InputError, Problem, raise_if_any
from kfp_gitops.manifest import Manifest, reader
from kfp_gitops.release import TEMPLATE, VALUES_SCHEMA, Release
from kfp_gitops.yamltext import dump, parse

LOCK = "versions.lock.yaml"
ENVIRONMENT = "environment.yaml"
DELIVERY = "templates/delivery"


@dataclass(frozen=True)
class RenderedPipeline:
    """A pipeline's manifest and component specs: what the compiler takes."""

    name: str
    release: str
    manifest: str
    specs: Mapping[str, str]

    def files(self) -> Iterator[tuple[str, str]]:
        """(path below manifests/<env>/, text) of each file."""
        folder = f"pipelines/{self.name}"
        yield f"{folder}/pipeline.yaml", self.manifest
        for name, text in self.specs.items():
            yield f"{folder}/components/{name}.yaml", text


@dataclass(frozen=True)
class Rendered:
    """Everything rendered for one environment, the lock excepted."""

    environment: str
    pipelines: tuple[RenderedPipeline, ...]
    delivery: Mapping[str, str]

    @property
    def folder(self) -> str:
        """Where it belongs, relative to the repository."""
        return f"manifests/{self.environment}"

    def files(self) -> dict[str, str]:
        """Path below manifests/<env>/ → text."""
        found = dict(self.delivery)
        for pipeline in self.pipelines:
            found.update(pipeline.files())
        return found


def render(root: Path, name: str) -> Rendered:
    """Render one environment.

    Raises:
        UsageError: no such environment.
        InputError: every problem found in its inputs.
    """
    env = environment.load(root, name)
    releases = environment.releases(root, env)
    pipelines: list[RenderedPipeline] = []
    problems: list[Problem] = []
    for pipeline, release in releases.items():
        try:
            pipelines.append(_pipeline(env, pipeline, release))
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return Rendered(name, tuple(pipelines), _delivery(root, env, pipelines))


def _pipeline(env: Environment, name: str, release: Release) -> RenderedPipeline:
    values = _values(env, name, release)
    context = {"pipeline": name, "environment": env.name, "values": values}
    rendered = templates.render(release.files, TEMPLATE, release.folder, context)
    manifest = _checked(env, rendered, name, release)
    used = {component: release.components[component] for component in sorted(release.specs)}
    text = _header(env, f"{release.folder}/{TEMPLATE}") + dump(manifest.document.value)
    specs = {
        component: _header(env, release.spec_paths[component])
        + dump(components.with_images(spec, release.images))
        for component, spec in used.items()
    }
    return RenderedPipeline(name, release.digest, text, specs)


def _values(env: Environment, name: str, release: Release) -> Mapping[str, Any]:
    at = ("pipelines", name, "values")
    part = env.values.below(at)
    validator = schema.from_text(release.files[VALUES_SCHEMA], f"{release.folder}/{VALUES_SCHEMA}")
    raise_if_any(schema.problems(validator, part))
    values: Mapping[str, Any] = part.value
    return values


def _checked(env: Environment, text: str, name: str, release: Release) -> Manifest:
    path = f"{release.folder}/{TEMPLATE} (rendered for {env.name})"
    try:
        manifest = reader.read(text, path)
        found = check.problems(manifest, release.components)
        if manifest.name != name:
            at = ("metadata", "name")
            found.append(manifest.document.problem(at, f"the name is {manifest.name!r}", f"write {name!r}"))
        raise_if_any(found)
        return manifest
    except InputError as error:
        raise InputError(_with_excerpt(problem, path, text) for problem in error.problems) from None


def _with_excerpt(problem: Problem, path: str, text: str) -> Problem:
    """The rendered text is nowhere on disk, so the line is shown."""
    lines = text.splitlines()
    if problem.path != path or not 0 < problem.line <= len(lines):
        return problem
    return replace(problem, what=f"{problem.what} (in `{lines[problem.line - 1].strip()[:80]}`)")


def _header(env: Environment, source: str) -> str:
    return f"# Generated from {source} by `python scripts/render.py --env {env.name}`; edit that, not this.\n"


def _delivery(root: Path, env: Environment, pipelines: list[RenderedPipeline]) -> dict[str, str]:
    if RECONCILER_IMAGE not in env.images:
        raise InputError(
            [
                env.release_file.problem(
                    ("images",), "no image of the reconciler", f"add `{RECONCILER_IMAGE}:`"
                )
            ]
        )
    rendered = {ENVIRONMENT: _header(env, "environments/") + dump(_environment(env, pipelines))}
    texts = {name: files.read_text(root, f"{DELIVERY}/{name}") for name in files.list_files(root, DELIVERY)}
    context = _delivery_context(env, pipelines)
    for name in texts:
        if name.endswith(".yaml.j2"):
            text = templates.render(texts, name, DELIVERY, context)
            rendered[name.removesuffix(".j2")] = _header(env, f"{DELIVERY}/{name}") + _normalised(
                env, name, text
            )
    return rendered


def _normalised(env: Environment, name: str, text: str) -> str:
    path = f"{DELIVERY}/{name} (rendered for {env.name})"
    try:
        return dump(parse(text, path).value)
    except InputError as error:
        raise InputError(_with_excerpt(problem, path, text) for problem in error.problems) from None


def _environment(env: Environment, pipelines: list[RenderedPipeline]) -> dict[str, Any]:
    return {
        "apiVersion": "kfp-gitops/v1alpha1",
        "kind": "Environment",
        "repository": env.repository["id"],
        "environment": env.name,
        "kfp": dict(env.kfp),
        "pipelines": [{"name": pipeline.name, "release": pipeline.release} for pipeline in pipelines],
    }


def _delivery_context(env: Environment, pipelines: list[RenderedPipeline]) -> dict[str, Any]:
    """What delivery templates see; a ConfigMap key may hold no `/`, so each file has a key and a path."""
    return {
        "environment": env.name,
        "repository": dict(env.repository),
        "kfp": dict(env.kfp),
        "delivery": dict(env.delivery),
        "image": env.images[RECONCILER_IMAGE],
        "pipelines": [
            {
                "name": pipeline.name,
                "files": [{"key": _key(path), "path": path} for path, _ in pipeline.files()],
            }
            for pipeline in pipelines
        ],
    }


def _key(path: str) -> str:
    parts = PurePosixPath(path).parts
    return ".".join(parts[2:])
