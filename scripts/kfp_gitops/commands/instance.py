"""`new pipeline NAME --template T`: one more pipeline of a template that is there, which is some lines of values."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kfp_gitops.base import files, schema
from kfp_gitops.base.errors import ExitCode, InputError, Problem, UsageError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.commands import begun, console, team
from kfp_gitops.sources import environment, instance, release, scaffold
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import VALUES_SCHEMA, Release, Sources
from kfp_gitops.sources.values import merge


def begin(arguments: Namespace) -> int:
    """Write the values of a new pipeline, and render it unless something is left for a person to fill in."""
    root, name, template = arguments.root, arguments.name, arguments.template
    _refuse_meaningless(arguments)
    begun.refuse_misnamed(name)
    env = begun.following_sources(root, arguments.env)
    every = [environment.load(root, each) for each in environment.names(root)] if arguments.base else [env]
    for each in every:
        begun.refuse_taken(each, name)
    found = _release(root, env, template)
    entry = _entry(arguments, found)
    if arguments.team:
        given = env.teams.defaults(arguments.team, template)
        entry["values"] = {key: value for key, value in entry["values"].items() if key not in given}
    path = _path(arguments, root, env)
    text = scaffold.with_pipeline(files.read_text(root, path), path, name, entry)
    files.write_text(root, path, text)
    console.result(f"change {path}")
    unfit = [] if arguments.team else _unfit(found, text, path, name)  # its defaults are not in this file
    unfit = unfit or _unrendered(root, every)
    for problem in unfit:
        console.note(str(problem))
    pinned = [] if arguments.team else [each.name for each in every if not each.follows_sources]
    begun.say(*_next(path, name, env.name, pinned))
    return ExitCode.OK


def _path(arguments: Namespace, root: Path, env: Environment) -> str:
    """Where its values are to stand."""
    if arguments.team:
        return team.values_path(root, env.name, arguments.team)
    return environment.BASE if arguments.base else environment.values_path(env.name)


def _refuse_meaningless(arguments: Namespace) -> None:
    if arguments.team and arguments.base:
        raise UsageError("new.py: base.yaml is of no team; leave --base out")
    if arguments.kind != "pipeline" or arguments.template is None:
        raise UsageError("new.py: --template and --base are for `pipeline NAME --template T`; see --help")
    if arguments.component or arguments.image:
        raise UsageError("new.py: --component and --image mean nothing with --template, which has its own")


def _release(root: Path, env: Environment, template: str) -> Release:
    if not (root / release.template_folder(template)).is_dir():
        raise scaffold.unknown("template", template, files.list_folders(root, release.TEMPLATES))
    return Sources.of(root, env.images).release(template)


def _entry(arguments: Namespace, found: Release) -> dict[str, Any]:
    text, path = found.files[VALUES_SCHEMA], f"{found.folder}/{VALUES_SCHEMA}"
    schema.from_text(text, path)  # says what is wrong with it
    entry = instance.entry(arguments.name, arguments.template, text)
    if isinstance(entry["values"].get("owner"), str):
        entry["values"]["owner"] = arguments.owner or arguments.team or f"{arguments.name}-team"
    return entry


def _unfit(found: Release, text: str, path: str, name: str) -> list[Problem]:
    """What the schema asks for beyond what can be filled in, at the lines that were written."""
    at = ("pipelines", name, "values")
    written = parse(text, path)
    below = merge(written, written).below(at)
    home = f"{found.folder}/{VALUES_SCHEMA}"
    return schema.problems(schema.from_text(found.files[VALUES_SCHEMA], home), below, home)


def _unrendered(root: Path, every: Sequence[Environment]) -> list[Problem]:
    """Why what was filled in does not render, where it does not: as a cron `change-me`."""
    try:
        for each in every:
            if each.follows_sources:
                begun.render(root, "--env", each.name)
    except InputError as error:
        return [*error.problems]
    return []


def _next(path: str, name: str, env: str, pinned: list[str]) -> list[str]:
    steps = [f"fill in the values of {name} in {path}, then: python scripts/render.py --all --lock"]
    for other in pinned:
        promote = f"python scripts/promote.py --from {env} --to {other} --pipeline {name}"
        steps.append(
            f"{promote}   # or `{name}: null` in {environment.values_path(other)}: {other} is pinned"
        )
    return [*steps, f"python scripts/run.py --env {env} --pipeline {name} --local"]
