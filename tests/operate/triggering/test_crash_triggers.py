"""Killed anywhere and run again: at most one run for each cause, always, and none is lost.

Random lives of an environment with triggers: runs upstream that succeed, fail, are terminated, run again, deleted;
data that change and come back; pauses, and times in which the environment is off; passes that are killed, broken off,
or answered wrongly or late, at any call before or after its effect; clocks that are moved; runs that somebody deletes;
what is kept lost or damaged.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.reconcile.causes.cause import Watched, digest, run_name, watched
from kfp_gitops.reconcile.causes.seams import DataState
from profiles import examples
from trigger_kit import Place, after, on_data, pipeline, turned_off
from trigger_server import OTHER, OWNER, Interruption, KilledError, Run

URI = "s3://bucket/key"
DAY = 86400


class Triggers(RuleBasedStateMachine):
    """One environment's life."""

    @initialize(
        lasts=st.sampled_from([0, 100, 400]),
        unseen=st.sampled_from([0, 0, 5, 15]),
        reported=st.sampled_from([0, 0, 30, 200]),
        most=st.integers(1, 3),
        old=st.booleans(),
    )
    def begin(self, lasts: int, unseen: int, reported: int, most: int, old: bool) -> None:
        """`old`: the triggers have been there for days."""
        self.here = Place(
            pipeline("up"),
            pipeline("down", after(max_concurrency=most)),
            pipeline("any", after(state="ENDED", versions="any", max_concurrency=2)),
            pipeline("mend", after(state="FAILED")),
            pipeline("chain", after("down")),
            pipeline("fed", on_data(URI, max_concurrency=most)),
            pipeline("makes_up", after(on_missed="run")),
            lasts=lasts, unseen=unseen, reported=reported,
        )  # fmt: skip
        self.server = self.here.server
        self.server.on_start = self._starts
        for name in ("up", "down", "any", "mend", "chain", "fed", "makes_up"):
            self.server.registers(name)
        self.server.registers("up", "theirs", OTHER)
        self.triggers = {one.pipeline.name: one for one in watched(self.here.desired.pipelines)}
        self.paused = False
        self.closed_since: int | None = None
        """When a pass first saw that it is, by the clock that is never wrong; None: not for certain."""
        self.closed_out: set[str] = set()
        """Ids of upstream runs that ended, only once, while passes saw that it is paused: they start nothing."""
        self.to_make_up: list[set[str]] = []
        """Of each such time those that `makes_up` is owed one run for at most: for all of them together."""
        self.again: set[str] = set()
        """Ids of upstream runs that somebody retried."""
        self.excused: set[str] = set()
        """Ids of upstream runs, and etags, of which nobody is owed a run for certain."""
        self.lost = False
        """Whether what was kept is lost, and no pass has run through since."""
        self.states: list[str] = []
        """Etags that were seen by a pass that ran through, while nothing was paused."""
        self.was: dict[str, set[str]] = {}
        """Run upstream → all states in which it ever ended."""
        self.old = old
        self.here.look()
        if old:
            self.server.advance(2 * DAY)
            self.here.look()

    # what happens

    @rule(
        state=st.sampled_from(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED", "SKIPPED", "terminated"]),
        version=st.sampled_from(["sha-1", "sha-1", "sha-1", "theirs", "gone"]),
        lasts=st.sampled_from([0, 30, 500]),
    )
    def a_run_upstream(self, state: str, version: str, lasts: int) -> None:
        terminated = state == "terminated"
        run = self.server.runs_of(
            "up", version=version, lasts=lasts, state="FAILED" if terminated else state, terminated=terminated
        )
        self._ends(run)

    def _ends(self, run: Run) -> None:
        self.was.setdefault(run.id, set()).add("terminated" if run.terminated else run.state)
        if self.paused or self.lost:  # with nothing kept, a quarter of an hour is all that is certain
            self.excused.add(run.id)

    @precondition(lambda self: self._ended_upstream())
    @rule(
        pick=st.integers(0, 9), state=st.sampled_from(["SUCCEEDED", "FAILED"]), lasts=st.sampled_from([0, 60])
    )
    def somebody_retries_one(self, pick: int, state: str, lasts: int) -> None:
        """KFP takes its end back, and it has the same id."""
        found = self._ended_upstream()
        run = found[pick % len(found)]
        run.ends, run.state, run.terminated = self.server.clock + lasts, state, False
        self.again.add(run.id)
        self.closed_out.discard(run.id)
        self._none_is_owed_for_certain()
        self._ends(run)

    @precondition(lambda self: self._ended_upstream())
    @rule(pick=st.integers(0, 9))
    def somebody_deletes_one(self, pick: int) -> None:
        found = self._ended_upstream()
        run = found[pick % len(found)]
        del self.server.runs[run.id]
        self._none_is_owed_for_certain()

    @precondition(lambda self: self.server.made_by)
    @rule(pick=st.integers(0, 9))
    def somebody_deletes_what_was_started(self, pick: int) -> None:
        run = self.server.made_by[pick % len(self.server.made_by)]
        self.server.runs.pop(run.id, None)
        if self.lost:  # nobody knows of it
            self.server.made[run.name] = 0

    @rule(etag=st.sampled_from(["", "a", "b", "c"]))
    def data_change(self, etag: str) -> None:
        self.here.data.there[URI] = DataState(etag, "key", etag, self.server.told()) if etag else None
        if self.paused or self.lost:
            self.excused.add(etag)

    @rule(by=st.sampled_from([1, 20, 60, 130, 700, 4000]))
    def time_passes(self, by: int) -> None:
        self.server.advance(by)

    @precondition(lambda self: self.old)
    @rule(by=st.sampled_from([-4000, -600, -20, 20, 600, 4000]))
    def clocks_are_moved(self, by: int) -> None:
        self.server.offset += by
        self._nothing_is_certain()

    def _nothing_is_certain(self) -> None:
        """Of what ended in a pause: when it did, or that it was one, is not known any more."""
        self.closed_out.clear()
        self._none_is_owed_for_certain()

    def _none_is_owed_for_certain(self) -> None:
        """Of a pause: what was to make up for the others may be what is gone."""
        self.closed_since = None
        self.to_make_up.clear()

    @rule(by=st.sampled_from([DAY + 7200, 3 * DAY]))
    def nobody_looks_for_days(self, by: int) -> None:
        """What ended before the last day is missed."""
        self.server.advance(by)
        self._none_is_owed_for_certain()
        self.excused |= {
            run.id for run in self.server.runs.values() if run.ends < self.server.clock - DAY + 2 * 4000
        }

    @rule(off=st.booleans(), seen=st.booleans())
    def a_pause_begins_or_ends(self, off: bool, seen: bool) -> None:
        """`off`: of the whole environment, by `state: disabled`; `seen`: it is, to its end."""
        if not self.paused:
            self.here.look()  # what ended before it is not held back by it
        elif seen:
            self.here.look()
            self._closed_out()
        self.paused = not self.paused
        until = self.server.told() + timedelta(days=365) if self.paused else None
        its = tuple(replace(one, paused_until=until) for one in self.here.desired.pipelines)
        self.here.desired = replace(self.here.desired, pipelines=its, disabled=False)
        if self.paused and off:
            self.here.desired = turned_off(self.here.desired)
        self.closed_since = self.server.clock if self.paused else None
        self.a_pass_runs_through()
        # A run whose end is to come, also by a clock that was set back meanwhile, may have ended in the pause.
        clock, offset = self.server.clock, self.server.offset
        self.excused |= {
            run.id for run in self.server.runs.values()
            if run.ends + run.reported > clock or run.ends + run.offset > clock + offset
        }  # fmt: skip

    @precondition(lambda self: not self.paused)
    @rule(off=st.booleans(), number=st.integers(1, 3), looks=st.booleans())
    def runs_end_in_a_pause(self, off: bool, number: int, looks: bool) -> None:
        self.a_pause_begins_or_ends(off=off, seen=True)
        for _ in range(number):
            self.server.advance(20)
            self.a_run_upstream("SUCCEEDED", "sha-1", 0)
            if looks:
                self.a_pass_runs_through()
        self.server.advance(20 + self.server.reported)
        self.a_pause_begins_or_ends(off=off, seen=True)

    def _closed_out(self) -> None:
        if (since := self.closed_since) is None:
            return
        found = [
            run for run in self._ended_upstream()
            if since + 1 < run.ends < self.server.clock and run.id not in self.again
            and run.offset == self.server.offset
        ]  # fmt: skip
        self.closed_out |= {run.id for run in found}
        owed = {
            run.id for run in found if self._is_cause("makes_up", run, run.state, terminated=run.terminated)
        }
        self.to_make_up += [owed] if owed else []

    @rule(damage=st.sampled_from(["", "triggers1 AAAA", "cut", "text"]))
    def what_is_kept_is_lost(self, damage: str) -> None:
        """Whose runs were deleted is known no more, and what ended before is told by the names of runs alone."""
        self.server.advance(self.server.unseen)
        kept = self.here.keeping.kept
        self.here.keeping.kept = kept[: len(kept) // 2] if damage == "cut" else damage
        there = Counter(run.name for run in self.server.runs.values())
        noted = {ownership.facts(one.description).get("run", "") for one in self.server.notes.values()}
        for name in self.server.made:
            if name not in noted:
                self.server.made[name] = min(self.server.made[name], there[name])
        self.excused |= {run.id for run in self.server.runs.values()}
        self.states.clear()
        self._nothing_is_certain()
        there = self.here.data.there.get(URI)
        self.excused |= {there.etag} if isinstance(there, DataState) else set()
        self.lost = True

    @precondition(lambda self: self.server.notes)
    @rule()
    def somebody_settles_what_is_unclear(self) -> None:
        for name, note in list(self.server.notes.items()):
            if not note.archived:
                self.server.notes[name] = replace(note, archived=True)
                run = ownership.facts(note.description)["run"]
                self.server.made[run] = 0  # whoever archives it wants another one

    @rule(
        call=st.integers(1, 40),
        after=st.booleans(),
        how=st.sampled_from(["kill", "kill", "kill", "break", "500"]),
    )
    def a_pass_is_interrupted(self, call: int, after: bool, how: str) -> None:
        self.server.interruption = Interruption(call, after, how)
        with contextlib.suppress(KilledError, RemoteError):
            self.here.look()
        self.server.interruption = None
        self._at_most_once()

    @rule(number=st.integers(1, 9))
    def a_list_is_wrong_once(self, number: int) -> None:
        self.server.wrong_list = number
        self.here.look()
        self.server.wrong_list = 0
        self._at_most_once()

    @rule()
    def a_pass_runs_through(self) -> None:
        self.here.look()
        self.lost = False
        self._at_most_once()
        found = self.here.data.there.get(URI)
        if isinstance(found, DataState) and not self.paused and found.etag not in self.excused:
            self.states.append(found.etag)

    @rule()
    def passes_for_a_while(self) -> None:
        self.here.passes(4)
        self.lost = False
        self._at_most_once()

    # what must hold

    def _starts(self, run: Run) -> None:
        assert not self.paused, run
        cause = ownership.facts(run.description)["cause"]
        if run.pipeline_id != "p-makes_up":
            assert cause not in self.closed_out, run

    def _at_most_once(self) -> None:
        assert all(count <= 1 for count in self.server.made.values()), self.server.made

    def _ended_upstream(self) -> list[Run]:
        return [
            run for run in self.server.runs.values()
            if run.pipeline_id == "p-up" and not self.server.active(run)
        ]  # fmt: skip

    def teardown(self) -> None:
        if not hasattr(self, "here"):
            return
        if self.paused:
            self.a_pause_begins_or_ends(off=False, seen=True)
        self.server.advance(1000)
        for _ in range(60):
            self.here.passes(3)
            self.server.advance(max(60, self.server.lasts + self.server.reported))
            found = self.here.look()
            if not found.waiting and not found.started:
                break
        self._at_most_once()
        self._none_is_lost()
        self._states_are_run()
        self._what_was_missed_is_made_up_for()
        self._nothing_that_was_no_cause()

    def _none_is_lost(self) -> None:
        noted, ever = self._noted(), set(self.here.started)
        for name, one in self.triggers.items():
            for run in self._owed(name, one):
                its = run_name(one, digest(OWNER, one, f"run {run.id}"))
                assert its in ever or its in noted, (name, run)

    def _what_was_missed_is_made_up_for(self) -> None:
        one, noted, ever = self.triggers["makes_up"], self._noted(), set(self.here.started)
        for owed in self.to_make_up:
            names = {run_name(one, digest(OWNER, one, f"run {run}")) for run in owed}
            assert len(names & (ever | noted)) <= 1, owed
        if (
            self.to_make_up
        ):  # while one waits for its turn, another pause may bring a newer one, which makes up for both
            excused = {run_name(one, digest(OWNER, one, f"run {run}")) for run in self.excused}
            assert excused & (ever | noted), self.to_make_up

    def _noted(self) -> set[str]:
        return {ownership.facts(one.description).get("run", "") for one in self.server.notes.values()}

    def _owed(self, name: str, one: Watched) -> list[Run]:
        if name in ("fed",):
            return []
        source = "p-down" if name == "chain" else "p-up"
        its = [
            run for run in self.server.runs.values()
            if run.pipeline_id == source and not self.server.active(run) and run.id not in self.excused
        ]  # fmt: skip
        return [run for run in its if self._is_cause(name, run, run.state, terminated=run.terminated)]

    def _is_cause(self, name: str, run: Run, state: str, *, terminated: bool) -> bool:
        if name != "any" and run.version_id == "v-up-theirs":
            return False
        match name:
            case "any":
                return True
            case "mend":
                return state == "FAILED" and not terminated
        return state == "SUCCEEDED"

    def _nothing_that_was_no_cause(self) -> None:
        for name in ("down", "mend"):
            one = self.triggers[name]
            for run_id, states in self.was.items():
                its = run_name(one, digest(OWNER, one, f"run {run_id}"))
                wanted = "FAILED" if name == "mend" else "SUCCEEDED"
                assert wanted in states or not self.server.made[its], (name, run_id, states)

    def _states_are_run(self) -> None:
        one, noted, ever = self.triggers["fed"], self._noted(), set(self.here.started)
        for etag in self.states:
            its = run_name(one, digest(OWNER, one, f"data {URI} {etag}"))
            assert its in ever or its in noted, etag


TestTriggers = Triggers.TestCase
TestTriggers.settings = settings(max_examples=examples(500), stateful_step_count=15)
