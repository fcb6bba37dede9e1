"""What an environment releases: each pipeline from its template, or from the copy that was promoted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, Problem, meant, raise_if_any
from kfp_gitops.sources import release, way
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import Release, Sources


def releases(root: Path, env: Environment, names: Sequence[str] | None = None) -> dict[str, Release]:
    """The release of each pipeline of an environment, or of the named ones.

    Raises:
        InputError: something is missing, or a pinned copy is not what was promoted.
    """
    names = [*(env.pipelines if names is None else names)]
    missing = never_promoted(env, names)
    found: dict[str, Release] = {}
    problems = [*way.never_promoted(env.values, env.name, [*missing])]
    sources = Sources.of(root, env.images)
    for pipeline in names:
        if pipeline in missing:
            continue
        try:
            found[pipeline] = release_of(root, sources, env, pipeline)
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return found


def never_promoted(env: Environment, names: Iterable[str]) -> dict[str, None]:
    """Those pipelines of an environment that follows pinned copies of which it has none."""
    return {} if env.follows_sources else dict.fromkeys(name for name in names if name not in env.promoted)


def release_of(root: Path, sources: Sources, env: Environment, pipeline: str) -> Release:
    """The release of one pipeline of an environment, whose images `sources` has; see `releases`."""
    if env.follows_sources:
        template = env.template_of(pipeline)
        if not sources.holds(template):
            raise InputError([_unknown_template(root, env, pipeline, template)])
        return sources.release(template)
    if pipeline not in env.promoted:
        raise InputError([*way.never_promoted(env.values, env.name, [pipeline])])
    promoted = env.promoted[pipeline]
    pinned = release.from_pinned(root, env.name, pipeline, promoted["images"])
    if pinned.digest != promoted["digest"]:
        raise InputError([_tampered(env, pipeline, pinned)])
    return pinned


def _unknown_template(root: Path, env: Environment, pipeline: str, template: str) -> Problem:
    folder, known = release.template_folder(template), files.list_folders(root, release.TEMPLATES)
    choose = f"choose one of: {', '.join(known) or 'none'}"
    if template != pipeline:
        close = f"did you mean {found!r}? Otherwise " if (found := meant(template, known)) else ""
        what = f"no template {template!r} for pipeline {pipeline!r}"
        at = ("pipelines", pipeline, "template")
        return env.values.problem(at, what, f"{close}create {folder}/, or {choose}")
    what = f"no template for pipeline {pipeline!r}"
    todo = f"create {folder}/, name the one it is made from (`template:`), or {choose}"
    return env.values.problem(("pipelines", pipeline), what, todo, key=True)


def _tampered(env: Environment, pipeline: str, pinned: Release) -> Problem:
    return env.release_file.problem(
        ("pipelines", pipeline, "digest"),
        f"the pinned copy in {pinned.folder} has the release digest {pinned.digest}, another one was promoted",
        "restore the copy with git, or promote again; pinned copies are never edited",
    )
