"""What `diff --host` asks a KFP: the runs in flight, and how long the pipelines take after which others start."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from kfp_gitops.commands import connection
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.language.firings import Range
from kfp_gitops.review.diff import revision
from kfp_gitops.review.diff.between.following import Following
from kfp_gitops.review.diff.model import BackfillDiff, EnvironmentDiff
from kfp_gitops.review.diff.state import State

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi

_MOST = 200
"""Pipelines of which it is asked how long they take."""


def with_runs(found: EnvironmentDiff, arguments: Namespace) -> EnvironmentDiff:
    """The same with the runs in flight, and with how long runs take before others start.

    Raises:
        RemoteError: KFP does not answer.
    """
    from kfp_gitops.reconcile import durations
    from kfp_gitops.review.diff.inflight import count

    folder = f"manifests/{found.environment}"
    api = _api(State("the work tree", revision.in_tree(arguments.root, folder)), arguments)
    between = found.between
    if between:
        links = (link.after for link in between.links if link.after)
        takes = durations.of_pipelines(api, _waited_for(links), found.environment)
        between = replace(between, takes=takes)
    pipelines = [
        replace(item, in_flight=count(api, item.name, found.environment)) if item.semantic else item
        for item in found.pipelines
    ]
    asked = [_with_costs(api, one, found.environment) for one in found.backfills]
    return replace(found, pipelines=pipelines, between=between, backfills=asked)


def _with_costs(api: KfpApi, found: BackfillDiff, environment: str) -> BackfillDiff:
    """A backfill with how long its runs take, and of how many firings there is one already."""
    from kfp_gitops.operate.operations import ran
    from kfp_gitops.operate.operations.backfill import FAILED, Backfill
    from kfp_gitops.reconcile import backfills, durations
    from kfp_gitops.reconcile.records import DesiredBackfill, backfill_prefix, experiment_name

    wanted = DesiredBackfill.of(found.after) if found.after else None
    experiment = api.experiment(experiment_name(wanted.pipeline, environment)) if wanted else None
    if wanted is None or experiment is None:
        return found
    ticks = backfills.ticks_of(wanted)
    names = {backfills.name(wanted, tick): tick for tick in ticks}
    named = api.runs_named(experiment.id, backfill_prefix(wanted.called))
    there = {names[run.name] for run in named if run.name in names}
    if wanted.skip_existing:
        there |= ran.well(named, backfill_prefix(wanted.called)) & {*ticks}
    if wanted.schedule and wanted.skip_existing:
        its = Backfill(wanted.called, "", "", experiment.id, {}, None, 1)
        within = Range.of(wanted.start, wanted.end)
        fired = ran.fired(api, its, within).items()
        there |= {tick for tick, state in fired if state not in FAILED} & {*ticks}
    takes = durations.usual(api.runs(experiment.id, durations.NEWEST))
    return replace(found, there=len(there), takes=takes)


def with_durations(found: Following, environment: str, state: State, arguments: Namespace) -> Following:
    """A week with about when what follows starts.

    Raises:
        RemoteError: KFP does not answer.
    """
    from kfp_gitops.reconcile import durations

    names = _waited_for(found.edges)
    takes = durations.of_pipelines(_api(state, arguments), names, environment) if names else {}
    return replace(found, takes=takes)


def _waited_for(found: Iterable[Edge]) -> list[str]:
    names = {name for edge in found if not edge.is_data for name in (edge.source, edge.pipeline)}
    return sorted(names)[:_MOST]


def _api(state: State, arguments: Namespace) -> KfpApi:
    from kfp_gitops.reconcile.hosts import checked_host

    return connection.api(
        arguments, checked_host(arguments.host), state.settings.get("kfp", {}).get("namespace", "")
    )
