"""Make up for a range of days: one run for each firing that a schedule had in it.

Each run is named after its firing, and a firing that has a run is not run again: so the command may be stopped
and started as often as one likes. A run learns its firing by a parameter of its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language import cron
from kfp_gitops.language.manifest import Manifest, Schedule
from kfp_gitops.operate.following import FINAL
from kfp_gitops.reconcile.records import backfill_prefix

TICK_PARAMETERS = ("scheduled_at", "now_override")
"""The parameter that gets the firing's instant, RFC 3339: the first of these that the pipeline declares as text."""
MOST = 1000
_POLL = 5.0
_ASKED = 50
"""Names in one question: as many as its answer holds."""


@dataclass(frozen=True)
class Range:
    """From the first instant on, up to but without the second; both aware and in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Backfill:
    """What to run for each firing."""

    schedule: str
    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]
    tick_parameter: str | None
    parallel: int

    def name(self, tick: datetime) -> str:
        """The run's name; it is also the mark that this firing has its run."""
        return f"{self.prefix}{tick:%Y%m%dT%H%M%SZ}"

    @property
    def prefix(self) -> str:
        """What the names of all runs of this schedule's backfills begin with."""
        return backfill_prefix(self.schedule)


@dataclass(frozen=True)
class Outcome:
    """How it ended: firings by the final state of their runs."""

    states: Mapping[datetime, str]
    skipped: int

    @property
    def failed(self) -> list[datetime]:
        """The firings whose run did not succeed."""
        return sorted(tick for tick, state in self.states.items() if state in ("FAILED", "CANCELED"))


def parse_range(text: str) -> Range:
    """`2026-01-01..2026-01-31` (both days whole), or two instants `2026-01-01T00:00:00Z..2026-01-01T12:00:00Z`.

    Raises:
        UsageError: it is neither, or ends before it begins.
    """
    first, dots, last = text.partition("..")
    try:
        found = Range(_moment(first, end=False), _moment(last, end=True))
    except ValueError:
        found = None
    if found is None or not dots or found.end <= found.start:
        raise UsageError(f"--backfill {text}: write FROM..TO, as in 2026-01-01..2026-01-31")
    return found


def _moment(text: str, *, end: bool) -> datetime:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found.astimezone(UTC)


def ticks(schedule: Schedule, within: Range, now: datetime) -> list[datetime]:
    """The firings of a schedule in a range, as far as they have passed.

    Raises:
        UsageError: the schedule has an interval, or there are more than 1,000.
    """
    if not schedule.cron:
        raise UsageError(f"schedule {schedule.name!r} has an interval: it has no firings but those that were")
    expression = cron.parse(schedule.cron)
    found = list(islice(_firings(expression, within, now), MOST + 1))
    if len(found) > MOST:
        raise UsageError(
            f"schedule {schedule.name!r} fires more than {MOST} times in it; give a shorter range"
        )
    return found


def _firings(expression: cron.Cron, within: Range, now: datetime) -> Iterable[datetime]:
    tick = expression.next_after(within.start - timedelta(seconds=1))
    while tick is not None and tick < within.end and tick <= now:
        yield tick
        tick = expression.next_after(tick)


def tick_parameter(manifest: Manifest, asked: str | None) -> str | None:
    """The parameter that gets the firing's instant; None when the pipeline declares none for it.

    Raises:
        UsageError: the one that was asked for is not a parameter, or not a text.
    """
    texts = [parameter.name for parameter in manifest.parameters if parameter.type == "str"]
    if asked is not None and asked not in texts:
        raise UsageError(
            f"--tick-parameter {asked}: the pipeline has no such text; there are: {', '.join(texts) or 'none'}"
        )
    return asked or next((name for name in TICK_PARAMETERS if name in texts), None)


def run(
    api: KfpApi,
    work: Backfill,
    wanted: Sequence[datetime],
    fired: Iterable[datetime],
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Run what has no run yet, so many at once, and follow all to their ends. `fired` are left out.

    Two lists must agree that a firing has no run, and what was begun here is never begun again: a list that is wrongly
    empty, or late, starts nothing twice.
    """
    left_out = set(fired)
    begun: dict[datetime, str] = {}
    chosen = [tick for tick in wanted if tick not in left_out]
    told: dict[datetime, str] = {}
    while True:
        states = _with_begun(api, _states(api, work, chosen), begun)
        for tick, found in states.items():
            if told.get(tick) != found.state:
                told[tick] = found.state
                tell(f"{tick:%Y-%m-%dT%H:%M:%SZ} {found.state} {found.id}")
        waiting = [tick for tick in chosen if tick not in states]
        active = sum(found.state not in FINAL for found in states.values())
        if not waiting and not active:
            return Outcome({tick: found.state for tick, found in states.items()}, len(wanted) - len(chosen))
        room = waiting[: max(0, work.parallel - active)]
        begun |= {tick: _start(api, work, tick) for tick in _without_run(api, work, room)}
        sleep(0.2 if room else min(_POLL, 0.5 + active))


def _with_begun(
    api: KfpApi, states: Mapping[datetime, RunState], begun: Mapping[datetime, str]
) -> dict[datetime, RunState]:
    """Also what the list does not show yet."""
    unseen = {tick: api.run(run_id) for tick, run_id in begun.items() if tick not in states}
    return {**states, **unseen}


def _without_run(api: KfpApi, work: Backfill, ticks: Sequence[datetime]) -> list[datetime]:
    """By another question than the first one's, so that it is another answer."""
    there: set[str] = set()
    for start in range(0, len(ticks), _ASKED):
        names = {work.name(tick) for tick in ticks[start : start + _ASKED]}
        there |= {found.name for found in api.runs_with_names(names)}
    return [tick for tick in ticks if work.name(tick) not in there]


def _states(api: KfpApi, work: Backfill, chosen: Sequence[datetime]) -> dict[datetime, RunState]:
    by_name = {found.name: found for found in api.runs_named(work.experiment_id, work.prefix)}
    return {tick: by_name[name] for tick in chosen if (name := work.name(tick)) in by_name}


def _start(api: KfpApi, work: Backfill, tick: datetime) -> str:
    own = {work.tick_parameter: f"{tick:%Y-%m-%dT%H:%M:%SZ}"} if work.tick_parameter else {}
    return api.create_run(
        name=work.name(tick),
        pipeline_id=work.pipeline_id,
        version_id=work.version_id,
        experiment_id=work.experiment_id,
        parameters={**work.parameters, **own},
    )
