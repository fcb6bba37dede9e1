"""Words for forecasts: `runs again: train, judge (image of train) · same results from cache: 8`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.review.caching.predict import Fate, Outcome, Prediction
from kfp_gitops.review.caching.starts import BY_HAND, Forecast

_COUNTED = (Fate.CACHED, Fate.AS_BEFORE, Fate.EACH_TIME)


def lines(found: Sequence[Forecast]) -> list[str]:
    """One line for each forecast, named by what it is for where there are several."""
    shown = (f"{_label(one, len(found))}{summary(one.now)}" for one in found if one.now.outcomes)
    return [*(one.instead for one in found if one.instead), *shown]


def warnings(found: Sequence[Forecast]) -> list[str]:
    """What a reviewer must not miss: results from before a change, and what a newer KFP does otherwise."""
    texts = [text for one in found for text in (*_stale(one.now), *_newer(one))]
    return list(dict.fromkeys(texts))


def summary(prediction: Prediction) -> str:
    """All tasks in one line."""
    runs = [text for fate in (Fate.RUNS, Fate.IF_DIFFERENT) if (text := _named(prediction, fate))]
    counted = [f"{fate}: {len(some)}" for fate in _COUNTED if (some := prediction.of(fate))]
    return " · ".join([*runs, *counted])


def as_json(found: Sequence[Forecast]) -> list[dict[str, Any]]:
    """The same as data; `schemas/diff.schema.json` describes it."""
    return [
        {
            "starts": list(one.starts),
            "text": one.instead or summary(one.now),
            "tasks": [_outcome(outcome) for outcome in one.now.outcomes],
            "newerKfp": [_outcome(outcome) for outcome in one.newer.outcomes] if one.newer else None,
        }
        for one in found
    ]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "task": outcome.task,
        "fate": outcome.fate.name.lower().replace("_", "-"),
        "because": list(outcome.because),
        "unless": list(outcome.unless),
        "stale": list(outcome.stale),
        "count": outcome.count,
        "total": outcome.total,
    }


def _label(found: Forecast, many: int) -> str:
    return "" if many == 1 and found.starts == (BY_HAND,) else f"{', '.join(found.starts)}: "


def _named(prediction: Prediction, fate: Fate) -> str:
    """`runs again: train, judge (image of train); load (new)`: tasks that run for the same reason together."""
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in prediction.of(fate):
        whats = tuple(dict.fromkeys(what for what, _ in outcome.roots))
        groups.setdefault(whats, []).append(outcome)
    shown = [f"{', '.join(map(_task, some))} ({_why(some)})" for some in groups.values()]
    return f"{fate}: {'; '.join(shown)}" if shown else ""


def _why(outcomes: Sequence[Outcome]) -> str:
    """What begins at one task is told of it, what begins at several without them."""
    where: dict[str, dict[str, None]] = {}
    for what, task in (root for outcome in outcomes for root in outcome.roots):
        where.setdefault(what, {})[task] = None
    alone = len(outcomes) == 1
    return ", ".join(
        what
        if len(tasks) > 1 or what == "new" or (alone and outcomes[0].task in tasks)
        else f"{what} of {next(iter(tasks))}"
        for what, tasks in where.items()
    )


def _task(outcome: Outcome) -> str:
    several = outcome.total > 1 and outcome.count < outcome.total
    return f"{outcome.task} for {outcome.count} of {outcome.total}" if several else outcome.task


def _stale(prediction: Prediction) -> Iterator[str]:
    for outcome in prediction.stale:
        what = f"STALE: {', '.join(outcome.stale)} of {outcome.task} changed, KFP ≤ 2.17 does not see it"
        yield f"{what}: {_kept(outcome)}; set `cache: false`, or let an argument change with it"


def _kept(outcome: Outcome) -> str:
    if outcome.fate is Fate.CACHED:
        return "a result from before it is reused"
    return "a result from before it may be reused"


def _newer(found: Forecast) -> Iterator[str]:
    if found.newer is None:
        return
    now = {outcome.task: outcome for outcome in found.now.outcomes}
    for outcome in found.newer.outcomes:
        old = now.get(outcome.task)
        if outcome.stale and (old is None or outcome.stale != old.stale):
            what = f"STALE on KFP 2.18 and later: {', '.join(outcome.stale)} of {outcome.task} changed"
            yield f"{what}, and its cache.key stands for everything else; change the key with it"
        elif old is None or outcome.fate is not old.fate:
            why = f" ({_why([outcome])})" if outcome.roots else ""
            yield f"KFP 2.18 and later: {outcome.task} {_verb(outcome.fate)}{why}; 2.17 does not read cache.key"


def _verb(fate: Fate) -> str:
    return "gets the same results from cache" if fate is Fate.CACHED else str(fate)
