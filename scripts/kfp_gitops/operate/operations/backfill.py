"""A backfill: one run for each of some firings of a schedule.

Each run is named after its firing, and a firing that has a run is not run again: so the command may be stopped
and started as often as one likes (`making_up`). Where that run failed, and somebody wants it once more, the next one
has the number of its attempt behind. A run learns its firing by a parameter of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language import cron, firings
from kfp_gitops.language.firings import Range
from kfp_gitops.language.manifest import Manifest, Schedule
from kfp_gitops.reconcile import history
from kfp_gitops.reconcile.records import backfill_prefix

MOST = 1000
"""Firings of one command, which follows them all; a backfill that stands in Git may have more."""
FAILED = frozenset({"FAILED", "CANCELED"})
"""How a run ends that made up for nothing."""


@dataclass(frozen=True)
class Backfill:
    """What to run for each firing of one schedule."""

    schedule: str
    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]
    tick_parameter: str | None
    parallel: int
    attempts: Mapping[datetime, int] = field(default_factory=dict)
    """Which run of a firing it is, where it is not the first: those before it failed."""
    by_hand: tuple[str, ...] = ()
    """The ids of recurring runs that were made in KFP and are the schedule: their runs are in another experiment."""

    def name(self, tick: datetime) -> str:
        """The run's name; it is also the mark that this firing has its run, at this attempt."""
        attempt = self.attempts.get(tick, 1)
        again = f"-{attempt}" if attempt > 1 else ""
        return f"{self.prefix}{tick:%Y%m%dT%H%M%SZ}{again}"

    @property
    def prefix(self) -> str:
        """What the names of all runs of this schedule's backfills begin with."""
        return backfill_prefix(self.schedule)


def newest_attempts(runs: Iterable[RunState], prefix: str) -> dict[datetime, tuple[int, RunState]]:
    """Firing → the newest run that a backfill of it made, and which attempt it is; of several a good one."""
    pattern = re.compile(rf"{re.escape(prefix)}(\d{{8}}T\d{{6}}Z)(?:-(\d+))?")
    found: dict[datetime, tuple[int, RunState]] = {}
    for run in runs:
        match = pattern.fullmatch(run.name)
        tick = history.noted(match[1]) if match else None
        if match and tick:
            attempt, before = int(match[2] or 1), found.get(tick)
            if before is None or (attempt, run.state not in FAILED) > (
                before[0],
                before[1].state not in FAILED,
            ):
                found[tick] = attempt, run
    return found


def next_attempts(newest: Mapping[datetime, tuple[int, RunState]], *, redo: bool) -> dict[datetime, int]:
    """Which attempt each firing is at: where `redo`, of one that failed the next."""
    return {
        tick: number + 1 if redo and run.state in FAILED else number for tick, (number, run) in newest.items()
    }


def parse_range(text: str) -> Range:
    """`2026-01-01..2026-01-31` (both days whole), or two instants `2026-01-01T00:00:00Z..2026-01-01T12:00:00Z`.

    Raises:
        UsageError: it is neither, or ends before it begins.
    """
    first, dots, last = text.partition("..")
    try:
        found = Range.of(first, last)
    except ValueError:
        found = None
    if found is None or not dots:
        raise UsageError(f"--backfill {text}: write FROM..TO, as in 2026-01-01..2026-01-31")
    if found.end <= found.start:
        raise UsageError(
            f"--backfill {text}: it ends before it begins; write FROM..TO, the earlier one first"
        )
    return found


def ticks(schedule: Schedule, within: Range, now: datetime) -> list[datetime]:
    """The firings of a schedule in a range, as far as they have passed.

    Raises:
        UsageError: the schedule has an interval, or there are more than 1,000.
    """
    expression = cron.parse(schedule.cron) if schedule.cron else None
    if expression is None or isinstance(expression, cron.Every):
        raise UsageError(f"schedule {schedule.name!r} has an interval: it has no firings but those that were")
    passed = takewhile(lambda tick: tick <= now, firings.of(expression, within))
    found = list(islice(passed, MOST + 1))
    if len(found) > MOST:
        raise UsageError(
            f"schedule {schedule.name!r} fires more than {MOST} times in it; give a shorter range"
        )
    return found


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
    return asked or firings.tick_parameter(texts)
