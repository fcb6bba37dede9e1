"""One pass after the other: what is started, what waits, what is missed; by what was seen, with nobody killed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from kfp_gitops.base.errors import BrokenError, RemoteError, UnclearError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment
from kfp_gitops.language.manifest import FactOfData, FactOfRun, OutputOf, Trigger, Window
from kfp_gitops.operate.operations import pause
from kfp_gitops.reconcile.causes.seams import DataState
from kfp_gitops.reconcile.causes.state import standings
from trigger_kit import Place, after, on_data, pipeline, turned_off
from trigger_server import EPOCH, OTHER, OWNER

DAY = 86400


def chain(**more: Any) -> Place:
    """`down` runs after `up`, and has done so for days."""
    return settled(Place(pipeline("up"), pipeline("down", after(**more))))


def settled(found: Place) -> Place:
    for one in found.desired.pipelines:
        found.server.registers(one.name)
    found.look()
    found.server.advance(3 * DAY)
    found.look()
    return found


def waiting(here: Place) -> list[tuple[str, str]]:
    return [(its.cause, its.why) for one in standings(here.state) for its in one.waiting]


def missed(here: Place) -> list[str]:
    return [its.why for one in standings(here.state) for its in one.missed]


def test_each_run_upstream_starts_one_and_says_why_it_runs() -> None:
    here = chain()
    first = here.server.runs_of("up")
    here.server.advance(60)
    assert here.look().started == 1
    assert here.passes(5).started == 0
    (run,) = here.server.made_by
    assert run.name.startswith("down-t-")
    assert ownership.facts(run.description) == {"trigger": "t", "cause": first.id, "upstream": first.name}
    (stands,) = standings(here.state)
    assert stands.last
    assert (stands.last.cause, stands.last.run_id) == (f"run {first.id}", run.id)


def test_further_causes_wait_in_the_order_of_their_ends() -> None:
    here = chain(max_concurrency=2)
    here.server.lasts = 90
    runs = [here.server.runs_of("up", lasts=lasts) for lasts in (40, 10, 30, 20)]
    here.server.advance(60)
    assert here.look().started == 2
    assert [why for _, why in waiting(here)] == ["2 of its runs are not over yet (maxConcurrency)"] * 2
    here.passes(10)
    causes = [ownership.facts(run.description)["cause"] for run in here.server.made_by]
    assert causes == [runs[place].id for place in (1, 3, 2, 0)]
    assert waiting(here) == []


@pytest.mark.parametrize(
    ("state", "ends", "starts"),
    [
        ("SUCCEEDED", {"state": "SUCCEEDED"}, 1),
        ("SUCCEEDED", {"state": "FAILED"}, 0),
        ("SUCCEEDED", {"state": "SKIPPED"}, 0),
        ("FAILED", {"state": "FAILED"}, 1),
        ("FAILED", {"state": "FAILED", "terminated": True}, 0),
        ("ENDED", {"state": "FAILED", "terminated": True}, 1),
        ("ENDED", {"state": "SKIPPED"}, 1),
        ("ENDED", {"state": "CANCELED"}, 1),
    ],
)
def test_the_state_in_which_it_ended_is_the_wanted_one(state: str, ends: dict[str, Any], starts: int) -> None:
    here = chain(state=state)
    here.server.runs_of("up", **ends)
    here.passes(3)
    assert len(here.started) == starts


@pytest.mark.parametrize(("versions", "starts"), [("registered", 0), ("any", 1)])
def test_whose_version_it_was_of_counts_unless_any_will_do(versions: str, starts: int) -> None:
    here = chain(versions=versions)
    here.server.registers("up", "theirs", OTHER)
    here.server.runs_of("up", version="theirs")
    here.passes(3)
    assert len(here.started) == starts


def test_whose_a_version_is_is_asked_once() -> None:
    here = chain()
    for _ in range(3):
        here.server.runs_of("up")
        here.server.advance(300)
        here.look()
    assert len(here.started) == 3
    assert here.server.calls["compiled"] == 1


def test_a_version_that_an_apply_has_deleted_since_was_ours() -> None:
    here = chain()
    here.server.runs_of("up", version="v-of-last-week")
    assert here.look().started == 1


def test_a_retry_is_the_same_cause() -> None:
    here = chain(state="ENDED")
    run = here.server.runs_of("up", state="FAILED")
    assert here.look().started == 1
    here.server.runs[run.id].ends, run.state = here.server.clock + 100, "SUCCEEDED"
    here.passes(5)
    assert len(here.started) == 1


def test_a_day_later_it_still_is() -> None:
    here = chain(state="ENDED")
    run = here.server.runs_of("up", state="FAILED")
    here.look()
    for _ in range(5):
        here.server.advance(20 * 3600)
        run.ends = here.server.clock  # somebody retries it again and again
        here.server.runs = {run.id: run}  # and deletes what was started
        here.look()
    assert len(here.started) == 1


def test_archived_or_deleted_runs_of_it_are_not_started_again() -> None:
    here = chain()
    here.server.runs_of("up")
    here.look()
    del here.server.runs[here.server.made_by[0].id]
    here.passes(40, by=1800)
    assert len(here.started) == 1


def test_what_was_before_the_trigger_is_not_owed() -> None:
    here = settled(Place(pipeline("up"), pipeline("down")))
    here.server.runs_of("up")
    here.server.advance(3600)
    here.desired = replace(here.desired, pipelines=(pipeline("up"), pipeline("down", after())))
    assert here.passes(3).started == 0
    here.server.runs_of("up")
    assert here.look().started == 1
    assert len(here.started) == 1


def test_another_upstream_is_another_trigger() -> None:
    here = settled(Place(pipeline("up"), pipeline("other"), pipeline("down", after())))
    here.server.runs_of("other")
    here.server.advance(600)
    here.look()
    its = (pipeline("up"), pipeline("other"), pipeline("down", after("other")))
    here.desired = replace(here.desired, pipelines=its)
    assert here.passes(3).started == 0


def test_the_first_pass_of_all_counts_from_when_the_version_was_registered() -> None:
    here = Place(pipeline("up"), pipeline("down", after()))
    here.server.registers("up")
    here.server.runs_of("up")
    here.server.advance(3600)
    here.server.registers("down")
    here.server.runs_of("up")
    here.server.advance(2 * 3600)
    here.look()
    assert len(here.started) == 1


def test_of_an_old_version_only_what_has_just_ended_counts_at_first() -> None:
    here = Place(pipeline("up"), pipeline("down", after(max_concurrency=10)))
    here.server.registers("up")
    here.server.registers("down")
    here.server.advance(5 * DAY)
    here.server.runs_of("up")
    here.server.advance(3600)
    here.server.runs_of("up")
    here.server.advance(60)
    here.passes(3)
    assert len(here.started) == 1


def test_what_is_kept_was_lost_and_its_runs_tell_what_was_started() -> None:
    here = chain(max_concurrency=10)
    here.server.runs_of("up")
    here.look()
    here.server.advance(3 * 3600)
    here.server.runs_of("up")
    here.server.advance(3 * 3600)
    here.keeping.kept = "nonsense"
    assert here.look().lost
    assert len(here.started) == 2


def test_turned_off_it_takes_none_and_owes_none_later() -> None:
    here = chain(enabled=False)
    here.server.runs_of("up")
    here.server.advance(600)
    here.look()
    here.desired = replace(here.desired, pipelines=(pipeline("up"), pipeline("down", after())))
    assert here.passes(3).started == 0


@pytest.mark.parametrize("meanwhile", [(after(enabled=False),), ()], ids=["turned off", "taken out"])
def test_the_only_trigger_is_owed_nothing_of_the_time_without_it_where_passes_went_on(
    meanwhile: tuple[Trigger, ...],
) -> None:
    """As they do for what is turned off, for backfills and for previews."""
    here = chain()
    on = here.desired
    here.server.runs_of("up")
    here.server.advance(60)
    assert here.look().started == 1
    here.desired = replace(on, pipelines=(pipeline("up"), pipeline("down", *meanwhile)))
    for _ in range(5):
        here.server.advance(1800)
        here.look()
        here.server.runs_of("up")
    here.server.advance(300)
    here.look()
    here.server.advance(60)
    here.desired = on
    assert here.passes(5).started == 0
    assert len(here.started) == 1


def test_the_only_trigger_off_and_on_at_once_starts_nothing_twice() -> None:
    here = chain()
    on = here.desired
    here.server.runs_of("up")
    here.passes(3, by=10)
    assert (len(here.started), here.state.intents) == (1, {})
    del here.server.runs[here.server.made_by[0].id]
    here.desired = replace(on, pipelines=(pipeline("up"), pipeline("down", after(enabled=False))))
    here.look()
    here.desired = on
    here.passes(3)
    assert len(here.started) == 1


def test_a_pause_in_the_values_holds_back_what_waited_and_misses_what_ended_in_it() -> None:
    here = chain()
    here.server.lasts = 120
    for _ in range(2):
        here.server.runs_of("up")
    here.look()
    until = here.server.told() + timedelta(hours=1)
    running = here.desired
    paused = tuple(replace(one, paused_until=until) for one in running.pipelines)
    here.desired = replace(running, pipelines=paused)
    here.server.advance(60)
    here.look()
    (stands,) = standings(here.state)
    assert stands.held.startswith("paused until ")
    here.server.advance(60)
    here.server.runs_of("up")
    here.passes(2)
    assert (len(here.started), missed(here)) == (1, ["it was paused or turned off then"])
    here.server.advance(3600)
    here.passes(2)
    assert len(here.started) == 2


def _paused(here: Place, hours: int) -> None:
    text = ownership.describe(
        OWNER, "why", until=f"{here.server.told() + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}", by="ada"
    )
    here.server.create_experiment(f"{pause.PREFIX}dev-1", text)


def test_what_waits_when_a_pause_begins_is_not_missed_though_the_clock_went_back() -> None:
    here = chain()
    here.server.lasts = 7200
    for _ in range(2):
        here.server.runs_of("up")
    here.passes(2)
    here.server.offset -= 900
    until = here.server.told() + timedelta(hours=1)
    running = here.desired
    here.desired = replace(
        running, pipelines=tuple(replace(one, paused_until=until) for one in running.pipelines)
    )
    here.passes(3)
    here.server.advance(7200)
    here.passes(3)
    assert (len(here.started), missed(here)) == (2, [])


def test_a_pause_that_nobody_saw_tells_when_it_was() -> None:
    here = chain()
    here.server.advance(60)
    _paused(here, 1)
    here.server.advance(60)
    here.server.runs_of("up")
    here.server.advance(3600)
    assert here.look().started == 0
    assert missed(here) == ["it was paused or turned off then"]


def test_one_run_makes_up_for_all_that_were_missed() -> None:
    here = chain(on_missed="run", max_concurrency=5)
    _paused(here, 1)
    here.server.advance(60)
    for _ in range(3):
        newest = here.server.runs_of("up")
        here.server.advance(60)
        here.look()
    assert here.started == []
    here.server.advance(3600)
    here.passes(3)
    (run,) = here.server.made_by
    assert ownership.facts(run.description)["cause"] == newest.id
    assert missed(here) == ["it was paused or turned off then; the run of a newer one makes up for it"] * 2


def _held_for_days(here: Place) -> None:
    _paused(here, 4 * 24)
    here.server.advance(60)
    here.server.runs_of("up")
    here.passes(16, by=6 * 3600)
    here.server.calls.clear()
    here.server.advance(600)
    here.look()
    assert here.server.calls["run"] == 0
    assert here.server.calls["runs_ended"] == 1  # two hours alone
    here.server.advance(6 * 3600)


def test_what_was_missed_in_a_pause_of_days_is_asked_for_by_itself_when_it_is_over() -> None:
    here = chain(on_missed="run")
    _held_for_days(here)
    here.passes(2)
    assert len(here.started) == 1


def test_a_run_that_was_deleted_in_a_pause_of_days_is_told() -> None:
    here = chain(on_missed="run")
    _held_for_days(here)
    here.server.runs.clear()
    here.passes(3)
    assert (here.started, missed(here)) == ([], ["its run was deleted while it waited"])


def test_a_note_that_could_not_be_left_is_left_by_the_next_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    here = chain()
    here.server.runs_of("up")
    with monkeypatch.context() as broken:
        broken.setattr(here.server, "create_run", _broke)
        broken.setattr(here.server, "create_experiment", _refuses)
        found = here.look()
    assert "this could not be noted" in found.failed[0][1]
    here.passes(30)
    (note,) = here.server.notes.values()
    assert ownership.facts(note.description)["run"] == run_name(here)
    assert here.started == []


def test_kfp_breaks_again_after_the_first_time_was_settled_and_the_note_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The archived note is of the first time: it lets nothing be sent a third one."""
    here = chain()
    here.server.runs_of("up")
    sent: list[str] = []

    def breaks(*, name: str, **_: Any) -> str:
        sent.append(name)
        raise UnclearError("500")

    def refuses(_: str) -> None:
        raise RemoteError("403")

    monkeypatch.setattr(here.server, "create_run", breaks)
    here.passes(3)
    assert len(sent) == 1
    ((name, note),) = here.server.notes.items()
    here.server.notes[name] = replace(note, archived=True)
    with monkeypatch.context() as refused:
        refused.setattr(here.server, "unarchive_experiment", refuses)
        here.passes(30)
    assert len(sent) == 2
    here.passes(3)
    assert not here.server.notes[name].archived
    here.server.notes[name] = replace(here.server.notes[name], archived=True)
    here.passes(3)
    assert len(sent) == 3


