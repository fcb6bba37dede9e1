"""Whatever is killed, late or wrong: no firing runs twice, and all of them have run when it runs through.

Sequences of looks by two machines (with one store, or with one each), of `run.py --backfill` by hand, of the schedule
that fires late, of clocks that are moved, stores that are lost, and lists that are late or empty once; each look may
be killed at any call, before or after its effect, or lose its answer.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from backfill_kit import CRON, NOW, OWNER, Interruption, Kfp, KilledError, Store, backfill, desired
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_gitops.base.errors import GitOpsError
from kfp_gitops.operate.operations import ran
from kfp_gitops.operate.operations.backfill import Backfill
from kfp_gitops.operate.operations.continuing import continue_backfills
from kfp_gitops.operate.operations.making_up import Job, MakingUp
from kfp_gitops.reconcile import unclear
from kfp_gitops.reconcile.backfills import ticks
from kfp_gitops.reconcile.records import Desired
from profiles import examples

TICKS = ticks(CRON, "2026-01-01", "2026-01-10")
BY_HAND = Backfill("p-daily", "pipeline", "version", "e", {}, "at", 2)
HIT = st.builds(
    Interruption, st.integers(1, 25), st.booleans(), st.sampled_from(["kill", "kill", "break", "500"])
)
STEP = st.one_of(
    st.tuples(st.just("look"), st.none() | HIT),
    st.tuples(st.just("look"), HIT),
    st.tuples(st.just("other machine"), st.none() | HIT),
    st.tuples(st.just("by hand"), st.none() | HIT),
    st.tuples(st.just("wrong list"), st.tuples(st.integers(1, 6), st.booleans())),
    st.tuples(st.just("wait"), st.sampled_from([10, 60, 200, 700])),
    st.tuples(st.just("clock"), st.sampled_from([-4000, -30, 30, 4000])),
    st.tuples(st.just("lost"), st.none()),
    st.tuples(st.just("paused"), st.none()),
)


class World:
    """One KFP, and those who work on it."""

    def __init__(self, lasts: int, lag: int, parallel: int, fired: list[int], *, newest: bool) -> None:
        self.kfp = Kfp(lasts=lasts, lag=lag)
        self.store, self.others = Store(self.kfp), Store(self.kfp)
        self.one = backfill(parallel=parallel, newest_first=newest)
        for number in fired:
            self.kfp.fired(TICKS[number], "FAILED" if number % 3 == 0 else "SUCCEEDED")

    def look(self, store: Store, hit: Interruption | None, wanted: Desired | None = None) -> bool:
        """Whether it is finished."""
        self.kfp.interruption = replace(hit) if hit else None
        try:
            shared = wanted or desired(self.one)
            [found] = continue_backfills(self.kfp, shared, store)  # type: ignore[arg-type]  # a fake
        except (KilledError, GitOpsError):
            return False
        finally:
            self.kfp.interruption = None
        return bool(found.progress.finished)

    def by_hand(self, hit: Interruption | None) -> None:
        first = ran.fired_of(self.kfp, BY_HAND, TICKS[2:5])  # type: ignore[arg-type]  # as the command does
        left = [tick for tick in TICKS[2:5] if tick not in first]
        job = Job(BY_HAND, left, meanwhile=partial(ran.fired_of, self.kfp, BY_HAND))  # type: ignore[arg-type]  # a fake
        self.kfp.interruption = replace(hit) if hit else None
        with contextlib.suppress(KilledError, GitOpsError):
            at_work = MakingUp(
                self.kfp,  # type: ignore[arg-type]  # a fake
                [job], 2, lambda _: None, lambda _: self.kfp.advance(30), owner=OWNER,
            )  # fmt: skip
            at_work.run()
        self.kfp.interruption = None

    def ran(self) -> Counter[datetime]:
        """Firing → its runs that nobody stopped and that did not fail by themselves, ghosts included."""
        found: Counter[datetime] = Counter()
        for run in self.kfp.runs.values():
            if run.schedule_id and run.scheduled and run.state != "FAILED":
                found[run.scheduled] += 1
        for name, number in self.kfp.names().items():
            if name.startswith("backfill-p-daily-"):
                stamp = name.removeprefix("backfill-p-daily-")
                found[datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)] += number
        return found

    def holds(self) -> None:
        """Each firing has one run, or a note says that KFP may have started it unheard: then it has one at most."""
        found, noted = self.ran(), {one.name for one in self.kfp.notes if not one.archived}
        assert max(found.values()) == 1, found
        for tick in set(TICKS) - {*found}:
            assert unclear.note_name(OWNER, f"backfill-p-daily-{tick:%Y%m%dT%H%M%SZ}") in noted, tick

    def through(self) -> None:
        """Looks that nothing disturbs, until it is finished."""
        for _ in range(60):
            if self.look(self.store, None):
                return
            self.kfp.advance(max(60, self.kfp.lasts))
        raise AssertionError(f"not finished: {self.store.texts}")


def _walked(world: World, steps: list[tuple[str, object]], *, shared: bool) -> None:
    kfp = world.kfp
    for what, how in steps:
        hit = how if isinstance(how, Interruption) else None
        match what:
            case "look":
                world.look(world.store, hit)
            case "other machine":
                world.look(world.store if shared else world.others, hit)
            case "by hand":
                world.by_hand(hit)
            case "wrong list":
                kfp.wrong_list = how  # type: ignore[assignment]  # as it was drawn
            case "wait":
                kfp.advance(how)  # type: ignore[arg-type]  # as it was drawn
            case "clock":
                kfp.off += timedelta(seconds=how)  # type: ignore[arg-type]  # as it was drawn
            case "lost" if not kfp.lag:  # with late lists, what was begun is known by what is kept alone
                world.store.texts.clear()
            case "paused":
                world.look(world.store, None, desired(world.one, paused_until=NOW + timedelta(days=999)))
        if what != "wait":
            kfp.advance(kfp.lag)


@settings(max_examples=examples(500))
@given(
    lasts=st.sampled_from([0, 40, 400]),
    parallel=st.sampled_from([1, 3, 10]),
    fired=st.lists(st.integers(0, 9), unique=True, max_size=6),
    newest=st.booleans(),
    steps=st.lists(STEP, max_size=14),
)
def test_no_firing_runs_twice_and_none_is_lost(
    lasts: int, parallel: int, fired: list[int], newest: bool, steps: list[tuple[str, object]]
) -> None:
    world = World(lasts, 0, parallel, fired, newest=newest)
    _walked(world, steps, shared=True)
    world.kfp.wrong_list = None
    world.through()
    world.holds()


@settings(max_examples=examples(300))
@given(
    lasts=st.sampled_from([40, 400]),
    lag=st.sampled_from([5, 60, 300]),
    parallel=st.sampled_from([1, 3, 10]),
    steps=st.lists(STEP.filter(lambda step: step[0] not in ("by hand", "clock", "wrong list")), max_size=14),
)
def test_lists_that_are_late_by_minutes_start_nothing_twice(
    lasts: int, lag: int, parallel: int, steps: list[tuple[str, object]]
) -> None:
    world = World(lasts, lag, parallel, [], newest=False)
    _walked(world, steps, shared=True)
    world.through()
    world.holds()


@settings(max_examples=examples(200))
@given(parallel=st.sampled_from([1, 3]), steps=st.lists(STEP, max_size=14))
def test_two_machines_with_a_store_each(parallel: int, steps: list[tuple[str, object]]) -> None:
    """As an `apply` on a laptop beside the pass in the cluster: what one began the other sees by its name."""
    world = World(100, 0, parallel, [], newest=False)
    _walked(world, steps, shared=False)
    world.kfp.wrong_list = None
    world.through()
    world.holds()


def test_a_look_that_is_killed_at_each_call_in_turn() -> None:
    for how in ("kill", "break", "500"):
        for after in (False, True):
            for call in range(1, 40):
                world = World(40, 0, 3, [1, 4], newest=False)
                world.look(world.store, Interruption(call, after, how))
                world.look(world.store, Interruption(call, after, how))
                world.through()
                world.holds()
                assert world.kfp.most_at_once <= 3
