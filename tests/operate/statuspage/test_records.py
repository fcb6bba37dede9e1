"""The records of a status page: what of a status becomes them, and what comes back from JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from board_kit import HOUR, NOW, board, everything, pipeline, seen
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base.errors import InputError
from kfp_gitops.language import cron
from kfp_gitops.operate.statuspage import build, drawn, merged, plain, starts, summary, view, week
from kfp_gitops.operate.statuspage.records import Board, Environment, Fires, Run, Schedule, Waits
from kfp_gitops.reconcile.timing import Timing
from project import PROJECT

SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/status-page.schema.json").read_text())
START = week.begins(NOW)


def test_what_is_written_fits_its_schema_and_comes_back_as_it_was() -> None:
    text = plain.to_json(everything())
    jsonschema.validate(json.loads(text), SCHEMA)
    assert plain.from_json(text, "status.json") == everything()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<html>", "no JSON"),
        (plain.to_json(board(1)).replace("https://kfp", "javascript:alert(1)//kfp"), "where people see KFP"),
        ("[]", "a status.json of version None"),
        ('{"version": 2}', "a status.json of version 2"),
        ('{"version": 1}', "lacks 'environments'"),
        (plain.to_json(board(1)).replace('"needs":false', '"needs":"no"'), "true or false"),
        (
            plain.to_json(board(1)).replace('"made":"2026-11', '"made":"2026-99'),
            "an instant that there is not",
        ),
        (plain.to_json(board(1)).replace('"week":"2026', '"week":"9999'), "week"),
        (plain.to_json(board(1)).replace('"name":"dev"', r'"name":"\ud800"'), "no JSON"),
        (plain.to_json(board(9)).replace('"age":3600', f'"age":{"9" * 30}'), "age"),
    ],
)
def test_what_is_no_status_of_ours_is_told(text: str, what: str) -> None:
    with pytest.raises(InputError, match=r"status\.json") as caught:
        plain.from_json(text, "status.json")
    assert what in str(caught.value)


CRONS = st.sampled_from(
    [
        "0 0 3 * * 1",
        "0 */5 * * * *",
        "0 5 1-23/3 * * *",
        "0 0 0 1 * *",
        "@hourly",
        "0 59 23 * * *",
        "30 0,30 7 * * 0,6",
    ]
)
STARTS = st.integers(-400, 200).map(lambda hours: START + hours * HOUR + timedelta(minutes=7))


def _by_hand(timing: Timing) -> dict[int, int]:
    """Each firing of the week one by one."""
    end = START + 7 * 24 * HOUR - timedelta(seconds=1)
    found: dict[int, int] = {}
    for at in timing.between(max(timing.base, START - timedelta(seconds=1)), end):
        hour = (at - START) // HOUR
        found[hour] = found.get(hour, 0) + 1
    return found


def _hours(fires: tuple[Fires, ...]) -> dict[int, int]:
    return {hour: one.count for one in fires for hour in range(one.hour, one.hour + one.hours)}


@given(text=CRONS, base=STARTS)
def test_the_week_of_a_cron_has_the_hours_in_which_it_fires(text: str, base: datetime) -> None:
    timing = Timing(cron.parse(text), None, base, None)
    found, wanted = _hours(week.fires(timing, START)), _by_hand(timing)
    begun = (base - START) // HOUR  # its first hour counts as a whole
    assert {h: n for h, n in found.items() if h > begun} == {h: n for h, n in wanted.items() if h > begun}
    assert not any(hour < begun for hour in found)


@given(seconds=st.sampled_from([60, 300, 3600, 5000, 86400, 700_000]), base=STARTS)
def test_the_week_of_an_interval_has_the_hours_in_which_it_fires(seconds: int, base: datetime) -> None:
    timing = Timing(None, seconds, base, None)
    assert _hours(week.fires(timing, START)) == _by_hand(timing)


def test_hours_that_follow_one_another_are_one_bar() -> None:
    every_hour = Timing(cron.parse("@hourly"), None, START - HOUR, None)
    assert week.fires(every_hour, START) == (Fires(0, 168, 1),)
    ended = Timing(cron.parse("@hourly"), None, START - HOUR, START + 5 * HOUR)
    assert week.fires(ended, START) == (Fires(0, 6, 1),)


def test_a_week_that_began_earlier_is_drawn_where_it_belongs() -> None:
    shapes = drawn.Shapes(START)
    schedule = Schedule("s", "cron", True, None, week=(Fires(0, 1, 1), Fires(30, 2, 1)))
    shapes.of(schedule, START - 24 * HOUR)
    assert list(shapes.ids) == ["M6 0h2v1h-2z"]
    assert shapes.of(schedule, START - 24 * HOUR) == "w0"


def test_runs_are_told_the_newest_last_in_signs_and_words() -> None:
    runs = [
        Run("3", "RUNNING", NOW),
        Run("2", "FAILED", NOW),
        Run("1", "SUCCEEDED", NOW),
        Run("0", "SUCCEEDED", NOW),
    ]
    signs, words = drawn.strip(runs)
    assert signs == [("SUCCEEDED", "✓✓"), ("FAILED", "✗"), ("RUNNING", "▸")]
    assert words == "the newest last: 2 succeeded, 1 failed, 1 running"


def test_what_cannot_be_reached_keeps_its_last_known_state_and_since_when() -> None:
    (dev, _) = board(2).environments
    first = build.unseen("dev", "no answer", NOW, dev)
    again = build.unseen("dev", "no route", NOW + HOUR, first)
    assert again.seen == dev.seen
    assert again.unseen and (again.unseen.since, again.unseen.why) == (NOW, "no route")
    assert build.unseen("dev", "no answer", NOW).seen is None


def test_of_two_boards_the_newer_one_tells_of_an_environment() -> None:
    old, new = board(1), board(2, ["dev"], made=NOW + HOUR)
    found = merged.environments([new, old])
    assert {name: len(one.seen.pipelines) for name, one in found.items() if one.seen} == {"dev": 2, "prod": 1}
    in_order = merged.board(found, ["prod"], NOW, 0, None)
    assert [one.name for one in in_order.environments] == ["prod", "dev"]


def test_what_waits_is_told_by_who_has_the_repository() -> None:
    way = {
        "dev": {},
        "prod": {"usage-customer-0001": Waits("dev", "sha256:1", None), "new": Waits("dev", "sha256:2", NOW)},
    }
    found = merged.board(merged.environments([board(2)]), ["dev", "prod"], NOW, 0, way)
    (_, prod) = found.environments
    assert prod.seen
    assert [one.waits and one.waits.release for one in prod.seen.pipelines] == [None, "sha256:1"]
    assert [one.name for one in prod.seen.coming or ()] == ["new"]


def test_a_line_for_each_environment() -> None:
    assert summary.lines(everything()) == [
        "dev: 7 pipelines, 2 need somebody, 2 of the server or beside the manifests",
        "prod: not reached since 2026-11-29 08:07 UTC, as it was 2026-11-29 07:07 UTC, 6 pipelines, 1 needs somebody",
        "lab: not reached since 2026-11-29 14:07 UTC, never seen",
        "old: 0 pipelines, turned off",
    ]


def test_nothing_needs_somebody_only_where_all_was_seen_and_is_well() -> None:
    well = Board(NOW, 0, (Environment("dev", seen([pipeline(1, "dev")])),))
    assert not summary.needs(well)
    assert summary.needs(board(4))
    assert summary.needs(Board(NOW, 0, (build.unseen("dev", "no answer", NOW, well.environments[0]),)))


def test_of_what_is_alike_in_a_fleet_the_first_are_told_and_the_number_of_the_rest() -> None:
    fleet = board(1000, ["dev"])
    (card,) = view.cards(fleet, START)
    (section,) = card.sections
    assert section.count == 100
    assert len(section.groups) == 10
    assert section.left_out == 90


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, ""), (900, "15 minutes"), (3600, "hour"), (7200, "2 hours"), (86400, "day"), (90, "90 seconds")],
)
def test_a_period_in_words(seconds: int, text: str) -> None:
    assert view.duration(seconds) == text


def test_moments_are_told_in_utc() -> None:
    assert starts.minute(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "01-02 03:04"
