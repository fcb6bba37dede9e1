"""What a manifest may promise, how it is told what it may not, and what its schedules cannot keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.language.attainable import Upstream, shortfalls
from kfp_gitops.language.manifest import AfterRun, OnData, Schedule, Slo, Trigger, reader, slo
from language import HEAD, compiled, refusals, warnings

BODY = """\
spec:
  tasks:
    a: {component: list_names}
schedules:
- {name: daily, cron: '0 0 3 * * *', enabled: true, maxConcurrency: 1, catchup: false}
"""


@pytest.mark.parametrize(
    "text", ["fresh: 26h", "duration: 45m", "fresh: 366d, duration: 9999m", "fresh: 25h"]
)
def test_either_may_be_promised_alone(text: str) -> None:
    assert refusals(f"{BODY}slo: {{{text}}}\n") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{fresh: 26}", "6:14: slo.fresh is 26, not a text; write a whole number of minutes, hours or days"),
        ("{fresh: 26 h}", "6:14: slo.fresh is \"26 h\"; write a whole number of minutes, hours or days, such as 26h"),
        ("{duration: 1h30m}", "6:17: slo.duration is \"1h30m\"; write a whole number of minutes"),
        ("{duration: 0m}", "6:17: slo.duration is \"0m\"; write a whole number of minutes, hours or days, such as 45m"),
        ("{duration: 30s}", "6:17: slo.duration is \"30s\""),
        ("{fresh: 367d}", "6:14: slo.fresh is \"367d\""),
        ("{fresh: null}", "6:14: slo.fresh is null, not a text; write a whole number"),
        ("{freshness: 26h}", "6:7: unknown key 'slo.freshness'; did you mean 'fresh'?"),
        ("{}", "6:6: slo is empty; say fresh, duration or both"),
        ("26h", "6:6: slo is \"26h\", not a map; say fresh, duration or both: slo: {fresh: 26h, duration: 45m}"),
    ],
)  # fmt: skip
def test_what_is_no_promise_is_told_with_its_place_and_the_shape_of_one(text: str, says: str) -> None:
    (found, *_) = refusals(f"{BODY}slo: {text}\n")
    assert found.startswith(says)
    assert any(shape in found for shape in ("26h", "45m", "fresh"))


def test_nothing_of_it_is_compiled() -> None:
    assert compiled(BODY) == compiled(f"{BODY}slo: {{fresh: 26h, duration: 45m}}\n")


@given(st.integers(1, 9999), st.sampled_from("mhd"))
def test_a_promise_is_a_time(number: int, unit: str) -> None:
    span = slo.length(f"{number}{unit}")
    assert span == number * timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[unit]: 1})
    shown = sum((slo.length(part) for part in slo.written(span).split() if part[0] != "0"), timedelta(0))
    # To the hour from three days on, so that two units are enough.
    assert timedelta(0) <= span - shown < timedelta(hours=1)
    assert span == shown or span >= timedelta(days=3)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0m"),
        (timedelta(seconds=59), "0m"),
        (timedelta(minutes=95), "95m"),
        (timedelta(hours=26), "26h"),
        (timedelta(hours=26, minutes=5), "26h 5m"),
        (timedelta(days=8), "8d"),
        (timedelta(days=3, hours=4, minutes=5), "3d 4h"),
    ],
)
def test_a_time_is_written_as_people_promise_it(span: timedelta, text: str) -> None:
    assert slo.written(span) == text


# what schedules cannot keep


def _schedule(cron: str | None = None, seconds: int | None = None, **changes: Any) -> Schedule:
    given = {"name": "s", "enabled": True, "parameters": {}, "start": None, "end": None, "catchup": False}
    common = {"max_concurrency": 1, "at": ("schedules", 0), "cron": cron, "interval_seconds": seconds}
    return Schedule(**{**given, **common, **changes})


def _found(fresh: str | None, duration: str | None, *schedules: Schedule) -> list[tuple[str, str, str]]:
    return [(one.key, one.what, one.todo) for one in shortfalls(Slo(fresh, duration), schedules)]


def _keys(fresh: str | None, duration: str | None, *schedules: Schedule) -> list[str]:
    return [key for key, *_ in _found(fresh, duration, *schedules)]


DAILY, WEEKLY, WORKDAYS = (_schedule(cron) for cron in ("0 0 3 * * *", "0 0 3 * * 1", "0 0 3 * * 1-5"))


@pytest.mark.parametrize(
    ("fresh", "duration", "schedule", "kept"),
    [
        ("26h", "45m", DAILY, True),
        ("24h", "45m", DAILY, False),  # just before a run ends its results are a day and 45 minutes old
        ("24h", None, DAILY, False),  # and a run takes some time, whatever nobody promises of it
        ("25h", None, DAILY, True),
        ("25h", "1h", DAILY, True),
        ("26h", "45m", WEEKLY, False),
        ("8d", "6h", WEEKLY, True),
        ("26h", "45m", WORKDAYS, False),  # over the weekend
        ("73h", "45m", WORKDAYS, True),
        ("31d", None, _schedule("0 0 3 1 * *"), False),
        ("32d", "1h", _schedule("0 0 3 1 * *"), True),
        ("2h", "1h", _schedule(seconds=3600), True),
        ("2h", "1h", _schedule(seconds=3601), False),
        ("366d", None, _schedule("0 0 3 29 2 *"), False),
    ],
)  # fmt: skip
def test_results_are_as_old_as_two_firings_are_apart_and_a_run_takes(
    fresh: str, duration: str | None, schedule: Schedule, kept: bool
) -> None:
    assert _keys(fresh, duration, schedule) == [] if kept else ["fresh"]
    assert ("fresh" not in _keys(fresh, duration, schedule)) is kept


def test_what_is_said_is_what_can_be_kept() -> None:
    assert _found("26h", "45m", WEEKLY) == [
        (
            "fresh",
            "`fresh: 26h` cannot be kept: firings are up to 7d apart, and a run may take 45m",
            "fire more often, or promise fresh: 8d",
        )
    ]
    assert _keys("8d", "45m", WEEKLY) == []
    assert _found("24h", None, DAILY)[0][2] == "fire more often, or promise fresh: 25h"


def test_schedules_together_may_keep_what_none_of_them_keeps_alone() -> None:
    halves = _schedule("0 0 3 * * *"), _schedule("0 0 15 * * *")
    assert _keys("13h", "1h", *halves) == []
    assert _keys("13h", "1h", halves[0]) == ["fresh"]
    assert _keys("12h", "1h", *halves) == ["fresh"]
    assert _keys("26h", "1h", WORKDAYS, _schedule("0 0 3 * * 0,6")) == []
    assert _keys("26h", "1h", WORKDAYS, _schedule("0 0 3 * * 6")) == ["fresh"]
    assert _keys("26h", "1h", WORKDAYS, _schedule("0 0 3 * * 0,6", enabled=False)) == ["fresh"]


def test_nothing_that_starts_runs_by_time_keeps_nothing_fresh() -> None:
    off = _schedule("0 0 3 * * *", enabled=False)
    assert "none of its schedules is on" in _found("26h", None, off)[0][1]
    assert "it has no schedule" in _found("26h", None)[0][1]
    trigger = Trigger("change", {}, ("triggers", 0))
    (found,) = shortfalls(Slo("26h"), (), (trigger,))
    assert "only when a release is new" in found.what
    assert _keys(None, "45m", off) == []
    assert [*shortfalls(None, (off,))] == []


@pytest.mark.parametrize("schedules", [(), (WORKDAYS,)])
@pytest.mark.parametrize("on", [AfterRun("q"), OnData("s3://lake/a/", "newest-key")])
def test_nobody_knows_how_often_other_pipelines_run_or_data_comes(
    schedules: tuple[Schedule, ...], on: AfterRun | OnData
) -> None:
    trigger = Trigger("t", {}, ("triggers", 0), on)
    assert list(shortfalls(Slo("26h"), schedules, (trigger,))) == []
    (found,) = shortfalls(Slo("26h"), schedules, (replace(trigger, enabled=False),))
    assert found.key == "fresh"


def test_a_run_that_may_take_longer_than_two_firings_are_apart_holds_firings_back() -> None:
    often = _schedule("0 */30 * * * *")
    ((key, what, _),) = _found(None, "45m", often)
    assert key == "duration"
    assert what.endswith("with maxConcurrency: 1 firings wait, and all but the last of them are dropped")
    assert _found(None, "45m", _schedule("0 */30 * * * *", catchup=True))[0][1].endswith("firings wait")
    assert _keys(None, "45m", _schedule("0 */30 * * * *", max_concurrency=2)) == []
    assert _keys(None, "30m", often) == []
    assert _keys(None, "45m", _schedule("0 0 3,4 * * *")) == []
    assert _keys(None, "61m", _schedule("0 0 3,4 * * *")) == ["duration"]


def test_what_cannot_be_kept_is_warned_of_where_it_is_promised() -> None:
    body = BODY.replace("0 0 3 * * *", "0 0 3 * * 1")
    (found,) = warnings(f"{body}slo: {{fresh: 26h}}\n")
    assert found.startswith("m.yaml:9:14: `fresh: 26h` cannot be kept: firings are up to 7d apart")
    assert warnings(f"{BODY}slo: {{fresh: 26h}}\n") == []


def test_a_manifest_says_what_it_promises() -> None:
    assert reader.read(f"{HEAD}{BODY}", "m.yaml").slo is None
    found = reader.read(f"{HEAD}{BODY}slo: {{fresh: 26h}}\n", "m.yaml").slo
    assert found == Slo("26h", None)
    assert (found.freshness, found.longest) == (timedelta(hours=26), None)


ON_MONDAYS: dict[str, Any] = {
    "name": "weekly", "cron": "0 0 3 * * 1", "enabled": True, "maxConcurrency": 1, "catchup": False,
}  # fmt: skip


def _upstream(*schedules: dict[str, Any], longest: str | None = None, **triggers: Any) -> Upstream:
    manifest = {"schedules": [*schedules], "triggers": [*triggers.values()]}
    return Upstream(
        reader.schedules(manifest), reader.triggers(manifest), Slo(None, longest) if longest else None
    )


def _after(pipeline: str, **more: Any) -> dict[str, Any]:
    return {"name": "after", "runOn": {"pipeline": pipeline, "state": more.pop("state", "SUCCEEDED")}, **more}


TRAIN = {"train": _upstream(ON_MONDAYS, longest="2h")}
BETWEEN = {**TRAIN, "features": _upstream(t=_after("train"), longest="1h")}


@pytest.mark.parametrize(
    ("promise", "trigger", "others", "said"),
    [
        ("8d", _after("train"), TRAIN, ""),
        ("8d", _after("features"), BETWEEN, ""),
        ("6d", _after("train"), TRAIN, "firings are up to 7d apart, after 2h of what it starts after"),
        ("6d", _after("features", state="ENDED"), BETWEEN, "firings are up to 7d apart, after 3h of what"),
        (
            "8d",
            _after("train"),
            {"train": _upstream({**ON_MONDAYS, "enabled": False})},
            "nothing starts by itself after",
        ),
        ("8d", _after("train"), {}, "nothing keeps `fresh: 8d`"),
        ("8d", _after("train", state="FAILED"), TRAIN, "nothing keeps `fresh: 8d`"),
        ("8d", _after("train", enabled=False), TRAIN, "nothing keeps `fresh: 8d`"),
        ("1h", _after("train"), None, ""),
        ("1h", {"name": "d", "runOn": {"data": {"uri": "s3://b/k", "changes": "etag"}}}, {}, ""),
        ("8d", _after("circle"), {"circle": _upstream(t=_after("circle"))}, "nothing keeps `fresh: 8d`"),
    ],
    ids=["kept", "kept through another", "too rare", "too rare through another", "off", "not there", "failures",
         "trigger off", "others unknown", "data", "circle"],
)  # fmt: skip
def test_what_starts_after_another_is_as_fresh_as_what_starts_that(
    promise: str, trigger: dict[str, Any], others: dict[str, Upstream] | None, said: str
) -> None:
    found = [*shortfalls(Slo(promise, None), (), reader.triggers({"triggers": [trigger]}), others)]
    assert said in found[0].what if said else not found


def test_of_a_schedule_and_a_trigger_the_fresher_counts() -> None:
    """New models once a week, and a forecast every six hours: the six hours are what keeps it fresh."""
    every = reader.schedules({"schedules": [{**ON_MONDAYS, "name": "often", "cron": "0 0 */6 * * *"}]})
    triggers = reader.triggers({"triggers": [_after("train")]})
    assert not [*shortfalls(Slo("7h", "30m"), every, triggers, TRAIN)]
    (found,) = shortfalls(Slo("6h", "30m"), every, triggers, TRAIN)
    assert "firings are up to 6h apart, and a run may take 30m" in found.what
