"""What is read of a server to import from it: pipelines, a version of each, and who pins which."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import UsageError
from kfp_gitops.importing.fromserver import OnServer
from kfp_gitops.importing.recurring import Left
from kfp_gitops.sources.environment import Environment

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.models import Listed, NamedExperiment


@dataclass(frozen=True)
class Shelf:
    """All that was asked for; `known`: what is in the environment already."""

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
    chosen = _chosen(listed, arguments.pipeline, api.host)
    left = [*_marked(chosen), *(_of_nothing(listed, schedules) if _all_of_it(arguments) else ())]
    here = {str(env.adopts(name).get("pipeline")): name for name in (*env.pipelines, *env.absent)}
    known = [
        f"pipeline {one.name!r} is in {env.name} already, as {here[one.name]}"
        for one in chosen
        if one.name in here
    ]
    todo = [one for one in chosen if one.owner is None and one.name not in here]
    by_pipeline: dict[str, list[ActualSchedule]] = {}
    for found in schedules:
        by_pipeline.setdefault(found.pipeline_id or "", []).append(found)
    reads = (partial(_shelved, api, arguments, one, by_pipeline.get(one.id, ())) for one in todo)
    answers = api.together(reads)
    names = {one.id: one.name for one in experiments if not one.archived}
    left += [one for one in answers if isinstance(one, Left)]
    return Shelf([one for one in answers if isinstance(one, OnServer)], left, known, names)


def _all_of_it(arguments: Namespace) -> bool:
    return bool(arguments.schedules and not arguments.pipeline)


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


def _marked(chosen: Sequence[Listed]) -> Iterator[Left]:
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
    if arguments.pipeline_version:
        found = api.versions_called(one.id, arguments.pipeline_version)
        if len(found) != 1:
            why = f"it has {len(found)} versions called {arguments.pipeline_version!r}"
            return Left(what, why, "write --pipeline-version as KFP's UI shows it")
    else:
        found = api.newest(one.id, 1)
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
    return OnServer(one, version, its, pinned)
