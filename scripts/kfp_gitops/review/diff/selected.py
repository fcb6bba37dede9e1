"""What merging would change, of some pipelines of an environment: that there is more is told, and how much. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kfp_gitops.language.chains import edges
from kfp_gitops.review.diff.model import Between, EnvironmentDiff
from kfp_gitops.review.diff.state import State


def teams(before: State, after: State) -> dict[str, str]:
    """Every pipeline and tombstone of either state → the team whose it is, or was; "" where it is of none."""
    return {**_teams(before), **_teams(after)}


def _teams(state: State) -> dict[str, str]:
    lists = [state.settings.get(key) for key in ("pipelines", "absent")]
    items = [item for found in lists if isinstance(found, list) for item in found if isinstance(item, dict)]
    return {str(item.get("name")): str(item.get("team", "")) for item in items}


def only(found: EnvironmentDiff, chosen: Collection[str]) -> EnvironmentDiff:
    """The same with these pipelines; what the environment says of all stays."""
    shown = [pipeline for pipeline in found.pipelines if pipeline.name in chosen]
    others = sum(pipeline.semantic and pipeline.name not in chosen for pipeline in found.pipelines)
    events = [event for event in found.events if {*event.pipelines} & {*chosen} or not event.pipelines]
    more = [f"{others} other pipeline{'s' if others > 1 else ''} changed, not shown"] if others else []
    asked = [one for one in found.backfills if (one.after or one.before or {}).get("pipeline") in chosen]
    between = found.between and _near(found.between, chosen)
    warnings = [*found.warnings, *more]
    return replace(found, between=between, pipelines=shown, events=events, backfills=asked, warnings=warnings)


def _near(found: Between, chosen: Collection[str]) -> Between | None:
    """The parts of the graph in which one of these is."""
    keys = {edge.key for edge in edges.around([link.edge for link in found.links], chosen)}
    links = [link for link in found.links if link.edge.key in keys]
    return replace(found, links=links) if links else None
