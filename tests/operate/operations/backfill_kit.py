"""A KFP in this process for backfills: time passes at each call, any of which can be the last one of its process.

A list may once be empty or late; KFP may start a run and list it never (a 500 after the workflow was made).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from kfp_gitops.base.errors import NotFoundError, TemporaryError, UnclearError
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment, ActualRun, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment, RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile.records import Desired, DesiredBackfill, DesiredPipeline

T = TypeVar("T")
OWNER = Owner("repository-1", "dev")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CRON = "0 0 3 * * *"


class KilledError(BaseException):
    """The process ends here."""


DAILY = ActualSchedule("s", "p-daily", None, None, enabled=True, created=NOW, cron=CRON)


@dataclass
class Interruption:
    """At the nth call from now, before or after its effect; `how`: kill, break (no answer), 500 (of a new run)."""

    call: int
    after: bool
    how: str = "kill"


@dataclass
class Kfp:
    """Runs last `lasts` seconds; a list shows what was made `lag` seconds ago."""

    lasts: int = 100
    lag: int = 0
    latency: int = 1
    now_: datetime = NOW
    off: timedelta = timedelta(0)
    """By how much KFP's clock is wrong; what it shows and what ends goes by the real one."""
    fails: frozenset[str] = frozenset()
    """Names of the runs that fail."""
    runs: dict[str, RunState] = field(default_factory=dict)
    made: dict[str, datetime] = field(default_factory=dict)
    """When, by the real clock."""
    ghosts: list[str] = field(default_factory=list)
    """Names of the runs that KFP started and lists never."""
    notes: list[NamedExperiment] = field(default_factory=list)
    registered: bool = True
    schedule: ActualSchedule = field(default_factory=lambda: DAILY)
    interruption: Interruption | None = None
    wrong_list: tuple[int, bool] | None = None
    calls: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    host: str = "http://127.0.0.1"

    # how calls go

    def advance(self, seconds: float) -> None:
        self.now_ += timedelta(seconds=seconds)

    def call(self, what: str, effect: Callable[[], T]) -> T:
        self.calls[what] += 1
        hit = self._hit()
        self.advance(self.latency)
        if hit and not hit.after:
            self._stop(hit, what)
        result = effect()
        if hit:
            self._stop(hit, what, result)
        return result

    def _hit(self) -> Interruption | None:
        if self.interruption is None:
            return None
        self.interruption.call -= 1
        return self.interruption if self.interruption.call == 0 else None

    def _stop(self, hit: Interruption, what: str, made: Any = None) -> None:
        self.interruption = None
        if hit.how == "kill":
            raise KilledError
        if what == "create_run":
            if made and hit.how == "500":
                self.ghosts.append(self.runs.pop(made).name)
            elif made:  # the client looks for it, and finds it
                return
            raise UnclearError("500")
        raise TemporaryError("the connection broke")

    def _listed(self, what: str, wanted: Callable[[RunState], bool]) -> list[RunState]:
        def effect() -> list[RunState]:
            return [self._told(run) for run in self._seen() if wanted(run)]

        return self.call(what, effect)

    def _seen(self) -> list[RunState]:
        until = self.now_ - self._lag
        there = [run for run in self.runs.values() if self.made[run.id] <= until]
        if self.wrong_list:
            number, late = self.wrong_list
            self.wrong_list = (number - 1, late) if number > 1 else None
            if number == 1:
                return there[:-1] if late else []
        return there

    @property
    def _lag(self) -> timedelta:
        return timedelta(seconds=self.lag)

    def _told(self, run: RunState) -> RunState:
        """As it is now."""
        if run.state == "CANCELED":
            return run
        if self.now_ < self.made[run.id] + timedelta(seconds=self.lasts):
            return replace(run, state="RUNNING")
        return replace(run, state="FAILED" if run.name in self.fails else "SUCCEEDED")

    def active(self) -> int:
        """How many runs of backfills go on."""
        since = self.now_ - timedelta(seconds=self.lasts)
        going = (run for run in self.runs.values() if self.made[run.id] > since)
        return sum(run.name.startswith("backfill-") and run.state != "CANCELED" for run in going)

    # what is asked of it

    def now(self) -> datetime:
        return self.now_ + self.off

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        found = self._listed("runs_with_names", lambda run: run.name in names)
        assert len(names) <= 50, "more than one page holds"
        return [
            ActualRun(run.id, run.name, run.state, created=run.created, scheduled=run.scheduled)
            for run in found
        ]

    def runs_named(self, _experiment: str, text: str) -> list[RunState]:
        return self._listed("runs_named", lambda run: text in run.name)

    def runs_fired(self, _experiment: str, start: datetime, end: datetime) -> list[RunState]:
        return self._listed(
            "runs_fired",
            lambda run: bool(run.schedule_id and run.scheduled and start <= run.scheduled < end),
        )

    def schedules_named(self, _names: Collection[str]) -> list[ActualSchedule]:
        self.calls["schedules_named"] += 1
        return [self.schedule]

    def runs_of_schedule(self, schedule_id: str) -> list[ActualRun]:
        found = self._listed("runs_of_schedule", lambda run: run.schedule_id == schedule_id)
        return [
            ActualRun(one.id, one.name, one.state, None, one.schedule_id, one.created, one.scheduled)
            for one in found
        ]

    def runs_since(self, since: datetime) -> list[RunState]:
        return self._listed("runs_since", lambda run: bool(run.created and run.created >= since))

    def schedules(self) -> list[ActualSchedule]:
        return self.schedules_named(())

    def run(self, run_id: str) -> RunState:
        self.calls["run"] += 1
        return self._told(self.runs[run_id])

    def terminate_run(self, run_id: str) -> None:
        self.calls["terminate_run"] += 1
        self.runs[run_id] = replace(self.runs[run_id], state="CANCELED")

    def pipeline_id(self, _name: str) -> str:
        return self.call("pipeline_id", lambda: "pipeline")

    def version_id(self, _pipeline: str, version: str, _digest: str, *, of_any_name: bool) -> str:
        del of_any_name
        if not self.registered:
            raise NotFoundError(f"version {version} is not registered")
        return self.call("version_id", lambda: "version")

    def experiment(self, name: str) -> ActualExperiment:
        return self.call("experiment", lambda: ActualExperiment("e", name, OWNER, archived=False))

    def experiments_like(self, text: str) -> list[NamedExperiment]:
        return self.call("experiments_like", lambda: [one for one in self.notes if text in one.name])

    def create_experiment(self, name: str, description: str) -> ActualExperiment:
        def effect() -> ActualExperiment:
            if not any(one.name == name for one in self.notes):
                self.notes.append(NamedExperiment(name, name, description, archived=False))
            return ActualExperiment(name, name, OWNER, archived=False)

        return self.call("create_experiment", effect)

    def archive_experiment(self, experiment_id: str) -> None:
        def effect() -> None:
            self.notes = [
                replace(one, archived=one.archived or one.id == experiment_id) for one in self.notes
            ]

        self.call("archive_experiment", effect)

    def create_run(
        self, *, name: str, parameters: Mapping[str, Any], experiment_id: str = "e", **_: Any
    ) -> str:
        def effect() -> str:
            made = f"r{len(self.runs) + len(self.ghosts)}-{name}"
            self.runs[made] = RunState(
                made, name, "RUNNING", self.now(), None, None, (),
                parameters=parameters, experiment_id=experiment_id,
            )  # fmt: skip
            self.made[made] = self.now_
            self.most_at_once = max(self.most_at_once, self.active())
            return made

        return self.call("create_run", effect)

    # what others do

    def fired(self, tick: datetime, state: str = "") -> None:
        """The schedule itself has run a firing."""
        name = f"p-daily{len(self.runs):05d}"
        created = tick + timedelta(seconds=10)
        run = RunState(f"f-{tick}", name, state or "RUNNING", created, None, None, (), "s", tick)
        self.runs[run.id], self.made[run.id] = run, created
        if state == "FAILED":
            self.fails |= {name}

    def names(self) -> Counter[str]:
        """Of all runs that were not stopped, ghosts included."""
        return Counter([run.name for run in self.runs.values() if run.state != "CANCELED"] + self.ghosts)


