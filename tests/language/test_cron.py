"""Cron as KFP reads it: every recorded answer of robfig/cron v1.2.0, and what its source says beyond them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.devserver import cron as witness
from kfp_gitops.language import cron, waits
from project import HERE

VECTORS = [json.loads(line) for line in (HERE / "data/cron_vectors.jsonl").read_text().splitlines()]
START = "2026-11-23T00:00:00Z"


def _answer(expression: str, start: str = START) -> dict[str, Any]:
    try:
        found = cron.parse(expression)
    except cron.CronError as error:
        return {"error": str(error)}
    firings: list[str] = []
    moment: datetime | None = datetime.fromisoformat(start)
    while moment and len(firings) < 5 and (moment := found.next_after(moment)):
        firings.append(f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    return {"next": firings} if firings else {}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['expression']!r}@{v['start'][:10]}")
def test_the_recorded_answers_of_the_parser_are_ours(vector: dict[str, Any]) -> None:
    expected = {key: vector[key] for key in ("error", "next") if vector.get(key)}
    assert _answer(vector["expression"], vector["start"]) == expected


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("0\t0\u00a02 \n* * *", "2026-11-23T02:00:00Z"),  # any space of Unicode
        ("0 0 +2 * * *", "2026-11-23T02:00:00Z"),  # Atoi takes a sign
        ("+0 00 002 * * *", "2026-11-23T02:00:00Z"),
        ("0 0 *-xyz * * *", "2026-11-23T01:00:00Z"),  # after a star nothing is read
        ("0 0 ?-/5 * * *", "2026-11-23T05:00:00Z"),
        ("0 0 2,,3, * * *", "2026-11-23T02:00:00Z"),
        ("0 0 0 1 FeB-mar *", "2027-02-01T00:00:00Z"),
        ("0 0 0 * * FRİ", "2026-11-27T00:00:00Z"),  # Go's ToLower
        ("0 0 0 13 * 5", "2026-11-27T00:00:00Z"),  # either day
        ("0 0 0 13 * */1", "2026-12-13T00:00:00Z"),  # a star with a step is a star
        ("0 0 0 13 * 0-6", "2026-11-24T00:00:00Z"),  # every day, but no star
        ("0 0 0 29 2 *", "2028-02-29T00:00:00Z"),
        ("0 0 0 */9223372036854775807 * *", "2026-12-01T00:00:00Z"),
        ("@every 0.3h", "2026-11-23T00:18:00Z"),
        ("@every -5h", "2026-11-23T00:00:01Z"),
        ("@every 1.s999ms", "2026-11-23T00:00:01Z"),
        ("@every 1µs", "2026-11-23T00:00:01Z"),
        ("@every 0", "2026-11-23T00:00:01Z"),
    ],
)
def test_peculiarities_of_the_language(expression: str, first: str) -> None:
    assert _answer(expression)["next"][0] == first


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        (
            "0 0 2 * *\x1c*",
            'Failed to parse int from *\x1c*: strconv.Atoi: parsing "*\\x1c*": invalid syntax',
        ),
        ("0 1-2-3 * * * *", "Too many hyphens: 1-2-3"),
        ("0 a-2-3 * * * *", 'Failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("0 1/2/3 * * * *", "Too many slashes: 1/2/3"),
        ("0 5- * * * *", 'Failed to parse int from : strconv.Atoi: parsing "": invalid syntax'),
        (
            "0 */9223372036854775808 * * * *",
            "Failed to parse int from 9223372036854775808: "
            'strconv.Atoi: parsing "9223372036854775808": value out of range',
        ),
        (" @daily", "Expected 5 to 6 fields, found 1:  @daily"),
        ("@Daily", "Unrecognized descriptor: @Daily"),
        ("@every", "Unrecognized descriptor: @every"),
        ("@every 5", 'Failed to parse duration @every 5: time: missing unit in duration "5"'),
        ("@every 1d", 'Failed to parse duration @every 1d: time: unknown unit "d" in duration "1d"'),
        ("@every .s", 'Failed to parse duration @every .s: time: invalid duration ".s"'),
        ("@every 2562048h", 'Failed to parse duration @every 2562048h: time: invalid duration "2562048h"'),
        ("@every ", 'Failed to parse duration @every : time: invalid duration ""'),
    ],
)
def test_what_the_parser_refuses_and_how_it_says_so(expression: str, error: str) -> None:
    assert _answer(expression) == {"error": error}


@pytest.mark.parametrize("expression", ["0 0 0 30 2 *", ", * * * * *", "0 0 0 31 4,6,9,11 *"])
def test_some_expressions_are_accepted_and_never_fire(expression: str) -> None:
    assert _answer(expression) == {}


def test_a_leap_day_more_than_five_years_away_is_never() -> None:
    assert _answer("0 0 0 29 2 *", "2096-03-01T00:00:00Z") == {}
    assert _answer("0 0 0 29 2 *", "2099-03-01T00:00:00Z")["next"][0] == "2104-02-29T00:00:00Z"


def test_the_calendar_ends_without_a_traceback() -> None:
    last = datetime(9999, 12, 31, 23, 59, 58, tzinfo=UTC)
    assert cron.parse("0 0 0 1 1 *").next_after(last) is None
    assert cron.parse("* * * * * 0-6").next_after(last) == last.replace(second=59)
    assert cron.parse("@every 2540400h").next_after(last) is None


def _item(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low - 1, high + 2).map(str)
    step = st.integers(0, 70).map(str)
    plain = st.one_of(st.sampled_from(["*", "?"]), number, st.tuples(number, number).map("-".join))
    return st.one_of(plain, plain, st.tuples(plain, step).map("/".join))


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(_item(low, high), min_size=1, max_size=3).map(",".join)


EXPRESSIONS = st.tuples(
    _field(0, 59), _field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 6)
).map(" ".join)
STARTS = st.datetimes(datetime(2024, 1, 1), datetime(2104, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))


@given(EXPRESSIONS, STARTS)
def test_two_readings_of_the_source_agree(expression: str, start: datetime) -> None:
    """The development server's port of the same parser was written apart from this one."""
    try:
        theirs = witness.parse(expression)
    except witness.CronError as error:
        with pytest.raises(cron.CronError) as caught:
            cron.parse(expression)
        assert str(caught.value) == str(error)
        return
    ours = cron.parse(expression)
    moment: datetime | None = start
    for _ in range(3):
        assert moment is not None
        expected = theirs.next(moment)
        assert ours.next_after(moment) == expected
        if (moment := expected) is None:
            break


@given(st.text(alphabet="0123456789*/-,? @everydailmonhsµ.+ \x1c\u3000", max_size=40))
def test_any_text_is_a_schedule_or_a_cron_error(text: str) -> None:
    _answer(text)


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("0 5 1-23/3 * * *", 3),
        ("0 0 3 * * 1", 7 * 24),
        ("@daily", 24),
        ("@every 90m", 1.5),
        ("0 0 8,9,20 * * *", 12),
        ("0 */15 9-17 * * 1-5", 63.25),  # from Friday evening to Monday morning
        ("0 0 0 1 * *", 31 * 24),
        ("0 0 0 30 2 *", 0),
    ],
)
def test_longest_wait_between_two_firings(expression: str, hours: float) -> None:
    assert waits.longest(cron.parse(expression)) == timedelta(hours=hours)
