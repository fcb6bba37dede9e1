"""What a decision needs of single objects, asked at once and in bounded number; then it is decided again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from kfp_gitops.base.errors import BrokenError
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.identity import digest_of_stored
from kfp_gitops.operate.triggering.server import Server
from kfp_gitops.reconcile import adoption
from kfp_gitops.reconcile.causes.cause import Watched
from kfp_gitops.reconcile.causes.due import Decision, decide
from kfp_gitops.reconcile.causes.seen import Known, Registered
from kfp_gitops.reconcile.causes.sorting import World
from kfp_gitops.reconcile.causes.state import WHY, State
from kfp_gitops.reconcile.records import DesiredPipeline

T = TypeVar("T")
W = TypeVar("W")
MOST = 40
"""Objects that one pass asks for; what needs more waits for the next pass."""


def decided(api: Server, triggers: Sequence[Watched], state: State, world: World) -> tuple[Decision, World]:
    """What is due, with all that it depends on; and by what it was decided."""
    left = MOST
    while True:
        found = decide(triggers, state, world)
        broken = world.known.broken
        pipelines = {one.pipeline.name: one.pipeline for one in found.registered}
        asked = [one for name, one in pipelines.items() if name not in broken][:left]
        versions = sorted(one for one in found.versions if one[1] not in broken)[: left - len(asked)]
        if not asked and not versions:
            return found, world
        left -= len(asked) + len(versions)
        world = replace(world, known=_known(api, world, asked, versions))


def _known(
    api: Server,
    world: World,
    pipelines: Sequence[DesiredPipeline],
    versions: Sequence[tuple[str, str]],
) -> Known:
    registered = api.together(partial(_told, _registered, api, world, one) for one in pipelines)
    ours = api.together(partial(_told, _is_ours, api, world, version) for version in versions)
    of_names = dict(zip((one.name for one in pipelines), registered, strict=True))
    of_ids = dict(zip(versions, ours, strict=True))
    broken = {key: str(one)[:WHY] for key, one in of_names.items() if isinstance(one, BrokenError)}
    broken |= {key: str(one)[:WHY] for (_, key), one in of_ids.items() if isinstance(one, BrokenError)}
    return Known(
        {**world.known.registered}
        | {k: one for k, one in of_names.items() if not isinstance(one, BrokenError)},
        {**world.known.versions} | {k: one for k, one in of_ids.items() if not isinstance(one, BrokenError)},
        {**world.known.broken, **broken},
    )


def _told(ask: Callable[[Server, World, W], T], api: Server, world: World, wanted: W) -> T | BrokenError:
    """What KFP breaks over each time is a matter of who needs it: the triggers of others go on."""
    try:
        return ask(api, world, wanted)
    except BrokenError as error:
        return error


def _registered(api: Server, world: World, wanted: DesiredPipeline) -> Registered | None:
    """The wanted version, where it is ours and holds what was reviewed; a request."""
    key = world.seen.ids.get(wanted.called, "")
    if key not in world.seen.ours:
        return None
    found = ActualPipeline(key, wanted.called, world.owner, api.versions(key, adoption.read_of(wanted)))
    version = adoption.seen_as(wanted, found).versions.get(wanted.version)
    if version is None or version.digest != wanted.digest:
        return None
    return Registered(key, version.id, version.created)


def _is_ours(api: Server, world: World, version: tuple[str, str]) -> bool:
    """Whether a version is marked as ours, or, of a pipeline that was adopted, holds what Git says.

    Of one that is gone its pipeline tells: an apply deletes versions of ours that are old.
    """
    found = api.compiled(*version)
    if found is None:
        return version[0] in world.seen.ours
    if Owner(found.facts.get("repository", ""), found.facts.get("environment", "")) == world.owner:
        return True
    adopted = [one for one in world.pipelines.values() if one.adopts]
    wanted = {one.digest for one in adopted if world.seen.ids.get(one.called) == version[0]}
    return bool(wanted) and digest_of_stored(found.spec) in wanted
