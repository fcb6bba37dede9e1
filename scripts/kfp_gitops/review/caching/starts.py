"""What the cache makes of a change for each way in which a pipeline is started: its schedules, else a run by hand.

The results that there are, it takes from all the starts before: KFP does not ask who started a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfp_gitops.review.caching import read
from kfp_gitops.review.caching.predict import Prediction, compared
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.steps import KFP_2_17, KFP_2_18, Server, Step

BY_HAND = "a run by hand"
UNKNOWN = "what runs again cannot be told: a manifest or component is not valid"
RENAMED = "every task runs: results are kept by the name in the compiled pipeline, which is another now"
ELSEWHERE = "every task runs: where it moves to there are no results of it"


@dataclass(frozen=True)
class Forecast:
    """What becomes of the tasks of one or more starts (`schedule daily`), for which it is the same.

    `newer`: the same on KFP 2.18, where that differs. `instead`: what there is to say in place of a prediction.
    """

    starts: tuple[str, ...]
    now: Prediction
    newer: Prediction | None = None
    instead: str = ""


def forecasts(before: Side, after: Side, *, moves: bool = False) -> list[Forecast]:
    """The forecasts of a change, those that are the same together; `moves`: to another KFP or namespace."""
    if moves:
        return [Forecast((), Prediction(), instead=ELSEWHERE)]
    if before.name and before.name != after.name:
        return [Forecast((), Prediction(), instead=RENAMED)]
    try:
        found = [_forecast(name, before, after, given) for name, given in starts(after).items()]
    except read.UnreadableError:
        return [Forecast((), Prediction(), instead=UNKNOWN)]
    together: dict[tuple[Prediction, Prediction | None], list[str]] = {}
    for one in found:
        together.setdefault((one.now, one.newer), []).extend(one.starts)
    return [Forecast(tuple(names), now, newer) for (now, newer), names in together.items()]


def starts(side: Side) -> dict[str, Mapping[str, Any]]:
    """What starts the pipeline by itself, with the parameters that it gives; a run by hand where nothing does."""
    found = {
        f"schedule {one['name']}": one.get("parameters") or {}
        for one in scheduled(side.manifest)
        if one.get("enabled")
    }
    return found or {BY_HAND: {}}


def scheduled(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schedules of a manifest as YAML data."""
    found = manifest.get("schedules")
    items = found if isinstance(found, list) else []
    return [one for one in items if isinstance(one, Mapping) and "name" in one]


def _forecast(name: str, before: Side, after: Side, given: Mapping[str, Any]) -> Forecast:
    now = compared(_earlier(name, before, KFP_2_17), steps := read.steps(after, given, KFP_2_17))
    if not any(step.key for step in steps):
        return Forecast((name,), now)
    newer = compared(_earlier(name, before, KFP_2_18), read.steps(after, given, KFP_2_18))
    return Forecast((name,), now, newer if newer != now else None)


def _earlier(name: str, before: Side, server: Server) -> Sequence[Step]:
    """The steps of all runs before, first those of the start of this name: with those the reasons are told."""
    known = starts(before)
    first = [name] if name in known else []
    return [
        step
        for start in [*first, *(other for other in known if other != name)]
        for step in read.steps(before, known[start], server)
    ]
