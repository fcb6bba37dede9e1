"""What `diff --host` asks a KFP: the runs in flight, and how long the pipelines take after which others start."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from kfp_gitops.commands import connection
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.review.diff import revision
from kfp_gitops.review.diff.between.following import Following
from kfp_gitops.review.diff.model import EnvironmentDiff
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
    return replace(found, pipelines=pipelines, between=between)


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