def _broke(**_: Any) -> str:
    raise UnclearError("500")


def _refuses(name: str, description: str) -> Any:
    if name.startswith("kfp-gitops-"):
        raise RemoteError("503")
    return ActualExperiment("e", name, ownership.owner(description))


NIGHT = Window(time(6), time(20), frozenset(range(5)))


@pytest.mark.parametrize(("on_missed", "starts"), [("report", 0), ("run", 1)])
def test_outside_of_its_window_a_cause_is_missed(on_missed: str, starts: int) -> None:
    here = chain(only_within=NIGHT, on_missed=on_missed)
    assert EPOCH + timedelta(days=3) == datetime(2026, 11, 26, tzinfo=UTC)  # a Thursday at midnight
    here.server.advance(3600)
    here.server.runs_of("up")
    here.passes(3)
    (stands,) = standings(here.state)
    assert stands.held == "outside of its window, which opens at 2026-11-26T06:00:00Z"
    assert here.started == []
    here.server.advance(5 * 3600)
    here.passes(3)
    assert len(here.started) == starts
    here.server.runs_of("up")
    here.passes(3)
    assert len(here.started) == starts + 1


def test_what_waited_when_its_window_closed_is_started_when_it_opens() -> None:
    here = chain(only_within=NIGHT)
    here.server.lasts = 7200
    here.server.advance(19 * 3600 + 3000)
    for _ in range(2):
        here.server.runs_of("up")
    here.look()
    here.passes(20, by=1800)
    assert len(here.started) == 1
    here.passes(4, by=1800)
    assert len(here.started) == 2


