"""How triggers stand, as status tells it: what waits, what was missed and by what, when the next run is expected."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kfp_gitops.base.schema import named
from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import reader
from kfp_gitops.operate.status import build, by_hand, expected, rows, show, triggers
from kfp_gitops.operate.status.health import Kind, of_pipeline
from kfp_gitops.operate.status.model import LastRun, PipelineStatus, Status, TriggerStatus
from kfp_gitops.reconcile.causes.standing import Missed, Standing, Started, Waiting
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AFTER: dict[str, Any] = {"name": "after", "runOn": {"pipeline": "train"}}
FORECAST = "forecast"


def _say(text: str) -> str:
    return f"python scripts/{text}"


def _wanted(name: str, *its: Mapping[str, Any], paused: datetime | None = None) -> DesiredPipeline:
    found = reader.triggers({"triggers": [*its]})
    return DesiredPipeline(name, "", "sha256:1", "sha-1", "sha256:2", "", (), found, paused)


def _standing(**changes: Any) -> Standing:
    return replace(Standing(FORECAST, "after", NOW), **changes)


def _of(
    found: Standing | None, *runs: RunState, trigger: Mapping[str, Any] = AFTER, known: bool = True
) -> TriggerStatus:
    its = {(FORECAST, "after"): found} if found else {}
    (one,) = triggers.of_pipeline(_wanted(FORECAST, trigger), its if known else None, runs, NOW)
    return one


def _run(
    created: datetime, state: str = "SUCCEEDED", took: timedelta = 20 * timedelta(minutes=1)
) -> RunState:
    ended = created + took if state in ("SUCCEEDED", "FAILED") else None
    return RunState("r", "forecast-x", state, created, ended, None, ())


def _status(found: TriggerStatus) -> PipelineStatus:
    return PipelineStatus(
        name=FORECAST, team="", version="sha-1", registered=True, release="", commit="", paused_until=None,
        paused_by=None, schedules=(), last_run=None, last_finished=None, drift=(), unhealthy=(), triggers=(found,),
    )  # fmt: skip


def _kinds(found: TriggerStatus) -> list[Kind]:
    return [one.kind for one in of_pipeline(_status(found), NOW, _say)]


def _words(found: TriggerStatus) -> str:
    return ", ".join(rows.stands(found))


def test_what_nobody_kept_is_not_guessed() -> None:
    found = _of(None, known=False)
    assert (found.waits_for, found.looked, _kinds(found)) == ("train succeeded", None, [])
    assert _words(found) == "once train succeeded"


def test_what_it_last_started_and_for_what() -> None:
    found = _of(_standing(last=Started("run 0b4b", "forecast-after-1", "9c1d", NOW - HOUR)))
    assert _words(found) == "once train succeeded, last for run 0b4b at 2026-11-29 08:30: forecast-after-1"
    assert _kinds(found) == []


HANDS_ON = {
    "mode": "all of it", "n": 3, "names": ["a", "b's"],
    "id": {"run": "id"}, "at": {"run": "finishedTime"}, "of": {"run": "name"},
    "model": {"output": "train.model"},
}  # fmt: skip


def test_a_run_by_hand_is_given_what_is_known_of_what_the_trigger_would_have_handed_over() -> None:
    trigger = {**AFTER, "parameters": HANDS_ON}
    why = "nobody looked for more than a day"
    found = _of(_standing(missed=(Missed("run 0b4b", NOW - DAY, why, NOW),)), trigger=trigger)
    (one,) = of_pipeline(_status(found), NOW, _say)
    assert one.command == (
        "python scripts/run.py --pipeline forecast --param 'mode=all of it' --param n=3 "
        """--param 'names=["a", "b'"'"'s"]' --param id=0b4b --param at=2026-11-28T09:30:00Z"""
    )
    assert one.cause.endswith(
        f"(run 0b4b): {why}; to be given as well: of (name of run 0b4b), model (output train.model of run 0b4b)"
    )
    unclear = _of(_standing(unclear=("x",), unclear_causes=("run 0b4b",)), trigger=trigger)
    (other,) = of_pipeline(_status(unclear), NOW, _say)
    assert other.command == one.command.replace(" --param at=2026-11-28T09:30:00Z", "")
    assert "to be given as well: at (finishedTime of run 0b4b), of (name" in other.cause


@pytest.mark.parametrize(
    ("state", "given", "to_give"),
    [
        ("s3://lake/usage/1.csv 9f-2", ("u=s3://lake/usage/1.csv", "k=usage/1.csv", "e=9f-2"), 1),
        ("s3://lake/usage/1\x1b.csv 9f-2", ("e=9f-2",), 3),
        ("s3://elsewhere/1.csv 9f", (), 4),
        ("-", (), 4),
    ],
)
def test_of_new_data_what_its_state_tells_is_given(state: str, given: tuple[str, ...], to_give: int) -> None:
    facts = {"u": "uri", "k": "key", "e": "etag", "m": "modified"}
    on = {"data": {"uri": "s3://lake/usage/", "changes": "newest-key"}}
    data = {"name": "news", "runOn": on, "parameters": {name: {"data": fact} for name, fact in facts.items()}}
    (trigger,) = reader.triggers({"triggers": [data]})
    found = by_hand.of(trigger, f"data s3://lake/usage/ {state}", NOW)
    assert (found.given, len(found.to_give)) == (given, to_give)


def test_what_waits_is_told_and_after_an_hour_found() -> None:
    waits = Waiting("run 0b4b", "d", NOW - HOUR / 2, "as many go on as may at once")
    found = _of(_standing(waiting=(waits,)))
    assert "1 waiting (run 0b4b: as many go on as may at once)" in _words(found)
    assert _kinds(found) == []
    late = _of(_standing(waiting=(replace(waits, moment=NOW - 2 * HOUR),)))
    assert _kinds(late) == [Kind.WAITING]
    held = _of(_standing(waiting=(replace(waits, moment=NOW - 2 * HOUR),), held="paused until then"))
    assert _kinds(held) == []
    assert "starts nothing now: paused until then" in _words(held)


@pytest.mark.parametrize(
    ("why", "kinds"),
    [
        ("nobody looked for more than a day", [Kind.MISSED]),
        ("its run was deleted while it waited", [Kind.MISSED]),
        ("it was paused or turned off then", [Kind.HELD]),
        ("it was paused then", [Kind.HELD]),  # as a version before said it
        ("outside of its window", [Kind.HELD]),
    ],
)
def test_what_was_missed_alarms_and_what_was_held_back_is_told(why: str, kinds: list[Kind]) -> None:
    found = _of(_standing(missed=(Missed("run 0b4b", NOW - DAY, why, NOW),)))
    assert _kinds(found) == kinds
    (one,) = of_pipeline(_status(found), NOW, _say)
    assert one.cause == f"1 cause, the last at 2026-11-28 09:30 (run 0b4b): {why}"
    assert one.command == "python scripts/run.py --pipeline forecast"


@pytest.mark.parametrize(
    ("runs", "made_up"),
    [
        ([_run(NOW - HOUR)], 1),
        ([_run(NOW - HOUR, "RUNNING")], 1),
        ([_run(NOW - HOUR, "FAILED")], 0),
        ([_run(NOW - 2 * DAY)], 0),
        ([], 0),
    ],
    ids=["succeeded since", "on its way", "failed since", "before", "none"],
)
def test_a_later_run_makes_up_for_what_was_missed(runs: Sequence[RunState], made_up: int) -> None:
    found = _of(
        _standing(missed=(Missed("run 0b4b", NOW - DAY, "nobody looked for more than a day", NOW),)), *runs
    )
    assert (found.made_up, len(found.missed)) == (made_up, 1 - made_up)


def test_a_pass_that_does_not_come_and_one_that_cannot_tell_are_found() -> None:
    late = _of(_standing(looked=NOW - HOUR))
    assert _kinds(late) == [Kind.TRIGGER]
    assert _kinds(_of(_standing(problem="s3 does not answer"))) == [Kind.TRIGGER]
    assert _kinds(_of(_standing(unclear=("forecast-after-1",), unclear_causes=("run 1",)))) == [Kind.OTHER]
    assert _kinds(_of(_standing(looked=NOW - HOUR), trigger={**AFTER, "enabled": False})) == []


def _desired(*pipelines: DesiredPipeline) -> Desired:
    return Desired(Owner("r", "dev"), "http://kfp", "kubeflow", pipelines)


def _with(name: str, usual: timedelta | None, last: LastRun | None, *its: TriggerStatus) -> PipelineStatus:
    return replace(
        _status(TriggerStatus("", "", "", True, None, None)),
        name=name,
        usual=usual,
        last_run=last,
        triggers=its,
    )


def test_the_next_start_is_when_the_run_that_goes_on_usually_ends() -> None:
    going = LastRun("0b4b", "train-1", "RUNNING", NOW - timedelta(minutes=5))
    wanted = _desired(
        _wanted("train"),
        _wanted(FORECAST, AFTER),
        _wanted("report", {**AFTER, "runOn": {"pipeline": FORECAST}}),
    )
    found = expected.with_next(
        wanted, Actual({}, {}, (), NOW),
        [
            _with("train", timedelta(minutes=20), going), _with(FORECAST, timedelta(minutes=5), None, _of(None)),
            _with("report", None, None, replace(_of(None), name="report-after")),
        ],
    )  # fmt: skip
    assert [one.triggers[0].next_start for one in found if one.triggers] == [
        NOW + timedelta(minutes=15), NOW + timedelta(minutes=20),
    ]  # fmt: skip
    unknown = expected.with_next(
        wanted, Actual({}, {}, (), NOW), [_with("train", None, going), _with(FORECAST, None, None, _of(None))]
    )
    assert unknown[1].triggers[0].next_start is None


def test_json_holds_all_of_it() -> None:
    found = _of(
        _standing(
            waiting=(Waiting("run 1", "d", NOW, "why"),), held="paused", last=Started("run 0", "n", "i", NOW),
            missed=(Missed("run 2", NOW - HOUR, "it was paused then", NOW),), unclear=("x",),
            unclear_causes=("run 3",), problem="p",
        )
    )  # fmt: skip
    data = json.loads(show.to_json(Status("dev", "http://kfp", NOW, (_status(found),), ()), _say))
    named("status").validator.validate(data)
    (told,) = data["pipelines"][0]["triggers"]
    (held,) = told["held"]
    assert held == {
        "cause": "run 2", "moment": "2026-11-29T08:30:00Z", "why": "it was paused then",
        "by_hand": {"given": [], "to_give": []},
    }  # fmt: skip
    assert (told["stopped"], told["last"]["id"], told["unclear"]) == ("paused", "i", ["x"])


def test_a_pipeline_whose_trigger_missed_something_is_unhealthy() -> None:
    from kfp_gitops.reconcile.plan import plan

    desired, actual = _desired(_wanted(FORECAST, AFTER)), Actual({}, {}, (), NOW)
    missed = _standing(missed=(Missed("run 0b4b", NOW - DAY, "nobody looked for more than a day", NOW),))
    look = build.Look.of(desired, actual, plan(desired, actual), standings={(FORECAST, "after"): missed})
    found = look.at(desired.pipelines[0], [])
    assert "forecast-after missed 1 cause, the last of 11-28 09:30" in found.unhealthy


def test_an_environment_that_is_turned_off_is_looked_after_too() -> None:
    from kfp_gitops.reconcile.plan import plan

    desired, actual = replace(_desired(_wanted(FORECAST, AFTER)), disabled=True), Actual({}, {}, (), NOW)
    late = _standing(looked=NOW - DAY, held="the environment is turned off")
    look = build.Look.of(desired, actual, plan(desired, actual), standings={(FORECAST, "after"): late})
    (found,) = look.at(desired.pipelines[0], []).triggers
    assert (found.stopped, _kinds(found)) == ("the environment is turned off", [Kind.TRIGGER])
