"""Killed anywhere and run again, a reconciler converges; no firing happens twice, and every missed one is told.

Random desired states, meddling in the UI, broken connections and kills at any call, before or after its effect, with
the clock moved on; after each apply that runs through, and at the end, everything that was promised must hold. The
real plan and apply run against `fake_kfp`, whose clock moves during each call.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

from crash_promises import BYSTANDER, KEEP, NAME, OTHER, OWNER, Duty, Promises
from fake_calls import Interruption, KilledError, WrongList
from fake_controller import RHYTHMS, instant
from fake_kfp import FakeKfp, Told
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.reconcile.apply import Outcome, Pace, apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Options
from profiles import examples

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


class Reconciler(Promises):
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


TestReconciler = Reconciler.TestCase
TestReconciler.settings = settings(max_examples=examples(500), stateful_step_count=10)
