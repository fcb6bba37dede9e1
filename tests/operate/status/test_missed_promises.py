"""What a schedule missed is every firing that was owed and has no run, whatever was replaced in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language import cron
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status.missed import GRACE, Line, Spell, account
from kfp_gitops.operate.status.model import Cause
from kfp_gitops.reconcile import carried, swap
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.seen import Seen
from kfp_gitops.reconcile.steps import CreateSchedule

BEGIN = datetime(2026, 11, 20, 7, 13, tzinfo=UTC)
OWNER = Owner("example-repository-of-a-usual-length", "production")
CRONS = ("0 0 */3 * * *", "0 30 1,13 * * *", "0 15 4 * * 1-5", "0 0 0 * * *")
HOUR = timedelta(hours=1)
hours = st.integers(1, 120)


@dataclass(frozen=True)
class Replacement:
    """When, and for how many hours before it nobody fired (0: it was a replacement that ran through)."""

    at: int
    off: int


def _wanted(expression: str) -> Wanted:
    schedule = Schedule("main", expression, None, True, {}, None, None, 1, False, Path())
    return Wanted("p", "p-main", schedule, True, "v1", "v", pipeline_id="p", experiment_id="e")


def _made(
    wanted: Wanted, before: Sequence[ActualSchedule], runs: Sequence[RunState], now: datetime
) -> ActualSchedule:
    """As `perform` makes it of a `CreateSchedule`, and a server tells it."""
    seen = Seen(tuple(before), tuple(_as_actual(run) for run in runs), now)
    covered = swap._covered_now(wanted, seen)
    step = CreateSchedule(wanted, covered, None, carried.facts(wanted, seen, covered))
    text = carried.description(OWNER, step)
    assert len(text) <= 238
    return ActualSchedule(
        f"s{now:%d%H%M}", wanted.name, "p", "v", True, now, OWNER, ownership.facts(text), wanted.schedule.cron
    )


def _as_actual(run: RunState) -> ActualRun:
    return ActualRun(run.id, run.name, run.state, "v", run.schedule_id, run.created, run.scheduled)


def _run(tick: datetime, schedule: ActualSchedule, late: int = 5) -> RunState:
    name = f"{schedule.name}abcde-{tick:%d%H%M}-1234"
    created = tick + timedelta(seconds=late)
    return RunState(name, name, "SUCCEEDED", created, created, None, (), schedule.id, tick)


@given(
    expression=st.sampled_from(CRONS),
    outages=st.sets(hours, max_size=60),
    replaced=st.lists(st.builds(Replacement, hours, st.sampled_from((0, 0, 5, 11))), max_size=3),
    made_up=st.dictionaries(hours, st.sampled_from(("SUCCEEDED", "RUNNING", "FAILED")), max_size=20),
)
def test_replacing_a_schedule_forgets_nothing(
    expression: str, outages: set[int], replaced: list[Replacement], made_up: dict[int, str]
) -> None:
    wanted, now = _wanted(expression), BEGIN + 121 * HOUR
    present = _made(wanted, (), (), BEGIN)
    runs: list[RunState] = []
    replacements = {r.at: r.off for r in replaced}
    owed: set[datetime] = set()
    for hour in range(1, 121):
        begins, ends = BEGIN + (hour - 1) * HOUR, BEGIN + hour * HOUR
        off = any(at - length < hour <= at for at, length in replacements.items())
        for tick in _ticks(expression, begins, ends):
            owed.add(tick)
            if hour not in outages and not off:
                runs.append(_run(tick, present))
        if hour in replacements:
            before = replace(present, enabled=replacements[hour] == 0)
            present = _made(wanted, (before,), runs, ends)
    ticks = sorted(owed)
    for number, state in made_up.items():
        if ticks:
            tick = ticks[number % len(ticks)]
            name = f"backfill-p-main-{tick:%Y%m%dT%H%M%SZ}"
            runs.append(RunState(f"m{number}", name, state, tick, None, None, ()))
    done = {run.scheduled for run in runs} | {
        tick for tick in owed for run in runs
        if run.name == f"backfill-p-main-{tick:%Y%m%dT%H%M%SZ}" and run.state != "FAILED"
    }  # fmt: skip
    newest = sorted(runs, key=lambda run: run.created or BEGIN, reverse=True)
    if len(newest) >= 100:
        return
    found = account(Line("p-main", wanted.schedule, (present,), newest, now))
    assert {one.at for one in found.missed} == {tick for tick in owed if tick not in done}
    assert not found.held


def _ticks(expression: str, after: datetime, until: datetime) -> list[datetime]:
    found, tick = [], cron.parse(expression).next_after(after)
    while tick is not None and tick <= until:
        found.append(tick)
        tick = cron.parse(expression).next_after(tick)
    return found


@given(expression=st.sampled_from(CRONS), late=st.integers(0, 119), minutes=st.integers(0, 5 * 24 * 60))
def test_a_list_that_tells_of_a_run_within_its_time_alarms_nobody(
    expression: str, late: int, minutes: int
) -> None:
    wanted, now = _wanted(expression), BEGIN + timedelta(minutes=minutes)
    present = _made(wanted, (), (), BEGIN)
    runs = [_run(tick, present, late) for tick in _ticks(expression, BEGIN, now)]
    visible = [run for run in runs if run.created and run.created <= now]
    found = account(Line("p-main", wanted.schedule, (present,), visible[::-1], now))
    assert (found.missed, found.held) == ((), ())


@given(expression=st.sampled_from(CRONS), first=hours, length=hours, ended=st.booleans())
def test_what_falls_into_a_pause_is_held_and_all_else_is_missed(
    expression: str, first: int, length: int, ended: bool
) -> None:
    """Paused, resumed (which replaces), and nothing ran at all."""
    wanted, now = _wanted(expression), BEGIN + 121 * HOUR
    start, end = BEGIN + first * HOUR, BEGIN + min(first + length, 120) * HOUR
    before = replace(_made(wanted, (), (), BEGIN), enabled=False)
    present = _made(wanted, (before,), (), end)
    spell = Spell(start, now + HOUR if ended else end, over=ended)
    found = account(Line("p-main", wanted.schedule, (present,), (), now, spells=(spell,)))
    owed = _ticks(expression, BEGIN, now - GRACE)
    assert list(found.held) == [tick for tick in owed if start <= tick < end]
    assert [one.at for one in found.missed] == [tick for tick in owed if not start <= tick < end]


@given(first=st.integers(1, 40), length=st.integers(0, 40))
def test_an_interval_misses_all_of_an_outage_but_the_firing_that_comes_late(first: int, length: int) -> None:
    """KFP without catch-up runs once when it is back, and the rhythm starts anew there (periodic_schedule.go)."""
    runs: list[RunState] = []
    present = ActualSchedule("s", "p-main", "p", "v", True, BEGIN, OWNER, {}, None, 3600, BEGIN)
    last, lost = BEGIN, 0
    for minute in range(0, 100 * 60, 10):
        moment = BEGIN + timedelta(minutes=minute)
        down = first * 60 < minute <= (first + length) * 60 + 30
        if down or moment < last + HOUR:
            continue
        due = (moment - last) // HOUR
        lost += due - 1
        last = moment if due > 1 else last + HOUR
        runs.append(_run(last, present))
    now = runs[-1].scheduled
    assert now is not None
    schedule = Schedule("main", None, 3600, True, {}, None, None, 1, False, Path())
    found = account(Line("p-main", schedule, (present,), runs[::-1][:99], now + 2 * GRACE))
    assert len(found.missed) == lost


def test_a_description_holds_what_it_can_and_loses_the_oldest_gaps_first() -> None:
    wanted = _wanted(CRONS[0])
    present = _made(wanted, (), (), BEGIN)
    gaps = []
    for day in range(1, 8):
        now = BEGIN + timedelta(days=day)
        present = _made(
            wanted, (replace(present, enabled=False), replace(present, id="other", enabled=False)), (), now
        )
        gaps = present.facts["gaps"].split(",")
    assert len(gaps) < 7
    assert gaps[-1].endswith("Z")
    assert present.facts["since"] == f"{BEGIN:%Y%m%dT%H%M%SZ}"
    found = account(Line("p-main", wanted.schedule, (present,), (), BEGIN + timedelta(days=7, hours=6)))
    assert {one.cause for one in found.missed} == {Cause.SWAP, Cause.OUTAGE}
