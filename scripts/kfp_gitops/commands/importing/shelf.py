"""What is read of a server to import from it: pipelines, a version of each, and who pins which."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import UsageError
from kfp_gitops.importing.fromserver import OnServer
from kfp_gitops.importing.recurring import Left, Terms, added
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.sources.environment import Environment

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.models import Listed, NamedExperiment, Stored


@dataclass(frozen=True)
class Shelf:
    """All that was asked for; `known`: the names here of those that came before."""

    pipelines: Sequence[OnServer]
    left: Sequence[Left]
    known: Sequence[str]
    experiments: Mapping[str, str]
    """Id → name, of those that are not archived."""


def read(api: KfpApi, arguments: Namespace, env: Environment) -> Shelf:
    """Lists by the page, and of each pipeline that is asked for the version, many at once.

    Raises:
        UsageError: no pipeline is called as asked.
    """
    listed: list[Listed] = []
    schedules: list[ActualSchedule] = []
    experiments: list[NamedExperiment] = []
    api.together(
        [
            lambda: listed.extend(api.catalogue()),
            lambda: schedules.extend(api.schedules()),
            lambda: experiments.extend(api.all_experiments()),
        ]
    )
    by_pipeline: dict[str, list[ActualSchedule]] = {}
    for found in schedules:
        by_pipeline.setdefault(found.pipeline_id or "", []).append(found)
    chosen = _chosen(listed, arguments.pipeline, api.host)
    known = {one.id: name for one in chosen if (name := _here(one, env))}
    left = [*_marked(one for one in chosen if one.id not in known), *_namesakes(chosen, env)]
    if arguments.schedules:
        its = ((one, known[one.id], by_pipeline.get(one.id, ())) for one in chosen if one.id in known)
        left += [one for each in its for one in _more(*each, env, terms(arguments, env))]
        left += [] if arguments.pipeline else _of_nothing(listed, schedules)
    todo = [one for one in chosen if one.owner is None and one.id not in known and not _is_namesake(one, env)]
    answers = api.together(
        partial(_shelved, api, arguments, one, by_pipeline.get(one.id, ())) for one in todo
    )
    left += [one for one in answers if isinstance(one, Left)]
    names = {one.id: one.name for one in experiments if not one.archived}
    return Shelf([one for one in answers if isinstance(one, OnServer)], left, sorted(known.values()), names)


def terms(arguments: Namespace, env: Environment) -> Terms:
    """On what terms recurring runs are taken."""
    return Terms(str(env.kfp.get("serviceAccount", "")), arguments.pin)


def _here(one: Listed, env: Environment) -> str:
    """What a pipeline is called here that came before; "": it did not."""
    if one.owner not in (None, Owner(env.repository["id"], env.name)):
        return ""
    every = (*env.pipelines, *env.absent)
    adopted = (name for name in every if env.adopts(name).get("pipeline", "") == one.name)
    own = one.name if one.owner and one.name in every else ""
    return next(adopted, own)


def _is_namesake(one: Listed, env: Environment) -> bool:
    """Whether Git has a pipeline that KFP would call as one is called that nobody marked."""
    return one.owner is None and one.name in env.pipelines and not env.adopts(one.name)


def _namesakes(chosen: Iterable[Listed], env: Environment) -> Iterator[Left]:
    for one in chosen:
        if _is_namesake(one, env):
            why = f"{env.name} has a pipeline of this name, which was not imported from here"
            todo = (
                f"if both are the same, `reconcile.py apply --adopt {one.name}` takes this one over; else take that "
                "one out of Git, or give it another name, and import again"
            )
            yield Left(f"pipeline {one.name!r}", why, todo)


def _more(
    one: Listed, name: str, recurring: Sequence[ActualSchedule], env: Environment, terms: Terms
) -> Iterator[Left]:
    """Recurring runs of a pipeline that came before which Git does not name."""
    adopted = env.adopts(name).get("schedules", {})
    taken = {its["recurringRun"] for its in adopted.values()}
    new = [
        found
        for found in recurring
        if not (found.owner or found.name in taken or ownership.is_taken(one.tags, found.id))
    ]
    yield from added(one.name, name, new, terms, adopted)


def _chosen(listed: Sequence[Listed], globs: Sequence[str], host: str) -> list[Listed]:
    """By name; a name of the UI's is one as well."""
    ordered = sorted(listed, key=lambda one: one.name)
    if not globs:
        return ordered
    for glob in globs:
        if not any(_is(one, glob) for one in ordered):
            known = columns.some([repr(one.name) for one in ordered], 10) or "none"
            raise UsageError(
                f"import.py --pipeline {glob!r}: {host} has no pipeline called so; it has {known}"
            )
    return [one for one in ordered if any(_is(one, glob) for glob in globs)]


def _is(one: Listed, glob: str) -> bool:
    names = (one.name, one.display_name)
    return glob in names or any(fnmatchcase(name, glob) for name in names)


def _marked(chosen: Iterable[Listed]) -> Iterator[Left]:
    for one in chosen:
        if one.owner:
            whose = f"the repository {one.owner.repository}, environment {one.owner.environment} keeps it"
            yield Left(f"pipeline {one.name!r}", whose, "leave it there, or take it out of that one first")


def _of_nothing(listed: Sequence[Listed], schedules: Sequence[ActualSchedule]) -> Iterator[Left]:
    """Recurring runs of no registered pipeline; of one that is registered they are told with it."""
    ids = {one.id for one in listed}
    for found in schedules:
        if found.pipeline_id in ids or found.owner:
            continue
        why, todo = "the pipeline that it runs is there no more", "delete it in KFP"
        if found.inline:
            why = "it has an IR of its own, and no registered pipeline"
            todo = "upload that as a pipeline, make a recurring run of it, delete this one, and import again"
        yield Left(f"recurring run {found.name!r} ({found.id})", why, todo)


def _shelved(
    api: KfpApi, arguments: Namespace, one: Listed, recurring: Sequence[ActualSchedule]
) -> OnServer | Left:
    what = f"pipeline {one.name!r}"
    tie = ""
    if arguments.pipeline_version:
        found = api.versions_called(one.id, arguments.pipeline_version)
        if len(found) != 1:
            why = f"it has {len(found)} versions called {arguments.pipeline_version!r}"
            return Left(what, why, "write --pipeline-version as KFP's UI shows it")
    else:
        found, tie = _newest(api, one, {found.version_id for found in recurring})
    if not found:
        return Left(what, "it has no version", "upload one, or delete the pipeline in KFP")
    version = found[0]
    if not version.spec:
        why = f"KFP cannot read its version {version.name!r} itself"
        return Left(
            what, why, "upload it anew in KFP and import again, or name another with --pipeline-version"
        )
    its = recurring if arguments.schedules else ()
    ids = sorted({found.version_id for found in its if found.version_id} - {version.id})
    pinned = {id_: api.stored(one.id, id_) for id_ in ids}
    return OnServer(one, version, its, pinned, tie)


def _newest(api: KfpApi, one: Listed, pinned: Set[str | None]) -> tuple[list[Stored], str]:
    """The newest version; of two of one second the one that is pinned, and the other's name."""
    found = api.newest(one.id, 2)
    if len(found) < 2 or found[0].created != found[1].created or found[0].spec == found[1].spec:
        return found[:1], ""
    first, other = found if found[0].id in pinned or found[1].id not in pinned else found[::-1]
    return [first], other.name
