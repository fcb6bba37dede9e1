"""Asides come, change, run and go, killed anywhere and with others at work: nothing else is touched, nothing left.

The real apply and takedown run against `aside_kit`. Two developers and two environments share one KFP; dev has a
pipeline of the same name as the other environment's, which is in another repository.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aside_kit import AsideKfp, desired, own
from fake_calls import Interruption, KilledError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile import aside, takedown
from kfp_gitops.reconcile.apply import Pace, apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired, experiment_name
from profiles import examples

REPOSITORY = "example-repository"
DEV, STAGE = Owner(REPOSITORY, "dev"), Owner(REPOSITORY, "stage")
THEIRS = Owner("another-repository", "dev")
NAMES = ["alice", "bob"]
DAILY = Schedule("daily", "0 0 0 * * *", None, True, {}, None, None, 1, False, ())
OWN = [aside.owner_of(REPOSITORY, of.environment, name) for of in (DEV, STAGE) for name in NAMES]
WHO = st.sampled_from([(of, name) for of in (DEV, STAGE) for name in NAMES])
CONTENT = st.sampled_from("123")


class Asides(RuleBasedStateMachine):
    """One KFP."""

    @initialize(lasts=st.sampled_from([0, 100]))
    def begin(self, lasts: int) -> None:
        self.kfp = AsideKfp()
        self.kfp.lasts = lasts
        self.applied(replace(desired(DEV, "churn"), pipelines=tuple(
            replace(one, schedules=(DAILY,)) for one in desired(DEV, "churn").pipelines
        )))  # fmt: skip
        self.applied(desired(STAGE, "fraud"))
        for pipeline, name in (("pr-churn", "pr-churn-dev"), ("carol-churn", "carol-churn-dev")):
            # Of somebody else, by hand and by another repository, with names like those of asides.
            text = ownership.describe(THEIRS) if pipeline == "pr-churn" else ""
            made = self.kfp.create_pipeline(pipeline, text)
            version = self.kfp.upload_version(made.id, "v", "ir", text)
            experiment = self.kfp.create_experiment(name, text)
            self.run(made.id, version.id, experiment.id, f"{pipeline}-by-hand")
        self.by_hand: list[Callable[[], object]] = []
        """What takes away what somebody made of an aside's."""
        self.used: set[Owner] = set()
        self.before = self.others()

    # what people do

    @rule(who=WHO, content=CONTENT, days=st.integers(1, 9))
    def somebody_applies(self, who: tuple[Owner, str], content: str, days: int) -> None:
        self.applied(self.own(who, content, days))

    @rule(who=WHO)
    def somebody_runs_it(self, who: tuple[Owner, str]) -> None:
        """As `run.py --as` does: register what differs, and run it."""
        wanted = self.own(who, "1", 7)
        self.applied(wanted)
        (pipeline,) = wanted.pipelines
        found = self.kfp._pipelines[pipeline.name]
        experiment = self.kfp._experiments[experiment_name(pipeline.name, wanted.owner.environment)]
        self.run(
            found.id, found.versions[pipeline.version].id, experiment.id, f"{pipeline.name}-{self.kfp.calls}"
        )

    @rule(who=WHO)
    def somebody_takes_it_down(self, who: tuple[Owner, str]) -> None:
        owner = aside.owner_of(REPOSITORY, who[0].environment, who[1])
        done = takedown.taken_down(self.kfp, owner)
        assert bool(done.left) or not self.kfp.of(owner)
        assert not done.left or owner in self.used
        notes = [one for one in self.kfp.marked() if one.owner == owner and aside.is_note(one)]
        assert len(notes) == bool(done.left)

    @rule()
    def the_garbage_is_collected(self) -> None:
        for known in takedown.over(self.kfp, REPOSITORY, self.kfp.now()):
            takedown.taken_down(self.kfp, known.owner, ended=self.kfp.now())

    @rule(days=st.integers(0, 5))
    def time_passes(self, days: int) -> None:
        self.kfp.clock += 86400 * days

    @rule(who=WHO, what=st.sampled_from(["schedule", "version", "run of dev", "run elsewhere"]))
    def somebody_uses_it_in_the_ui(self, who: tuple[Owner, str], what: str) -> None:
        wanted = self.own(who, "1", 7)
        (pipeline,) = wanted.pipelines
        found = self.kfp._pipelines.get(pipeline.name)
        experiment = self.kfp._experiments.get(experiment_name(pipeline.name, wanted.owner.environment))
        if found is None or experiment is None or not found.versions:
            return
        self.used.add(wanted.owner)
        version = next(iter(found.versions.values()))
        if what == "schedule":
            made = self.kfp.create_schedule(
                name="by-hand", description="", pipeline_id=found.id, version_id=version.id,
                experiment_id=experiment.id, schedule=DAILY,
            )  # fmt: skip
            self.by_hand.append(lambda: self.kfp.recurring.pop(made.id, None))
        elif what == "version":
            theirs = self.kfp.upload_version(found.id, "by-hand", "ir", "")
            self.by_hand.append(
                lambda: self.kfp.delete_version(found.id, theirs.id) if self.is_there(found.id) else 0
            )
        elif what == "run of dev":
            dev = self.kfp._pipelines["churn"]
            run = self.run(
                dev.id, next(iter(dev.versions.values())).id, experiment.id, f"dev-{self.kfp.calls}"
            )
            self.by_hand.append(lambda: self.kfp.delete_run(run))
        else:
            elsewhere = self.kfp._experiments["carol-churn-dev"]
            run = self.run(found.id, version.id, elsewhere.id, f"elsewhere-{self.kfp.calls}")
            self.by_hand.append(lambda: self.kfp.delete_run(run))
        self.before = self.others()

    # what happens to them

    @rule(who=WHO, content=CONTENT, call=st.integers(1, 14), after=st.booleans(), kill=st.booleans())
    def an_apply_is_interrupted(
        self, who: tuple[Owner, str], content: str, call: int, after: bool, kill: bool
    ) -> None:
        self.interrupted(call, after, kill, lambda: self.does("apply", who, content))

    @rule(who=WHO, call=st.integers(1, 16), after=st.booleans(), kill=st.booleans())
    def a_takedown_is_interrupted(self, who: tuple[Owner, str], call: int, after: bool, kill: bool) -> None:
        owner = aside.owner_of(REPOSITORY, who[0].environment, who[1])
        self.interrupted(call, after, kill, lambda: takedown.taken_down(self.kfp, owner))

    @rule(
        one=WHO, other=WHO, call=st.integers(1, 16), first=st.sampled_from(["apply", "down", "gc"]),
        second=st.sampled_from(["apply", "down", "gc"]),
    )  # fmt: skip
    def two_are_at_work_at_once(
        self, one: tuple[Owner, str], other: tuple[Owner, str], call: int, first: str, second: str
    ) -> None:
        """The second begins and ends while the first is at its nth call, be it of the same aside."""
        self.kfp.meanwhile = call, lambda: self.does(second, other)
        with contextlib.suppress(RemoteError):
            self.does(first, one)
        self.kfp.meanwhile = None

    def does(self, what: str, who: tuple[Owner, str], content: str = "2") -> None:
        if what == "apply":
            wanted = self.own(who, content, 7)
            takedown.announced(self.kfp, wanted)
            self.converge(wanted)
        elif what == "down":
            takedown.taken_down(self.kfp, aside.owner_of(REPOSITORY, who[0].environment, who[1]))
        else:
            self.the_garbage_is_collected()

    def interrupted(self, call: int, after: bool, kill: bool, work: Callable[[], object]) -> None:
        self.kfp.interruption = Interruption(call, after, kill)
        with contextlib.suppress(KilledError, RemoteError):
            work()
        self.kfp.interruption = None

    # what must hold

    def teardown(self) -> None:
        if not hasattr(self, "kfp"):
            return
        self.nothing_else_is_touched()
        for undo in self.by_hand:
            undo()
        self.before = self.others()
        self.kfp.clock += 86400 * 30
        for known in takedown.over(self.kfp, REPOSITORY, self.kfp.now()):
            done = takedown.taken_down(self.kfp, known.owner, ended=self.kfp.now())
            assert not done.left, done.left
        assert [self.kfp.of(owner) for owner in OWN] == [[]] * len(OWN)
        assert not self.kfp.lost, "runs that nobody can delete any more"
        self.nothing_else_is_touched()
        runs = {run.name for run, _ in self.kfp.runs.values()}
        assert not [name for name in runs if name.startswith(("alice", "bob"))]

    @invariant()
    def check(self) -> None:
        self.nothing_else_is_touched()
        pinned = {one.record.version_id for one in self.kfp.recurring.values()}
        there = {v.id for p in self.kfp._pipelines.values() for v in p.versions.values()}
        assert pinned <= there, "a recurring run pins what is gone: KFP would compile none at its start"
        active = {run.version_id for run in self.kfp.runs_in_flight()}
        assert active <= there, "a run is under way whose version is gone"
        experiments = {one.id for one in self.kfp._experiments.values()}
        assert all(one.record.experiment_id in experiments for one in self.kfp.recurring.values())
        marked = self.kfp.marked()
        known = {one.owner for one in aside.known(marked)}
        assert {owner for owner in OWN if self.kfp.of(owner)} <= known, "something is there that nobody finds"

    def nothing_else_is_touched(self) -> None:
        assert self.others() == self.before

    def others(self) -> dict[str, Any]:
        return self.kfp.all_but(OWN)

    def is_there(self, pipeline_id: str) -> bool:
        return any(one.id == pipeline_id for one in self.kfp._pipelines.values())

    def own(self, who: tuple[Owner, str], content: str, days: int) -> Desired:
        of = desired(who[0], "churn" if who[0] == DEV else "fraud", content=content)
        return own(of, who[1], self.kfp.now() + timedelta(days=days))

    def applied(self, wanted: Desired) -> None:
        if wanted.aside:
            takedown.announced(self.kfp, wanted)
        done = self.converge(wanted)
        assert not done.failed and not done.refused, (done.failed, done.refused)
        again = plan(wanted, observe(self.kfp, wanted))
        assert not again.differences, again.differences

    def converge(self, wanted: Desired) -> Any:
        actual = observe(self.kfp, wanted)
        pace = Pace(workers=1, sleep=self.kfp.advance)
        return apply(self.kfp, wanted, plan(wanted, actual), actual, pace=pace)

    def run(self, pipeline: str, version: str, experiment: str, name: str) -> str:
        return self.kfp.create_run(
            name=name, pipeline_id=pipeline, version_id=version, experiment_id=experiment, parameters={}
        )


TestAsides = Asides.TestCase
TestAsides.settings = settings(max_examples=examples(500), stateful_step_count=12)
