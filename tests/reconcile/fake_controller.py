"""KFP's controller of ScheduledWorkflows: time passes, and what is due fires.

Crons are the few in RHYTHMS, so that it needs no parser of its own. Instants are whole seconds since EPOCH.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualSchedule

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
RHYTHMS = {
    "0 */5 * * * *": (300, 0),
    "30 */2 * * * *": (120, 30),
    "0 0 * * * *": (3600, 0),
    "0 * * * * *": (60, 0),
    "0 0 0 * * *": (86400, 0),
}
"""Cron → (period, offset) in seconds: it fires when (t - offset) is a multiple of the period."""


@dataclass
class Recurring:
    """A ScheduledWorkflow; `last` is the time of its last firing, `again` when the controller looks once more."""

    record: ActualSchedule
    last: int | None = None
    again: int | None = None


def seconds(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def instant(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)


def due(found: ActualSchedule, last: int | None, now: int) -> int | None:
    """scheduled_workflow.go getNextScheduledEpoch, cron_schedule.go, periodic_schedule.go at 2.17.0."""
    base = last if last is not None else seconds(found.start or found.created)
    end = seconds(found.end) if found.end else 1 << 60
    if found.interval_seconds:
        following = base + found.interval_seconds
        late = not found.catchup and now >= following + found.interval_seconds
        return None if following > end else now if late else following
    if found.cron is None:
        return None
    period, offset = RHYTHMS[found.cron]
    following = (base - offset) // period * period + offset + period
    while not found.catchup and following + period <= min(now, end):
        following += period
    return following if following <= end else None


class Controller:
    """It looks `lag` seconds after each firing, or, as the real one, every `cadence` seconds from `phase` on, at each
    event of a ScheduledWorkflow, and 10 s after it has submitted one. The API tells of a run that a schedule started
    when the persistence agent has reported it, `unseen` seconds later; a run `lasts` so long.
    """

    def __init__(self, lag: int, lasts: int, unseen: int, cadence: int, phase: int) -> None:
        self.clock, self.lag, self.lasts = 0, lag, lasts
        self.unseen, self.cadence, self.phase = unseen, cadence, phase
        self.date_off = 0
        """Seconds by which the Date of replies is wrong."""
        self.recurring: dict[str, Recurring] = {}
        self.ghosts: dict[str, Recurring] = {}
        """Made, and in no list."""
        self.runs: dict[str, tuple[ActualRun, int]] = {}
        self.ghost_runs: list[ActualRun] = []
        self._ids = 0

    def advance(self, by: float) -> None:
        """Time passes; the controller fires what is due, `lag` seconds late."""
        until = self.clock + max(int(by + 0.999), 0)
        while self.clock < until:
            self.clock = min(self._next_moment(), until)
            self._fire()

    @property
    def late(self) -> int:
        """How many seconds a firing may come after its time."""
        return self.cadence or self.lag

    def _all(self) -> list[Recurring]:
        return [*self.recurring.values(), *self.ghosts.values()]

    def _next_moment(self) -> int:
        ends = [end for _, end in self.runs.values() if end > self.clock]
        moments = self._looks() if self.cadence else self._due()
        return max(min([*moments, *ends], default=1 << 60), self.clock + 1)

    def _due(self) -> list[int]:
        return [
            moment + self.lag
            for found in self._all()
            if found.record.enabled and (moment := due(found.record, found.last, self.clock)) is not None
        ]

    def _looks(self) -> list[int]:
        passed = (self.clock - self.phase) // self.cadence
        again = [found.again for found in self._all() if found.again is not None]
        return [self.phase + (passed + 1) * self.cadence, *again]

    def _fire(self) -> None:
        if not self.cadence:
            for found in self._all():
                while self._fire_one(found):
                    pass
            return
        looks = (self.clock - self.phase) % self.cadence == 0
        for found in self._all():
            if looks or found.again == self.clock or self._ended_now(found):
                self._look(found)

    def _look(self, found: Recurring) -> None:
        """controller.go processNextWorkItem: one firing, and once more 10 s after it."""
        found.again = self.clock + 10 if self._fire_one(found) else None

    def _ended_now(self, found: Recurring) -> bool:
        return any(
            end == self.clock and run.schedule_id == found.record.id for run, end in self.runs.values()
        )

    def _fire_one(self, found: Recurring) -> bool:
        record = found.record
        moment = due(record, found.last, self.clock - self.lag)
        active = sum(
            self._state(end) == "RUNNING" for run, end in self.runs.values() if run.schedule_id == record.id
        )
        if not record.enabled or moment is None or moment + self.lag > self.clock:
            return False
        if active >= record.max_concurrency:
            return False
        run = ActualRun(
            self._id("r"), record.name, "", record.version_id, record.id, instant(self.clock), instant(moment)
        )
        if record.id in self.ghosts:
            self.ghost_runs.append(run)
        else:
            self.runs[run.id] = run, self.clock + self.lasts
        found.last = moment
        return True

    def _state(self, end: int) -> str:
        return "RUNNING" if end > self.clock else "SUCCEEDED"

    def now(self) -> datetime:
        return instant(self.clock + self.date_off)

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids:05d}"

    def _is_seen(self, run: ActualRun) -> bool:
        return run.schedule_id is None or seconds(run.created or EPOCH) + self.unseen <= self.clock