@pytest.mark.parametrize(("on_missed", "starts"), [("report", 0), ("run", 1)])
def test_what_ends_while_the_environment_is_off_is_missed(on_missed: str, starts: int) -> None:
    here = chain(on_missed=on_missed)
    on, here.desired = here.desired, turned_off(here.desired)
    here.look()
    for _ in range(3):
        here.server.advance(3600)
        newest = here.server.runs_of("up")
        here.passes(2)
    (stands,) = standings(here.state)
    assert (here.started, stands.held) == ([], "the environment is turned off")
    here.desired = on
    here.server.advance(60)
    here.passes(5)
    assert len(here.started) == starts
    assert len(missed(here)) == 3 - starts
    assert here.look().alarming == {("down", "t"): 0}
    assert all(ownership.facts(run.description)["cause"] == newest.id for run in here.server.made_by)


def test_what_waited_when_the_environment_was_turned_off_is_started_when_it_is_on_again() -> None:
    here = chain()
    here.server.runs_of("up")
    on, here.desired = here.desired, turned_off(here.desired)
    here.passes(200, by=600)
    here.desired = on
    here.passes(3)
    assert (len(here.started), missed(here)) == (1, [])


def test_data_that_changed_days_ago_while_the_environment_was_off_are_missed() -> None:
    here = fed()
    on, here.desired = here.desired, turned_off(here.desired)
    here.look()
    here.server.advance(60)
    here.data.there[URI] = state(here, "b")
    here.passes(72, by=3600)
    here.desired = on
    here.passes(3)
    assert here.started == []


