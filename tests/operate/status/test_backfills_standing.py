"""How a status tells of backfills: how far, until about when, what failed, and where nothing was kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.status import backfills as status
from kfp_gitops.operate.status import health
from kfp_gitops.operate.status.backfills import Kept
from kfp_gitops.operate.status.model import PipelineStatus
from kfp_gitops.reconcile import backfills
from kfp_gitops.reconcile.backfills import Progress, Spans
from kfp_gitops.reconcile.records import DesiredBackfill, DesiredPipeline

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CRON = "0 0 3 * * *"
ONE = DesiredBackfill(
    "january", "p", CRON, "2026-01-01", "2026-01-31", 31, "at", 2, schedule="daily", reason="wrong"
)
DAILY = Schedule("daily", CRON, None, True, {}, None, None, 1, False, ())
PIPELINE = DesiredPipeline("p", "d", "sha256:a", "sha-1", "sha256:1", "", (DAILY,))
BEFORE = Progress.of(ONE)
HALF = Progress.of(ONE).with_begun((12, 13), 0)
for _number in range(12):
    HALF = HALF.settled(_number, "FAILED" if _number == 4 else "SUCCEEDED")


def _run(name: str, state: str, minutes: int = 20) -> RunState:
    return RunState(name, name, state, NOW, NOW + timedelta(minutes=minutes), None, ())


def _told(progress: Progress, runs: tuple[RunState, ...] = (), pipeline: DesiredPipeline = PIPELINE) -> str:
    return status.words(status.of(pipeline, ONE, progress, runs, NOW), NOW)


def test_how_far_it_is_and_about_how_long_it_takes() -> None:
    usual = (_run("a", "SUCCEEDED"), _run("b", "FAILED", 90))
    assert _told(HALF) == "12/31 done, 1 failed, 2 running"
    assert (
        _told(HALF, usual) == "12/31 done, 1 failed, 2 running; about 3.3 h left"
    )  # 19 by twos, 20 minutes each
    assert _told(BEFORE, usual) == "0/31 done; about 5.3 h left"
    found = status.of(PIPELINE, ONE, HALF, usual, NOW)
    assert (found.ends, found.failed_at) == (
        NOW + timedelta(hours=3, minutes=20),
        (datetime(2026, 1, 5, 3, tzinfo=UTC),),
    )


def test_one_that_is_held_or_finished() -> None:
    paused = DesiredPipeline("p", "", "", "", "", "", (DAILY,), paused_until=NOW + timedelta(days=1))
    assert _told(HALF, pipeline=paused) == "12/31 done, 1 failed, 2 running; paused"
    ended = Progress("a", "b", Spans(((0, 31),)), ok=29, left_out=2, total=31, finished=int(NOW.timestamp()))
    assert _told(ended) == (
        "31/31 done, 2 had run already; finished 2026-03-01 00:00, its file may be deleted"
    )


def _findings(progress: Progress, now: datetime) -> tuple[str, list[str]]:
    found = status.of(PIPELINE, ONE, progress, (), now)
    what = PipelineStatus(
        "p", "", "sha-1", True, "", "", None, None, (), None, None, (), (), None, backfills=(found,)
    )
    [told] = health.of_pipeline(what, now, str)
    return told.kind, [*status.unhealthy((found,))]


def test_what_failed_needs_somebody_until_a_day_after_the_end() -> None:
    why = ["backfill january: 1 of 31 firings failed"]
    assert _findings(HALF, NOW) == ("failed", why)
    ended = Progress("a", "b", Spans(((0, 31),)), ok=30, bad=1, total=31, finished=int(NOW.timestamp()))
    assert _findings(ended, NOW + timedelta(hours=23)) == ("failed", why)
    assert _findings(ended, NOW + timedelta(hours=25)) == ("backfill", [])


def test_what_stands_still_needs_somebody() -> None:
    still = replace(BEFORE, moved=int(NOW.timestamp()))
    assert _findings(still, NOW + timedelta(minutes=50)) == ("backfill", [])
    why = "nothing of it has begun or ended since 2026-03-01 00:00"
    assert _findings(still, NOW + timedelta(minutes=70)) == ("stuck", [f"backfill january: {why}"])
    found = status.of(PIPELINE, ONE, still, (), NOW + timedelta(minutes=70))
    assert status.words(found, NOW) == f"0/31 done; {why}"
    paused = replace(PIPELINE, paused_until=NOW + timedelta(days=1))
    assert status.of(paused, ONE, still, (), NOW + timedelta(minutes=70)).stalled == ""


def test_what_was_kept_goes_before_a_note_and_a_note_before_names() -> None:
    other = Progress("other", "b")
    assert Kept({"january": HALF.text()}).progress(ONE) == HALF
    ended = Progress(backfills.asked(ONE), "", Spans(((0, 31),)), total=31, finished=1)
    assert Kept({"january": other.text()}, {"january": ended}).progress(ONE) == ended
    assert Kept({"january": "{damaged"}, {"january": other}).progress(ONE) is None


def test_where_nothing_was_kept_the_names_of_runs_tell_it() -> None:
    ticks = backfills.ticks_of(ONE)
    runs = [
        _run(backfills.name(ONE, ticks[number]), state)
        for number, state in enumerate(["SUCCEEDED", "FAILED", "RUNNING"])
    ]
    found = status.counted(
        ONE, [*runs, _run("backfill-p-daily-20260110T030000Z-2", "SUCCEEDED"), _run("x", "RUNNING")]
    )
    assert (found.ok, found.bad, dict(found.begun), found.left) == (1, 1, {2: 0}, 28)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"asked": "a"}',
        '{"asked": "a", "counted_by": "b", "done": "x"}',
        '{"asked":"a","counted_by":"b","ok":"1e999"}',
        '{"asked":"a","counted_by":"b","begun":{"10":1},"total":10}',
        '{"asked":"a","counted_by":"b","begun":{"-1":1},"total":10}',
        '{"asked":"a","counted_by":"b","done":"0-11","total":10}',
        '{"asked":"a","counted_by":"b","done":"5-6,0-2","total":10}',
        '{"asked":"a","counted_by":"b","done":"3-1","total":10}',
    ],
)
def test_what_was_kept_and_is_damaged_is_nothing(text: str) -> None:
    assert backfills.read(text) is None


def test_progress_comes_back_from_its_text() -> None:
    for one in (BEFORE, HALF, HALF.without(12), HALF.settled(12, "")):
        assert backfills.read(one.text()) == one


def test_spans_are_few_and_what_is_free_comes_in_either_order() -> None:
    spans = Spans().with_([3, 1, 2, 7, 8])
    assert spans.spans == ((1, 4), (7, 9))
    assert (list(spans), len(spans), 7 in spans, 6 in spans) == ([1, 2, 3, 7, 8], 5, True, False)
    assert list(spans.free(10, newest_first=False)) == [0, 4, 5, 6, 9]
    assert list(spans.free(10, newest_first=True)) == [9, 6, 5, 4, 0]
    assert list(spans.free(8, newest_first=True)) == [6, 5, 4, 0]
    assert spans.with_([4, 5, 6]).spans == ((1, 9),)
