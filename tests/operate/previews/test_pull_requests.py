"""Pull requests come, are pushed to, run and closed, killed anywhere and two at once: dev is as it was, nothing left.

What the commands do is run against `aside_kit`: a push registers and runs what it touches, a closed one is taken down,
the garbage is collected. Beside them are dev, a developer's own, and what somebody made by hand under a like name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aside_kit import AsideKfp, desired, own
from fake_calls import Interruption, KilledError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kfp_gitops.base.errors import NotFoundError, RemoteError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.previews import left, registered, trial
from kfp_gitops.operate.previews.home import Home
from kfp_gitops.reconcile import aside, takedown
from kfp_gitops.reconcile.apply import apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired
from profiles import examples

REPOSITORY = "example-repository"
DEV = Owner(REPOSITORY, "dev")
HOME = Home(REPOSITORY, "preview", "dev", "http://127.0.0.1", "", "", {}, "")
NUMBERS = [4, 42]
PREVIEWS = [HOME.owner(number) for number in NUMBERS]
WHICH = st.sampled_from(NUMBERS)
TOUCHED = st.sets(st.sampled_from(["churn", "fraud", "churn-fraud"]), min_size=1)
CONTENT = st.sampled_from("12")


class PreviewKfp(AsideKfp):
    """The same with what starting and stopping runs asks of it."""

    host = "http://127.0.0.1"

    def pipeline_id(self, name: str) -> str:
        found = self.pipeline(name)
        if found is None:
            raise NotFoundError(f"pipeline {name!r} is not registered")
        return found.id

    def version_id(self, pipeline_id: str, version: str, digest: str) -> str:
        del digest
        found = self.versions(pipeline_id).get(version)
        if found is None:
            raise NotFoundError("the version does not exist")
        return found.id

    def runs_in(self, experiment_id: str) -> list[ActualRun]:
        return self._runs(lambda run: self._where[run.id][0] == experiment_id)

    def run(self, run_id: str) -> RunState:
        run, end = self.runs[run_id]
        return self._call(lambda: RunState(run_id, run.name, self._state(end), run.created, None, None, ()))

    def terminate_run(self, run_id: str) -> None:
        def effect() -> None:
            run, _ = self.runs[run_id]
            self.runs[run_id] = run, self.clock

        self._call(effect)


class PullRequests(RuleBasedStateMachine):
    """One KFP, two pull requests."""

    @initialize(lasts=st.sampled_from([0, 1000]))
    def begin(self, lasts: int) -> None:
        self.kfp = PreviewKfp()
        self.kfp.lasts = lasts
        self.converge(desired(DEV, "churn", "fraud", "churn-fraud"))
        mine = own(desired(DEV, "churn"), "alice", self.kfp.now() + timedelta(days=4000))
        takedown.announced(self.kfp, mine)
        self.converge(mine)
        for name in ("pr-4-by-hand", "pr-42"):
            made = self.kfp.create_pipeline(name, "")
            self.kfp.upload_version(made.id, "v", "ir", "")
            self.kfp.create_experiment(f"{name}-pr-4", "")
        self.before = self.others()

    # what happens on the forge

    @rule(number=WHICH, touched=TOUCHED, content=CONTENT, hours=st.integers(0, 72))
    def a_push(self, number: int, touched: set[str], content: str, hours: int) -> None:
        wanted = self.wanted(number, touched, content, hours)
        self.up(wanted)
        names = {
            one.name for one in self.kfp.marked() if one.owner == wanted.owner and one.kind == "pipeline"
        }
        assert names == {f"pr-{number}-{name}" for name in touched}
        self.up(wanted)  # the workflow is run again
        runs = [run.name for run, end in self.kfp.runs.values() if run.name.startswith(f"pr-{number}-")]
        assert len(runs) == len(set(runs))
        for name in touched:
            (version,) = [one.digest for one in wanted.pipelines if one.name == f"pr-{number}-{name}"]
            begin = f"pr-{number}-{name}-{version.removeprefix('sha256:')[:12]}-"
            assert len([run for run in runs if run.startswith(begin)]) == 1

    @rule(number=WHICH)
    def it_is_closed(self, number: int) -> None:
        assert not registered.taken_down(self.kfp, HOME, number).left  # type: ignore[arg-type]  # a fake
        assert self.kfp.of(HOME.owner(number)) == []

    @rule()
    def the_garbage_is_collected(self) -> None:
        left.collect(self.kfp, REPOSITORY)  # type: ignore[arg-type]  # a fake

    @rule(hours=st.integers(0, 40))
    def time_passes(self, hours: int) -> None:
        self.kfp.clock += 3600 * hours

    # what happens to them

    @rule(
        number=WHICH, touched=TOUCHED, content=CONTENT, call=st.integers(1, 40), after=st.booleans(),
        kill=st.booleans(),
    )  # fmt: skip
    def a_push_is_interrupted(
        self, number: int, touched: set[str], content: str, call: int, after: bool, kill: bool
    ) -> None:
        self.interrupted(call, after, kill, lambda: self.up(self.wanted(number, touched, content, 24)))

    @rule(number=WHICH, call=st.integers(1, 24), after=st.booleans(), kill=st.booleans())
    def a_takedown_is_interrupted(self, number: int, call: int, after: bool, kill: bool) -> None:
        self.interrupted(call, after, kill, lambda: self.does("close", number, set()))

    @rule(call=st.integers(1, 24), after=st.booleans())
    def a_collection_is_interrupted(self, call: int, after: bool) -> None:
        self.interrupted(call, after, True, self.the_garbage_is_collected)

    @rule(
        first=st.sampled_from(["push", "close", "collect"]), second=st.sampled_from(["push", "close", "collect"]),
        numbers=st.permutations(NUMBERS), same=st.booleans(), call=st.integers(1, 30), touched=TOUCHED,
    )  # fmt: skip
    def two_are_at_work_at_once(
        self, first: str, second: str, numbers: list[int], same: bool, call: int, touched: set[str]
    ) -> None:
        """The second begins and ends while the first is at its nth call; of one, a collection may come between."""
        other = numbers[0] if same and "collect" in (first, second) else numbers[1]
        self.kfp.meanwhile = call, lambda: self.does(second, other, touched)
        with contextlib.suppress(RemoteError, AssertionError):
            self.does(first, numbers[0], touched)
        self.kfp.meanwhile = None

    def does(self, what: str, number: int, touched: set[str]) -> None:
        if what == "push":
            self.up(self.wanted(number, touched, "2", 24))
        elif what == "close":
            registered.taken_down(self.kfp, HOME, number)  # type: ignore[arg-type]  # a fake
        else:
            self.the_garbage_is_collected()

    def interrupted(self, call: int, after: bool, kill: bool, work: Callable[[], object]) -> None:
        self.kfp.interruption = Interruption(call, after, kill)
        with contextlib.suppress(KilledError, RemoteError, AssertionError):
            work()
        self.kfp.interruption = None

    def wanted(self, number: int, touched: Collection[str], content: str, hours: int) -> Desired:
        of = replace(
            desired(Owner(REPOSITORY, "preview"), *sorted(touched), content=content), keep_versions=1
        )
        until = self.kfp.now() + timedelta(hours=hours)
        return aside.aside(of, f"pr-{number}-", HOME.owner(number), until)

    def up(self, wanted: Desired) -> None:
        done = registered.register(self.kfp, wanted)  # type: ignore[arg-type]  # a fake
        assert not done.outcome.failed, done.outcome.failed
        trial.start(self.kfp, wanted, {one.name: {} for one in wanted.pipelines})  # type: ignore[arg-type]  # a fake

    def converge(self, wanted: Desired) -> None:
        actual = observe(self.kfp, wanted)
        apply(self.kfp, wanted, plan(wanted, actual), actual)

    # what must hold

    @invariant()
    def nothing_else_is_touched(self) -> None:
        assert self.others() == self.before

    @invariant()
    def what_is_there_is_found_again(self) -> None:
        known = {one.owner for one in aside.known(self.kfp.marked())}
        assert {owner for owner in PREVIEWS if self.kfp.of(owner)} <= known

    def others(self) -> dict[str, Any]:
        runs = {
            key: run
            for key, (run, _) in self.kfp.runs.items()
            if not run.name.startswith(("pr-4-", "pr-42-"))
        }
        return {**self.kfp.all_but(PREVIEWS), "runs": runs}

    def teardown(self) -> None:
        if not hasattr(self, "kfp"):
            return
        self.kfp.clock += 3600 * 73
        self.the_garbage_is_collected()
        assert [self.kfp.of(owner) for owner in PREVIEWS] == [[], []]
        assert not self.kfp.lost, "runs that nobody can delete any more"
        assert not [run.name for run, _ in self.kfp.runs.values() if run.name.startswith("pr-")]
        self.nothing_else_is_touched()


TestPullRequests = PullRequests.TestCase
TestPullRequests.settings = settings(max_examples=examples(500), stateful_step_count=12)