def test_nobody_looked_for_three_days() -> None:
    here = chain(max_concurrency=10)
    here.server.advance(600)
    here.server.runs_of("up")
    here.server.advance(3 * DAY)
    here.server.runs_of("up")
    here.passes(2)
    assert len(here.started) == 1
    assert missed(here) == ["nobody looked for more than a day"]


def test_what_was_missed_is_an_alarm_until_a_later_run_makes_up_for_it() -> None:
    here = chain()
    here.server.advance(600)
    here.server.runs_of("up")
    here.server.advance(3 * DAY)
    here.passes(2)
    assert here.look().alarming == {("down", "t"): 1}
    here.server.runs_of("down", state="FAILED")
    assert here.look().alarming == {("down", "t"): 1}
    here.server.runs_of("down")
    assert here.look().alarming == {("down", "t"): 0}


def test_what_a_pause_held_back_is_no_alarm() -> None:
    here = chain()
    _paused(here, 1)
    here.server.advance(60)
    here.server.runs_of("up")
    here.passes(2)
    assert missed(here) == ["it was paused or turned off then"]
    assert here.look().alarming == {("down", "t"): 0}


def test_a_run_whose_end_was_reported_hours_later_is_found() -> None:
    here = chain()
    here.server.reported = 5 * 3600
    here.server.runs_of("up")
    here.passes(330)
    assert len(here.started) == 1


