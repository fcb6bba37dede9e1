"""Killed anywhere and run again, a reconciler converges; no firing happens twice, and every missed one is told.

Random desired states, meddling in the UI, broken connections and kills at any call, before or after its effect, with
the clock moved on; after each apply that runs through, and at the end, everything that was promised must hold. The
real plan and apply run against `fake_kfp`, whose clock moves during each call.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from fake_calls import Interruption, KilledError, WrongList
from fake_controller import RHYTHMS, instant, seconds
from fake_kfp import FakeKfp, Told
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualSchedule
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.reconcile import unclear
from kfp_gitops.reconcile.apply import Outcome, Pace, apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Options
from profiles import examples

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")
NAME = "p-main"
KEEP = 2

SCHEDULES = st.builds(
    lambda rhythm, enabled, parameters, concurrency, catchup, on_missed, on_replace: Schedule(
        "main", rhythm if isinstance(rhythm, str) else None, rhythm if isinstance(rhythm, int) else None,
        enabled, parameters, None, None, concurrency, catchup, (), on_replace, on_missed,
    ),
    st.sampled_from([*list(RHYTHMS)[:2], *RHYTHMS, 240]),
    st.sampled_from([True] * 6 + [False]),
    st.sampled_from([{}, {"n": 1}]),
    st.sampled_from([1, 10]),
    st.booleans(),
    st.sampled_from(["report", "run"]),
    st.sampled_from(["orphan", "wait"]),
)  # fmt: skip
PIPELINES = st.builds(
    lambda release, values, schedules, triggers, paused: DesiredPipeline(
        name="p",
        description="d",
        release=f"sha256:{release * 64}",
        version=f"sha-{release}{values}",
        digest=f"sha256:{release}{values}",
        ir="ir",
        schedules=tuple(schedules),
        triggers=tuple(Trigger(name, {}, ()) for name in triggers),
        paused_until=instant(paused) if paused else None,
        source="manifests/dev/pipelines/p/pipeline.yaml",
    ),
    st.sampled_from("abc"),
    st.sampled_from("12"),
    st.one_of(*[st.lists(SCHEDULES, min_size=1, max_size=1)] * 4, st.just([])),
    st.sampled_from([[], ["changed"]]),
    st.sampled_from([0] * 8 + [600, 5000]),
)
HOW = st.sampled_from(["kill", "kill", "break", "500"])
BYSTANDER = DesiredPipeline(
    "q", "d", "sha256:q", "sha-q", "sha256:q", "ir",
    (Schedule("main", "0 */5 * * * *", None, True, {}, None, None, 1, False, ()),),
)  # fmt: skip


@dataclass
class Duty:
    """What one schedule must fire by the promise: every firing of `cron` in (since, …]; killed: it may only be told."""

    cron: str
    since: int
    killed: bool = False
    owed: dict[int, bool] = field(default_factory=dict)
    """Firing → whether a kill excuses that nobody ran it."""


class Reconciler(RuleBasedStateMachine):
    """One environment's life."""

    @initialize(
        pipeline=PIPELINES,
        ready=st.sampled_from([True, True, False]),
        latency=st.sampled_from([0, 1, 3]),
        lag=st.sampled_from([0, 0, 4]),
        lasts=st.sampled_from([0, 0, 0, 0, 100]),
        unseen=st.sampled_from([0, 0, 5, 15]),
        cadence=st.sampled_from([0, 30]),
        phase=st.integers(0, 29),
    )
    def begin(  # what hypothesis chooses
        self,
        pipeline: DesiredPipeline,
        ready: bool,
        latency: int,
        lag: int,
        lasts: int,
        unseen: int,
        cadence: int,
        phase: int,
    ) -> None:
        self.kfp = FakeKfp(latency, lag, lasts, unseen, cadence=cadence, phase=phase)
        self.kfp.watch = self._always
        self.desired = Desired(OWNER, "http://127.0.0.1", "", (pipeline, BYSTANDER), keep_versions=KEEP)
        self.told = Told()
        self.tainted: set[str] = set()
        self.duty: Duty | None = None
        self._others()
        if ready:
            self.apply_runs_through()

    def _others(self) -> None:
        """Objects of somebody else: the same names on another pipeline, another repository's, an unmarked one."""
        kfp = self.kfp
        theirs = kfp.create_pipeline("theirs", f"kfp-gitops repository={OTHER.repository} environment=dev")
        version = kfp.upload_version(theirs.id, "v", "ir", "")
        experiment = kfp.create_experiment("theirs-dev", "")
        for description in ("", f"kfp-gitops repository={OTHER.repository} environment=dev"):
            made = kfp.create_schedule(
                name=NAME, description=description, pipeline_id=theirs.id, version_id=version.id,
                experiment_id=experiment.id, schedule=BYSTANDER.schedules[0],
            )  # fmt: skip
            kfp.set_enabled(made.id, enabled=True)
        self.others = self._unowned()

    def _unowned(self) -> list[ActualSchedule]:
        return [found.record for found in self.kfp.recurring.values() if found.record.owner != OWNER]

    def _ours(self, name: str = NAME) -> list[ActualSchedule]:
        records = [found.record for found in self.kfp.recurring.values()]
        return [record for record in records if record.owner == OWNER and record.name == name]

    # what happens

    @rule(pipeline=PIPELINES)
    def change_the_manifests(self, pipeline: DesiredPipeline) -> None:
        self.desired = replace(self.desired, pipelines=(pipeline, BYSTANDER), absent=())

    @rule(
        before=st.integers(0, 360),
        call=st.integers(4, 24),
        after=st.booleans(),
        how=HOW,
        by=st.sampled_from([0, 10, 150, 400]),
        again=st.booleans(),
    )
    def a_release_is_interrupted(
        self, before: int, call: int, after: bool, how: str, by: int, again: bool
    ) -> None:
        """The commonest change of all, and the most dangerous moment."""
        self._new_version()
        self.kfp.advance(before)
        self.apply_is_interrupted(call, after, how, by)
        if again:
            self.apply_runs_through()

    @rule(before=st.integers(0, 360))
    def a_release_runs_through(self, before: int) -> None:
        self._new_version()
        self.kfp.advance(before)
        self.apply_runs_through()

    def _new_version(self) -> None:
        """The same schedules, pinned to something else."""
        if self.desired.pipelines[0].name == "p":
            old = self.desired.pipelines[0]
            content = f"{old.release[7]}{'2' if old.version.endswith('1') else '1'}"
            new = replace(old, version=f"sha-{content}", digest=f"sha256:{content}")
            self.desired = replace(self.desired, pipelines=(new, BYSTANDER))

    @rule(delete=st.sampled_from(["schedules", "versions", "pipeline", None]))
    def remove_the_pipeline(self, delete: str | None) -> None:
        absent = (Absent("p", delete),) if delete else ()  # type: ignore[arg-type]  # one of its literals
        self.desired = replace(self.desired, pipelines=(BYSTANDER,), absent=absent)

    @rule(by=st.sampled_from([1, 20, 70, 130, 400, 4000]))
    def time_passes(self, by: int) -> None:
        self.kfp.advance(by)

    @precondition(lambda self: self._ours())
    @rule(what=st.sampled_from(["disable", "enable", "delete", "archive"]), pick=st.integers(0, 3))
    def somebody_meddles_in_the_ui(self, what: str, pick: int) -> None:
        found = self._ours()[pick % len(self._ours())]
        self._settle_duty()
        self.duty = None
        if what == "delete":
            del self.kfp.recurring[found.id]
        elif what == "archive":
            for experiment in list(self.kfp._experiments.values()):
                self.kfp._archive(experiment.id, archived=experiment.name == "p-dev")
        else:
            if what == "enable":  # what fires now is what that person wanted
                self.tainted.add(NAME)
            self.kfp.set_enabled(found.id, enabled=what == "enable")

    @precondition(lambda self: self.kfp._pipelines.get("p") and self.kfp._pipelines["p"].versions)
    @rule(pick=st.integers(0, 9))
    def somebody_pins_a_version_of_ours(self, pick: int) -> None:
        """A recurring run made by hand; the version it pins must stay."""
        pipeline = self.kfp._pipelines["p"]
        version = sorted(pipeline.versions.values(), key=lambda found: found.id)[
            pick % len(pipeline.versions)
        ]
        made = self.kfp.create_schedule(
            name="by-hand", description="", pipeline_id=pipeline.id, version_id=version.id, experiment_id="e",
            schedule=BYSTANDER.schedules[0],
        )  # fmt: skip
        self.others = [*self.others, made]

    @rule(
        call=st.integers(1, 30),
        after=st.booleans(),
        how=HOW,
        by=st.sampled_from([0, 10, 150, 700]),
    )
    def apply_is_interrupted(self, call: int, after: bool, how: str, by: int) -> None:
        self._settle_duty()
        self.kfp.interruption = Interruption(call, after, how == "kill", how == "500")
        with contextlib.suppress(KilledError, RemoteError):
            self._apply()
        hit = self.kfp.interruption is None
        self.kfp.interruption = None
        if self.duty and hit:
            self.duty.killed = True
        self._end_duty_if_it_is_over()
        self.kfp.advance(by)

    @rule(
        number=st.integers(1, 9), late=st.booleans(), before=st.sampled_from([0, 20, 150]), new=st.booleans()
    )
    def a_list_is_wrong_once(self, number: int, late: bool, before: int, new: bool) -> None:
        """Empty, or late: what is enabled and what is run is as it must be all the same; `_always` looks meanwhile."""
        if new:
            self._new_version()
        self.kfp.advance(before)
        self._settle_duty()
        self.kfp.wrong_list = WrongList(number, late)
        self._apply()
        wrong, self.kfp.wrong_list = self.kfp.wrong_list, None
        if wrong is None and self.duty:
            self.duty = None  # what was missed may not be told
        self._no_firing_twice()

    @rule()
    def apply_runs_through(self) -> None:
        self._settle_duty()
        ends = self.desired.pipelines[0].paused_until
        if ends and timedelta(0) < ends - self.kfp.now() < timedelta(minutes=15):
            self.kfp.advance(900)  # a pause that ends while an apply is at work is for the next one
        outcome = self._apply()
        assert not outcome.failed
        if outcome.postponed:  # a run in flight, with onReplace: wait
            return
        if Absent("p", "pipeline") in self.desired.absent and any(
            found.name == "by-hand" for found in self.others
        ):
            return  # a conflict: somebody else runs the pipeline that shall go
        self._everything_holds()

    def teardown(self) -> None:
        if not hasattr(self, "kfp"):
            return
        self.kfp.advance(150)
        self.apply_runs_through()

    def _apply(self) -> Outcome:
        self._end_duty_if_it_is_over()
        options = Options()
        actual = observe(self.kfp, self.desired, options)
        found = plan(self.desired, actual, options)
        pace = Pace(workers=1, wait=timedelta(seconds=600), sleep=self.kfp.advance)
        outcome = apply(self.kfp, self.desired, found, actual, options, self.told, pace)
        if outcome.failed and self.kfp.interruption is not None:
            raise AssertionError(outcome.failed)
        return outcome

    # what must hold

    def _always(self) -> None:
        on = Counter(
            record.name for name in (NAME, "q-main") for record in self._ours(name) if record.enabled
        )
        assert all(count == 1 for name, count in on.items() if name not in self.tainted), on
        assert not any(found.record.enabled for found in self.kfp.ghosts.values())
        there = {version.id for found in self.kfp._pipelines.values() for version in found.versions.values()}
        assert all(found.record.version_id in there for found in self.kfp.recurring.values())

    def _everything_holds(self) -> None:
        again = plan(self.desired, observe(self.kfp, self.desired))
        # A run that ended since may have freed an old version, which is tidied the next time.
        left = again.differences if self.kfp.lasts else again.to_do
        assert not left, left
        assert not again.conflicts
        assert self._unowned() == self.others
        self._schedules_are_as_desired()
        self._no_firing_twice()
        # One that retention or a tombstone deleted is uploaded anew when it is wanted again.
        assert set((self.kfp.uploads - self.kfp.deletions).values()) <= {1}, self.kfp.uploads
        self._triggers_fired_once()
        self.tainted.clear()
        self._settle_duty()
        if self.duty:
            self._missed_firings_are_told(self.duty)
        self._begin_duty()

    def _schedules_are_as_desired(self) -> None:
        pipeline = next((found for found in self.desired.pipelines if found.name == "p"), None)
        records = self._ours()
        if pipeline is None:
            assert not any(record.enabled for record in records)
            assert not records or not self.desired.absent
            return
        assert len(records) == len(pipeline.schedules)
        for record, schedule in zip(records, pipeline.schedules, strict=True):
            versions = self.kfp._pipelines["p"].versions
            assert record.version_id == versions[pipeline.version].id
            assert record.enabled == (schedule.enabled and not self._paused(pipeline))
            assert (record.cron, record.interval_seconds) == (schedule.cron, schedule.interval_seconds)
            assert record.parameters == schedule.parameters

    def _paused(self, pipeline: DesiredPipeline) -> bool:
        return pipeline.is_paused(self.kfp.now())

    def _runs(self, name: str = NAME) -> Iterator[ActualRun]:
        ids = {found.id for found in self.others}
        for run, _ in self.kfp.runs.values():
            if run.name == name and run.schedule_id not in ids:
                yield run

    def _fired(self) -> list[int]:
        """The firings of the schedule that have a run, or a run that makes up for them."""
        fired = [seconds(run.scheduled) for run in self._runs() if run.scheduled]
        all_runs = [*(run for run, _ in self.kfp.runs.values()), *self.kfp.ghost_runs]
        return fired + [stamp for run in all_runs for stamp in _makes_up_for(run)]

    def _no_firing_twice(self) -> None:
        if not self.tainted and not getattr(self, "ever_tainted", False):
            twice = [moment for moment, count in Counter(self._fired()).items() if count > 1]
            assert not twice, twice
        self.ever_tainted = getattr(self, "ever_tainted", False) or bool(self.tainted)

    def _triggers_fired_once(self) -> None:
        all_runs = [*(run for run, _ in self.kfp.runs.values()), *self.kfp.ghost_runs]
        names = Counter(run.name for run in all_runs if run.name.startswith("p-changed-"))
        assert all(count == 1 for count in names.values()), names
        pipeline = self.desired.pipelines[0]
        if pipeline.name != "p" or self._paused(pipeline):
            return
        version = self.kfp._pipelines["p"].versions[pipeline.version]
        if pipeline.triggers and version.facts.get("runs"):
            name = f"p-changed-{pipeline.release[7:19]}"
            assert names[name] == 1 or name in self._unclear()

    def _unclear(self) -> set[str]:
        """What may have run: 500 was answered, whether there was an effect or not."""
        return {run.name for run in unclear.runs(OWNER, self.kfp._experiments)}

    # duty: what an enabled schedule must fire

    def _begin_duty(self) -> None:
        """From an apply that ran through on, every firing of an enabled schedule is owed."""
        (record,) = self._ours() if len(self._ours()) == 1 else (None,)
        if record is None or not record.enabled or record.cron is None or self.kfp.lasts:
            self.duty = None
        elif self.duty is None or self.duty.cron != record.cron or self.duty.killed:
            self.duty = Duty(record.cron, self.kfp.clock)

    def _end_duty_if_it_is_over(self) -> None:
        """Nothing is owed to what the manifests no longer want."""
        pipeline = self.desired.pipelines[0]
        wanted = pipeline.schedules[0] if pipeline.name == "p" and pipeline.schedules else None
        on = wanted and wanted.enabled and not pipeline.paused_until and wanted.cron
        if self.duty and on != self.duty.cron:
            self._settle_duty()
            self.duty = None

    def _settle_duty(self) -> None:
        """Note what fell due up to now and nobody ran; a lagging controller may still run the newest."""
        if self.duty is None:
            return
        period, offset = RHYTHMS[self.duty.cron]
        first = (self.duty.since - offset) // period * period + offset + period
        fired = set(self._fired())
        for moment in range(first, self.kfp.clock - self.kfp.late, period):
            if moment not in fired:
                self.duty.owed.setdefault(moment, self.duty.killed)
        self.duty.since = max(self.duty.since, self.kfp.clock - self.kfp.late - 1)

    def _missed_firings_are_told(self, duty: Duty) -> None:
        fired = set(self._fired())
        told = {seconds(moment) for event in self.told.events for moment in event.missed}
        makeups = [stamp for run, _ in self.kfp.runs.values() for stamp in _makes_up_for(run)]
        makeups += [
            stamp for run in unclear.runs(OWNER, self.kfp._experiments) for stamp in _makes_up_for(run)
        ]
        for moment, excused in duty.owed.items():
            if moment in fired or any(moment <= stamp for stamp in makeups):
                continue
            assert excused, f"{moment} was missed, and nobody was killed"
            assert moment in told, f"{moment} was missed, and nobody was told"


def _makes_up_for(run: ActualRun) -> list[int]:
    if "-missed-" not in run.name:
        return []
    from datetime import datetime

    text = run.name.rsplit("-", 1)[1]
    return [seconds(datetime.strptime(text, "%Y%m%dT%H%M%S%z"))]


TestReconciler = Reconciler.TestCase
TestReconciler.settings = settings(max_examples=examples(500), stateful_step_count=10)
