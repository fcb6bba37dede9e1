"""The cron reader against robfig/cron v1.2.0 itself."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies
from kfp_gitops.devserver import cron
from kfp_gitops.devserver.duration import parse_duration

VECTORS = [
    json.loads(v) for v in (Path(__file__).parents[1] / "data/cron_vectors.jsonl").read_text().splitlines()
]


def answer(expression: str, start: str) -> dict[str, Any]:
    try:
        schedule = cron.parse(expression)
    except cron.CronError as error:
        return {"error": str(error)}
    found: list[datetime] = []
    moment: datetime | None = datetime.fromisoformat(start)
    while moment and len(found) < 5 and (moment := schedule.next(moment)):
        found.append(moment)
    return {"next": [f"{m:%Y-%m-%dT%H:%M:%SZ}" for m in found]} if found else {}


def test_there_are_244_vectors():
    assert len(VECTORS) == 244


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['expression']!r}@{v['start'][:10]}")
def test_agrees_with_robfig_cron_on_acceptance_message_and_firings(vector):
    expected = {key: vector[key] for key in ("error", "next") if vector.get(key)}
    assert answer(vector["expression"], vector["start"]) == expected


@given(strategies.text(alphabet="0123456789*/-,? @everydailmonhs.+", max_size=30))
def test_never_anything_but_a_schedule_or_a_cron_error(expression):
    answer(expression, "2026-11-23T00:00:00Z")


@pytest.mark.parametrize("expression", ["0 */" + "9" * 40 + " * * * *", "0 " + "9" * 5000 + " * * * *"])
def test_numbers_beyond_int64_are_refused(expression):
    with pytest.raises(cron.CronError, match="out of range"):
        cron.parse(expression)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("1.5h", 5400), ("-90s", -90), ("0", 0), (".5s", 0.5), ("2us", 2e-6)],
)
def test_durations_as_go_reads_them(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "1d", "h", "1 h", "--1h", "999999999h", "٣h"])
def test_durations_go_does_not_read(text):
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)