def test_a_cause_whose_run_is_deleted_while_it_waits_is_told() -> None:
    here = chain()
    here.server.lasts = 3600
    here.server.runs_of("up")
    run = here.server.runs_of("up")
    here.look()
    queued = next(one for one, _ in waiting(here))
    del here.server.runs[queued.removeprefix("run ")]
    here.passes(3)
    assert missed(here) == ["its run was deleted while it waited"]
    assert run


def test_an_upstream_that_is_not_there_is_a_problem_of_its_trigger_alone() -> None:
    here = settled(Place(pipeline("up"), pipeline("down", after()), pipeline("lost", after("nowhere"))))
    here.server.runs_of("up")
    found = here.look()
    assert found.started == 1
    assert found.problems == [("lost/t", "pipeline nowhere is not in this environment")]


@pytest.mark.parametrize(("call", "broken"), [("compiled", "v-up-bad"), ("versions", "p-bad")])
def test_an_object_over_which_kfp_breaks_holds_back_no_trigger_but_its_own(
    call: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may upload a version that KFP cannot read; it answers 500 each time that it is asked for it."""
    bad = pipeline("bad", after("up", name="bad"))
    here = settled(Place(pipeline("up"), pipeline("down", after()), bad))
    here.server.registers("up", "bad", vid="v-up-bad")
    answers = getattr(here.server, call)

    def asked(pipeline_id: str, *more: str) -> Any:
        if broken in (pipeline_id, *more):
            raise BrokenError("500: it cannot be read")
        return answers(pipeline_id, *more)

    monkeypatch.setattr(here.server, call, asked)
    here.server.runs_of("up")
    here.server.runs_of("up", version="bad")
    here.server.advance(60)
    found = here.passes(3)
    assert [name for name in here.started if name.startswith("down-t-")] != []
    assert {why for _, why in found.problems} == {"500: it cannot be read"}
    assert "500: it cannot be read" in {why for _, why in waiting(here)}


def test_a_run_over_which_kfp_breaks_goes_on_waiting_and_holds_back_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = chain()
    here.server.lasts = 26 * 3600
    for _ in range(3):
        here.server.runs_of("up")
    here.look()
    (bad, _), *_ = waiting(here)
    answers = here.server.run

    def asked(run_id: str) -> Any:
        if f"run {run_id}" == bad:
            raise BrokenError("500: it cannot be read")
        return answers(run_id)

    monkeypatch.setattr(here.server, "run", asked)
    here.passes(60, by=3600)
    assert len(here.started) == 2
    assert [cause for cause, _ in waiting(here)] == [bad]
    assert missed(here) == []


# parameters


@dataclass
class Left:
    outputs: dict[tuple[str, str], Any] = field(default_factory=dict)
    fails: Exception | None = None

    def results(self, _: str) -> Left:
        if self.fails:
            raise self.fails
        return self


def test_parameters_refer_to_the_run_upstream() -> None:
    refers = {
        "n": 3,
        "id": FactOfRun("id"),
        "at": FactOfRun("finishedTime"),
        "best": OutputOf("train", "model"),
    }
    here = chain(parameters=refers)
    here.results = Left({("train", "model"): "s3://models/1"})
    run = here.server.runs_of("up")
    at = here.server.told()
    here.look()
    assert here.server.made_by[0].parameters == {
        "n": 3, "id": run.id, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "best": "s3://models/1",
    }  # fmt: skip


def test_an_output_that_comes_late_is_waited_for_and_one_that_never_comes_is_missed() -> None:
    here = chain(parameters={"best": OutputOf("train", "model")})
    here.results = Left()
    first = here.server.runs_of("up")
    here.server.advance(60)
    found = here.look()
    said = f"parameter best: run {first.id} left no output train.model"
    assert found.failed == (("down", f"{run_name(here)}: {said}"),)
    assert waiting(here) == [(f"run {first.id}", said)]
    here.passes(70)
    assert missed(here) == [said]
    second = here.server.runs_of("up")
    here.results.outputs = {("train", "model"): "s3://models/2"}
    here.look()
    assert [ownership.facts(run.description)["cause"] for run in here.server.made_by] == [second.id]


def run_name(here: Place) -> str:
    return next(event.name for event in here.events if event.kind == "run")


def test_one_that_cannot_be_started_does_not_stand_in_the_way_of_others() -> None:
    here = chain(parameters={"best": OutputOf("train", "model")})

    class Some:
        def results(self, run_id: str) -> Left:
            if run_id == first.id:
                raise RemoteError("the metadata store broke over it")
            return Left({("train", "model"): run_id})

    here.results = Some()
    first = here.server.runs_of("up")
    here.server.advance(10)
    second = here.server.runs_of("up")
    here.passes(3)
    assert [ownership.facts(run.description)["cause"] for run in here.server.made_by] == [second.id]


def test_what_kfp_would_break_over_is_not_sent() -> None:
    here = chain(parameters={"text": OutputOf("say", "text")})
    here.results = Left({("say", "text"): "\N{GRINNING FACE}"})
    here.server.runs_of("up")
    found = here.look()
    assert here.started == []
    assert "KFP" in found.failed[0][1]


# data

URI = "s3://bucket/key"


def fed(**more: Any) -> Place:
    found = Place(pipeline("fed", on_data(URI, **more)))
    found.data.there[URI] = replace(state(found, "a"), modified=found.server.told() - timedelta(days=2))
    return settled(found)


def state(here: Place, etag: str) -> DataState:
    return DataState(etag, "key", etag, here.server.told())


def test_what_was_there_before_the_trigger_is_not_owed_and_each_new_state_is_once() -> None:
    here = fed()
    assert here.started == []
    for etag in ("b", "b", "a", "b", "c", ""):
        here.data.there[URI] = state(here, etag) if etag else None
        here.passes(3)
    assert len(here.started) == 2
    assert [ownership.facts(run.description)["cause"] for run in here.server.made_by] == ["b", "c"]


def test_what_comes_back_from_before_the_trigger_is_not_owed_either() -> None:
    """A version that no pass has seen, for what replaced it was there when the trigger was; then that is deleted."""
    here = fed()
    here.data.there[URI] = replace(state(here, "before"), modified=here.server.told() - timedelta(days=9))
    here.passes(3)
    assert here.started == []
    here.data.there[URI] = state(here, "after")
    here.passes(3)
    assert [ownership.facts(run.description)["cause"] for run in here.server.made_by] == ["after"]


def test_states_wait_for_their_turn_though_the_store_tells_of_them_no_more() -> None:
    here = fed(parameters={"etag": FactOfData("etag"), "uri": FactOfData("uri")})
    here.server.lasts = 600
    for etag in ("b", "c", "d"):
        here.data.there[URI] = state(here, etag)
        here.server.advance(60)
        here.look()
    here.passes(40)
    its = [run.parameters for run in here.server.made_by]
    assert its == [{"etag": etag, "uri": URI} for etag in ("b", "c", "d")]


def test_a_store_that_does_not_answer_is_a_problem_of_its_trigger_alone() -> None:
    here = settled(Place(pipeline("up"), pipeline("down", after()), pipeline("fed", on_data(URI))))
    here.data.there[URI] = RemoteError("no answer")
    here.server.runs_of("up")
    found = here.look()
    assert (found.started, found.problems) == (1, [("fed/t", "no answer")])
    here.data.there[URI] = state(here, "b")
    assert here.look().started == 1


def test_a_store_that_says_very_much_does_not_fill_what_is_kept() -> None:
    here = settled(Place(pipeline("up"), pipeline("down", on_data())))
    here.data.there["s3://bucket/key"] = RemoteError("the object store says x: " + "y" * 500_000)
    here.look()
    (stands,) = standings(here.state)
    assert stands.problem.startswith("the object store says x")
    assert len(stands.problem) <= 300


def test_a_state_in_a_pause_is_missed() -> None:
    here = fed()
    _paused(here, 1)
    here.server.advance(60)
    here.data.there[URI] = state(here, "b")
    here.passes(2)
    here.server.advance(3600)
    here.passes(2)
    assert (here.started, missed(here)) == ([], ["it was paused or turned off then"])


def test_many_runs_at_once_cost_few_requests_and_the_rest_waits_for_the_next_pass() -> None:
    many = [pipeline(f"down{number}", after()) for number in range(120)]
    here = settled(Place(pipeline("up"), *many))
    here.server.runs_of("up")
    here.server.calls.clear()
    assert here.look().started == 39  # whose the upstream's version is was asked, too
    asked = {name: number for name, number in here.server.calls.items() if name != "create_run"}
    assert sum(asked.values()) <= 39 * 2 + 12, asked  # a version of each, and once an experiment of each
    here.passes(3)
    assert len(here.started) == 120


def test_a_single_run_is_told_as_one() -> None:
    here = chain()
    here.server.lasts = 90
    for _ in range(2):
        here.server.runs_of("up", lasts=10)
    here.server.advance(60)
    here.look()
    assert [why for _, why in waiting(here)] == ["1 of its runs is not over yet (maxConcurrency)"]
