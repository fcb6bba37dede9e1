"""environment.yaml: what an environment says of all its pipelines, and of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.base.yamldump import dump
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.rendering import backfills
from kfp_gitops.rendering.rendered import RenderedPipeline, header
from kfp_gitops.rendering.standing import Standing
from kfp_gitops.sources import asides
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import FILE_VERSION


def text(env: Environment, pipelines: Sequence[RenderedPipeline], beside: Standing | None) -> str:
    """Its text; of the pipelines `beside` those that are rendered it says what it said.

    Raises:
        InputError: what it says of all pipelines would be another, and not all are rendered.
    """
    head = _of_all(env)
    if beside is not None:
        beside.refuse_other(env, head)
    kept = beside.entries if beside is not None else {}
    entries = [  # what stands there may be of the earlier layout, which says nothing of specs
        {**kept[one.name], "components": one.components} if one.name in kept else _entry(env, one)
        for one in pipelines
    ]
    absent = _absent(env, beside)
    found = {**head, "pipelines": entries, **({"absent": absent} if absent else {})}
    asked = _backfills(env, pipelines, beside)
    found |= {backfills.KEY: asked} if asked else {}
    return header(env.name, "environments/") + dump(found)


def _of_all(env: Environment) -> dict[str, Any]:
    way = {"promotesFrom": env.promotes_from} if env.promotes_from else {}  # for who reviews a change of it
    return {
        "apiVersion": FILE_VERSION,
        "kind": "Environment",
        "repository": env.repository["id"],
        "environment": env.name,
        **way,
        **({"asides": "allowed"} if asides.allowed(env.values.value) else {}),  # likewise
        **({"state": "disabled"} if env.disabled else {}),
        "timeZone": env.time_zone,
        "kfp": dict(env.kfp),
        "keepVersions": env.keep_versions,
    }


def _entry(env: Environment, pipeline: RenderedPipeline) -> dict[str, Any]:
    paused = {} if env.disabled else env.paused  # `state` says it for all
    return {
        "name": pipeline.name,
        **_template(env, pipeline.name),
        "release": pipeline.release,
        "components": pipeline.components,
        **_team(env, pipeline.name),
        **_commit(env, pipeline.name),
        **({"pausedUntil": paused[pipeline.name]} if pipeline.name in paused else {}),
        **_adopts(env, pipeline.name),
    }


def _absent(env: Environment, beside: Standing | None) -> list[Mapping[str, Any]]:
    """The tombstones; those that are not rendered as they stand."""
    kept = dict(beside.absent) if beside is not None else {}
    new = {
        name: {"name": name, "delete": what, **_team(env, name), **_adopts(env, name)}
        for name, what in env.absent.items()
        if beside is None or name in beside.chosen
    }
    found = {**kept, **new}
    return [found[name] for name in dict.fromkeys((*env.absent, *found)) if name in found]


def _backfills(
    env: Environment, pipelines: Sequence[RenderedPipeline], beside: Standing | None
) -> list[Mapping[str, Any]]:
    """By their ids; those of pipelines that are not rendered as they stand."""
    kept = dict(beside.backfills) if beside is not None else {}
    found = {**kept, **backfills.entries(env, pipelines, beside.chosen if beside is not None else None)}
    return [found[one] for one in sorted(found)]


def _template(env: Environment, name: str) -> dict[str, str]:
    template = env.template_of(name)
    return {"template": template} if template != name else {}


def _team(env: Environment, name: str) -> dict[str, str]:
    """Whose it is, so that nobody after rendering need read the values."""
    found = env.team_of(name)
    return {"team": found} if found else {}


def _adopts(env: Environment, name: str) -> dict[str, Any]:
    found = env.adopts(name)
    return {"adopts": dict(found)} if found else {}


def _commit(env: Environment, name: str) -> dict[str, str]:
    """What was rendered cannot know its own commit; what was promoted has the commit of its sources, however far."""
    said = env.promoted.get(name, {})
    found = said.get("commit")
    if found and found != "none" and not found.endswith(CHANGED):
        found = said.get("sources", found)
    return {"commit": found} if found else {}
