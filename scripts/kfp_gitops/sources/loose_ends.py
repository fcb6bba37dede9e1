"""What of an environment's inputs is allowed and of no use any more, or not meant: each at its line, with the way out.

Nothing that is rendered depends on it, so it may look at the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import Problem, meant
from kfp_gitops.base.yamltext import Document
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import pinned_folder

LONG = timedelta(days=180)
"""A pause that lasts longer is hardly one: nobody remembers its end, and a year is soon mistyped."""


def loose_ends(root: Path, env: Environment, now: datetime) -> Iterator[Problem]:
    """All of one environment; `now` is aware."""
    yield from _without_pipelines(env)
    yield from _nothing_taken_away(env)
    yield from _tombstones(root, env)
    if not env.disabled:
        yield from _pauses(env, now)
    yield from _left_in_release(env)
    yield from _left_in_pinned(root, env)


def _without_pipelines(env: Environment) -> Iterator[Problem]:
    if env.pipelines or env.disabled:
        return
    what = f"{env.name} has {'tombstones alone' if env.absent else 'no pipeline'}, so nothing runs by it"
    todo = (
        "name a pipeline, or end the environment: `state: disabled`, later its folder (docs/environments.md)"
    )
    yield env.values.problem(("pipelines",), what, todo, key=True)


def _nothing_taken_away(env: Environment) -> Iterator[Problem]:
    """`null` in values.yaml takes a pipeline of base.yaml away; where that has none, it says nothing."""
    documents = {document.path: document for document in env.values.owners.values()}
    base = _pipelines(documents.get(environment.BASE))
    for document in documents.values():
        for name, entry in _pipelines(document).items():
            if entry is None and document.path != environment.BASE and name not in base:
                like = meant(name, base)
                todo = f"did you mean {like!r}?" if like else "take the line out"
                what = f"{environment.BASE} has no pipeline {name!r}, so null takes nothing away"
                yield document.problem(("pipelines", name), what, todo, key=True)


def _pipelines(document: Document | None) -> Mapping[str, Any]:
    found = document.value.get("pipelines") if document and isinstance(document.value, dict) else None
    return found if isinstance(found, dict) else {}


def _tombstones(root: Path, env: Environment) -> Iterator[Problem]:
    """One of a misspelt name deletes nothing, and its pipeline merely vanishes."""
    known = set(files.list_folders(root, "templates/pipelines"))
    for name in sorted(set(env.absent) - known):
        if like := meant(name, known - set(env.pipelines)):
            what = f"there is no pipeline {name!r} to be absent"
            todo = f"did you mean {like!r}? if there was one of that name once, this is fine"
            yield env.values.problem(("pipelines", name), what, todo, key=True)


def _pauses(env: Environment, now: datetime) -> Iterator[Problem]:
    for name, until in env.paused.items():
        ends = datetime.fromisoformat(until)
        at = ("pipelines", name, "until")
        if ends <= now:
            what = f"the pause of {name} ended {_days(now - ends)} ago, so its schedules and triggers are on again"
            yield env.values.problem(at, what, "take `state: paused` and `until` out")
        elif ends - now > LONG:
            what = f"the pause of {name} lasts {_days(ends - now)} more"
            yield env.values.problem(
                at,
                what,
                "name an earlier end; what is not to run again is `state: absent`, or has no schedule",
            )


def _days(span: timedelta) -> str:
    if span < timedelta(days=1):
        return f"{span // timedelta(hours=1)} h"
    return f"{span.days} {'day' if span.days == 1 else 'days'}"


def _left_in_release(env: Environment) -> Iterator[Problem]:
    for name in env.promoted:
        if env.follows_sources or not env.has(name):
            todo = "remove the entry with its pinned copy" + (
                "" if env.follows_sources else ", or promote anything"
            )
            yield env.release_file.problem(("pipelines", name), _unused(env, name), todo, key=True)


def _left_in_pinned(root: Path, env: Environment) -> Iterator[Problem]:
    for name in files.list_folders(root, f"environments/{env.name}/pinned"):
        if env.follows_sources or not env.has(name):
            folder = pinned_folder(env.name, name)
            yield Problem(folder, 0, 0, _unused(env, name), f"remove it: `git rm -r {folder}`")


def _unused(env: Environment, name: str) -> str:
    if env.follows_sources:
        return f"{env.name} follows the sources, so nothing renders from what was promoted"
    state = "a tombstone" if name in env.absent else "no pipeline of its values"
    return f"{name} is {state} in {env.name}, so nothing renders from what was promoted"


def place(values: Document, name: str, key: Sequence[str]) -> str:
    """`path:line:column` of a key of a pipeline in an environment's values; of the pipeline where it has none."""
    return values.problem(("pipelines", name, *key), "", "", key=not key).place
