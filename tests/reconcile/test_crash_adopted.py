"""What test_crash.py promises holds of what was made in KFP and taken over, too, from before that on.

A pipeline, its version and an enabled recurring run are there, made by hand; Git says the same and names them. The
takeover is killed anywhere and run again: it replaces nothing and no firing is lost. Then its life goes on.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from crash_promises import BYSTANDER, KEEP, OTHER, OWNER
from fake_calls import Interruption, KilledError
from fake_controller import RHYTHMS
from fake_kfp import FakeKfp, Told
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile.records import Absent, Adopts, Desired, DesiredPipeline, Taken
from profiles import examples
from swap_kit import firings_due
from test_crash import HOW, PIPELINES, Reconciler

ADOPTS = Adopts("p", {"main": Taken("by the UI")})
KILLS = st.lists(
    st.tuples(st.integers(1, 14), st.booleans(), HOW, st.sampled_from([0, 10, 70, 150, 400])), max_size=2
)


class AdoptedReconciler(Reconciler):
    """One environment's life that began in KFP's UI."""

    @initialize(  # type: ignore[misc]  # in place of the other beginning
        rhythm=st.sampled_from([*list(RHYTHMS)[:2], *RHYTHMS, 240]),
        concurrency=st.sampled_from([1, 10]),
        catchup=st.booleans(),
        on_missed=st.sampled_from(["report", "run"]),
        latency=st.sampled_from([0, 1, 3]),
        lag=st.sampled_from([0, 0, 4]),
        unseen=st.sampled_from([0, 0, 5, 15]),
        cadence=st.sampled_from([0, 30]),
        old=st.integers(0, 700),
        kills=KILLS,
    )
    def begin(  # type: ignore[override]  # what hypothesis chooses
        self,
        rhythm: str | int,
        concurrency: int,
        catchup: bool,
        on_missed: str,
        latency: int,
        lag: int,
        unseen: int,
        cadence: int,
        old: int,
        kills: list[tuple[int, bool, str, int]],
    ) -> None:
        self.kfp = FakeKfp(latency, lag, 0, unseen, cadence=cadence)
        self.told = Told()
        self.tainted = set()
        self.duty = None
        schedule = Schedule(
            "main", rhythm if isinstance(rhythm, str) else None, rhythm if isinstance(rhythm, int) else None,
            True, {}, None, None, concurrency, catchup, (), "orphan", on_missed,  # type: ignore[arg-type]  # one of its literals
        )  # fmt: skip
        pipeline = DesiredPipeline(
            "p", "d", f"sha256:{'a' * 64}", "sha-a1", "sha256:a1", "ir", (schedule,), adopts=ADOPTS
        )
        self.desired = Desired(OWNER, "http://127.0.0.1", "", (pipeline, BYSTANDER), keep_versions=KEEP)
        self._others()
        self._by_hand(schedule)
        self.kfp.watch = self._always
        self.kfp.advance(old)
        for kill in kills:
            self._is_taken_over(*kill)
        self.apply_runs_through()
        self._nothing_was_replaced()

    def _by_hand(self, schedule: Schedule) -> None:
        kfp = self.kfp
        made = kfp.create_pipeline("p", "made by hand")
        version = kfp.upload_version(made.id, "first try", "ir", "kfp-gitops digest=sha256:a1")
        recurring = kfp.create_schedule(
            name="by the UI", description="", pipeline_id=made.id, version_id=version.id, experiment_id="e",
            schedule=schedule,
        )  # fmt: skip
        kfp.set_enabled(recurring.id, enabled=True)
        self.hand_made, self.began = recurring.id, kfp.clock

    def _is_taken_over(self, call: int, after: bool, how: str, by: int) -> None:
        self.kfp.interruption = Interruption(call, after, how == "kill", how == "500")
        with contextlib.suppress(KilledError, RemoteError):
            self._apply()
        self.kfp.interruption = None
        self.kfp.advance(by)
        self._nothing_was_replaced()

    def _nothing_was_replaced(self) -> None:
        (found,) = self._ours()
        assert found.id == self.hand_made
        assert found.enabled
        due = firings_due(found.cron, self.began, self.kfp.clock - self.kfp.late) if found.cron else ()
        assert set(due) <= set(self._fired())
        assert [name for _, name in self.kfp.uploads if name == "sha-a1"] == []

    @rule(pipeline=PIPELINES)
    def change_the_manifests(self, pipeline: DesiredPipeline) -> None:
        pipeline = replace(pipeline, adopts=ADOPTS)
        self.desired = replace(self.desired, pipelines=(pipeline, BYSTANDER), absent=())

    @rule(delete=st.sampled_from(["schedules", "versions", None]))
    def remove_the_pipeline(self, delete: str | None) -> None:
        gone = Absent("p", delete, adopts=ADOPTS) if delete else None  # type: ignore[arg-type]  # one of its literals
        absent = (gone,) if gone else ()
        self.desired = replace(self.desired, pipelines=(BYSTANDER,), absent=absent)

    def _everything_holds(self) -> None:
        super()._everything_holds()
        pipeline = self.kfp._pipelines["p"]
        assert pipeline.owner == OWNER != OTHER
        if self.hand_made in self.kfp.recurring:
            assert ownership.is_taken(pipeline.tags, self.hand_made)


TestAdoptedReconciler = AdoptedReconciler.TestCase
TestAdoptedReconciler.settings = settings(max_examples=examples(300), stateful_step_count=8)
