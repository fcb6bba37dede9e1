"""Which backfills need somebody: one that stands still, one of which firings failed; and what a Pushgateway gets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from backfill_kit import CRON, NOW, Interruption, Kfp, backfill, desired
from kfp_gitops.base import metrics
from kfp_gitops.base.errors import TemporaryError
from kfp_gitops.commands.reconcile import passed
from kfp_gitops.operate.operations.continuing import Continued, InMemory, continue_backfills
from kfp_gitops.reconcile import backfills, standstill
from kfp_gitops.reconcile.backfills import Progress
from kfp_gitops.reconcile.records import Desired

LATER = NOW + timedelta(days=9)
FIRST = "backfill-p-daily-20260101T030000Z"


def _after(
    kfp: Kfp, minutes: int, kept: InMemory, wanted: Desired | None = None, every: int = 10
) -> Continued:
    """What the last of several passes found."""
    for _ in range(0, minutes + 1, every):
        [found] = continue_backfills(kfp, wanted or desired(backfill()), kept)  # type: ignore[arg-type]  # stands for it
        kfp.advance(every * 60)
    return found


def _unregistered(kfp: Kfp) -> None:
    kfp.registered = False


def _endless(kfp: Kfp) -> None:
    kfp.lasts = 10**7


def _never_listed(kfp: Kfp) -> None:
    kfp.lag = 10**7


def _controller_down(kfp: Kfp) -> None:
    """All that is left KFP may still run itself, by catch-up."""
    kfp.now_ = datetime(2026, 1, 10, 12, tzinfo=UTC)
    kfp.schedule = replace(kfp.schedule, created=NOW - timedelta(days=90), catchup=True)


@pytest.mark.parametrize(
    ("trouble", "allowed"),
    [
        (_unregistered, standstill.IDLE),
        (_controller_down, standstill.IDLE),
        (_endless, standstill.ENDLESS),
        (_never_listed, standstill.ENDLESS),
    ],
)
def test_one_of_which_nothing_begins_or_ends_stands_still_after_a_while(
    trouble: Callable[[Kfp], None], allowed: timedelta
) -> None:
    kfp, kept = Kfp(latency=0), InMemory()
    trouble(kfp)
    wanted = desired(backfill())
    catchup = replace(wanted.pipelines[0].schedules[0], catchup=kfp.schedule.catchup)
    wanted = replace(wanted, pipelines=(replace(wanted.pipelines[0], schedules=(catchup,)),))
    minutes = int(allowed.total_seconds() / 60)
    assert _after(kfp, minutes - 10, kept, wanted).stalled == ""
    assert _after(kfp, 30, kept, wanted).stalled.startswith("nothing of it has begun or ended since 2026-")


def test_once_it_goes_on_it_stands_still_no_more() -> None:
    kfp, kept = Kfp(latency=0, registered=False), InMemory()
    assert _after(kfp, 90, kept).stalled
    kfp.registered = True
    _after(kfp, 0, kept)
    assert _after(kfp, 0, kept).stalled == ""


def test_a_pause_is_no_standstill_neither_while_it_lasts_nor_when_it_ends() -> None:
    kfp, kept = Kfp(latency=0), InMemory()
    assert _after(kfp, 3000, kept, desired(backfill(), paused_until=LATER)).stalled == ""
    assert _after(kfp, 0, kept).stalled == ""


def test_while_a_pause_holds_it_little_is_written() -> None:
    kfp, kept, texts = Kfp(latency=0), InMemory(), set[str]()
    for _ in range(120):
        _after(kfp, 0, kept, desired(backfill(), paused_until=LATER), every=1)
        texts.add(kept.texts["january"])
    assert len(texts) <= 5


def test_where_the_cron_changed_it_stands_still_at_once() -> None:
    kfp, kept = Kfp(), InMemory()
    _after(kfp, 0, kept)
    found = _after(kfp, 0, kept, desired(backfill(cron="0 0 4 * * *")))
    assert found.stalled == found.held == standstill.RENUMBERED


def _told(kfp: Kfp, kept: InMemory, minutes: int = 0) -> metrics.Backfill | None:
    wanted, report = desired(backfill()), metrics.Report("dev", "trigger")
    found = _after(kfp, minutes, kept)
    passed.report_backfills(report, [found], wanted, kfp.now())
    assert set(report.backfills) <= {("p", "january")}
    return report.backfills.get(("p", "january"))


def test_what_a_pushgateway_gets_goes_with_the_end_and_where_something_failed_a_day_later() -> None:
    kfp, kept = Kfp(latency=0, fails=frozenset({FIRST})), InMemory()
    assert _told(kfp, kept) == metrics.Backfill(10, 0, 3, 0, 0, stalled=False)
    assert _told(kfp, kept) == metrics.Backfill(10, 3, 3, 1, 0, stalled=False)
    ended = metrics.Backfill(10, 10, 0, 1, 0, stalled=False)
    assert _told(kfp, kept, minutes=100) == ended
    assert _told(kfp, InMemory(), minutes=60) == ended  # by its note
    assert _told(kfp, kept, minutes=24 * 60) is None
    well, kept = Kfp(latency=0), InMemory()
    assert _told(well, kept, minutes=100) is None


def _with_an_unclear_run() -> tuple[Kfp, InMemory]:
    """KFP answered 500 to one of the calls: the one that makes a run."""
    for call in range(1, 25):
        kfp, kept = Kfp(latency=0, interruption=Interruption(call, after=True, how="500")), InMemory()
        with suppress(TemporaryError):
            _after(kfp, 0, kept)
        if kfp.ghosts:
            return kfp, kept
    raise AssertionError("it makes no run")


def test_a_run_that_may_have_been_started_is_told_until_somebody_settles_it() -> None:
    kfp, kept = _with_an_unclear_run()
    found = _told(kfp, kept)
    assert found and (found.failed, found.unclear) == (1, 1)
    kfp.notes = [replace(one, archived=True) for one in kfp.notes]
    found = _told(kfp, kept)
    assert found and (found.failed, found.unclear) == (1, 0)


def test_what_was_kept_of_a_time_that_there_is_not_is_not_believed() -> None:
    progress = Progress.of(backfill(cron=CRON))
    for moment in (-1, backfills.LAST + 1):
        for name in ("moved", "finished"):
            assert backfills.read(replace(progress, **{name: moment}).text()) is None