@dataclass
class Store:
    """What is kept, through the same interruptions."""

    kfp: Kfp
    texts: dict[str, str] = field(default_factory=dict)

    def read(self) -> Mapping[str, str]:
        return dict(self.texts)

    def keep(self, backfill: str, text: str) -> None:
        def effect() -> None:
            self.texts.pop(backfill, None)
            if text:
                self.texts[backfill] = text

        self.kfp.call("keep", effect)


def backfill(**more: Any) -> DesiredBackfill:
    """Of the schedule `daily` of the pipeline p, over ten days of January."""
    given: dict[str, Any] = {
        "id": "january",
        "pipeline": "p",
        "schedule": "daily",
        "cron": CRON,
        "start": "2026-01-01",
        "end": "2026-01-10",
        "firings": 10,
        "tick_parameter": "at",
        "parallel": 3,
        "reason": "it was wrong",
    }
    return DesiredBackfill(**{**given, **more})


def desired(*backfills: DesiredBackfill, **more: Any) -> Desired:
    """An environment with the pipeline p."""
    schedule = Schedule("daily", CRON, None, True, {"n": 1}, None, None, 1, False, ())
    pipeline = DesiredPipeline("p", "d", "sha256:a", "sha-1", "sha256:1", "", (schedule,))
    found = Desired(OWNER, "http://127.0.0.1", "", (replace(pipeline, **more),))
    return replace(found, backfills=backfills)
