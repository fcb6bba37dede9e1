"""Render one pipeline of an environment: its release and its values → manifests, component specs and IRs, as texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from kfp_gitops.base import bounds, schema
from kfp_gitops.base.errors import InputError, Problem, attempted, raise_if_any
from kfp_gitops.base.yamldump import dump, dump_all
from kfp_gitops.checking import named, teams
from kfp_gitops.checking.named import Use
from kfp_gitops.rendering import manifests
from kfp_gitops.rendering.manifests import Found
from kfp_gitops.rendering.rendered import RenderedPipeline, header
from kfp_gitops.sources import brought, components
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, VALUES_SCHEMA, Release


def manifests_of(env: Environment, name: str, release: Release) -> Found:
    """The pipeline's manifests.

    Raises:
        InputError: every problem of its values; of what its templates render to with them, where that can be said; and
            of the templates, component specs and IRs themselves.
    """
    problems: list[Problem] = []
    values = attempted(problems, lambda: values_of(env, name, release))
    if values is not None:
        found = attempted(problems, lambda: manifests.render(env, name, release, values))
        if found is not None:
            return found
    raise InputError([*problems, *release.problems()])


def pipeline(env: Environment, name: str, release: Release) -> RenderedPipeline:
    """All that is rendered of it.

    Raises:
        InputError: every problem.
    """
    found = manifests_of(env, name, release)
    if teams.is_limited(env, name):
        raise_if_any(teams.problems(env, name, _uses(found, release)))
    images = tuple(release.images.items())
    texts = {
        component: _spec(
            _spec_header(env, component),
            component,
            release.specs[component],
            release.spec_paths[component],
            images,
        )
        for component in sorted(release.specs)
    }
    return RenderedPipeline(
        name=name,
        release=release.digest,
        manifest=header(env.name, f"{release.folder}/{TEMPLATE}") + dump(found.document.value),
        specs=texts,
        irs={name: _ir(env, name, release) for name in found.brought},
        inner={
            inner: header(env.name, f"{release.folder}/{release.inner[inner]}")
            + dump(manifest.document.value)
            for inner, manifest in sorted(found.inner.items())
        },
        warnings=(*found.warnings, *_image_warnings(found.brought, release), *release.warnings()),
    )


def _uses(found: Found, release: Release) -> list[Use]:
    of_components = {
        f"component {name}": [component.document] for name, component in release.components.items()
    }
    of_irs = {name: ir.documents for name, ir in release.irs.items()}
    return named.uses([found.outer, *found.inner.values()], {**of_components, **of_irs}, release.images)


def _image_warnings(irs: Iterable[str], release: Release) -> list[Problem]:
    return [one for ir in irs for one in brought.warnings(release.irs[ir], release.images)]


def _ir(env: Environment, ir: str, release: Release) -> str:
    documents = brought.with_images(release.irs[ir], release.images)
    return header(env.name, f"{release.folder}/{ir}") + dump_all(documents)


@lru_cache(maxsize=1024)
def _spec(header: str, name: str, text: str, path: str, images: tuple[tuple[str, str], ...]) -> str:
    """Pipelines share components, so most of them ask again."""
    return header + dump(components.with_images(components.tolerant(name, text, path), dict(images)))


def values_of(env: Environment, name: str, release: Release) -> Mapping[str, Any]:
    """What a template is given, which its schema accepts.

    Raises:
        InputError: it does not.
    """
    at = ("pipelines", name, "values")
    part = env.values.below(at)
    path = f"{release.folder}/{VALUES_SCHEMA}"
    home = path if env.follows_sources else ""  # a pinned copy is never edited
    with bounds.bounded(path):  # a pattern in it can take for ever
        wanted = schema.from_text(release.files[VALUES_SCHEMA], path, strict=env.follows_sources)
        raise_if_any(schema.problems(wanted, part, home))
    values: Mapping[str, Any] = part.value
    return values


def _spec_header(env: Environment, component: str) -> str:
    """It names no pipeline: the text is shared."""
    return header(
        env.name, f"components/{component}/component.yaml{'' if env.follows_sources else ', as promoted,'}"
    )
