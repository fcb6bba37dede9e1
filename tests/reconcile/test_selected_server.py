"""`--select` and `--pipeline` on a server: what is not selected is as it was, whatever is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from project import Outcome
from team_kit import team, two_teams, write

Command = Callable[..., Outcome]
OWNER = Owner("example-repository", "dev")
CHURN = ("--select", "team=churn")


@pytest.fixture(autouse=True)
def _teams(repository: Path) -> None:
    two_teams(repository)


def _schedules(api: KfpApi) -> dict[str, tuple[str, bool]]:
    return {schedule.name: (schedule.id, schedule.enabled) for schedule in api.schedules()}


def _names(api: KfpApi) -> set[str]:
    return {*api.pipelines((), OWNER)}


def test_an_apply_of_a_part_registers_that_alone(reconcile: Command, api: KfpApi) -> None:
    planned = reconcile("plan", "dev", *CHURN)
    assert planned.code == 1
    assert "fraud" not in planned.out
    assert "only team=churn: 2 of 4 pipelines; the others are not looked at" in planned.out
    assert reconcile("apply", "dev", *CHURN).code == 0
    assert _names(api) == {"churn-daily", "churn-weekly"}
    assert reconcile("plan", "dev", *CHURN).code == 0
    assert reconcile("apply", "dev", "--pipeline", "fraud-*").code == 0
    assert reconcile("apply", "dev").code == 0
    assert _names(api) == {"churn-daily", "churn-weekly", "fraud-daily", "hello"}
    assert reconcile("plan", "dev").code == 0


def test_what_vanished_and_what_changed_elsewhere_stays_as_it_is(
    reconcile: Command, api: KfpApi, repository: Path
) -> None:
    assert reconcile("apply", "dev").code == 0
    before = _schedules(api)
    write(repository, "environments/dev/teams/fraud.yaml", {"pipelines": {}})  # vanished
    team(repository, "churn", "churn-daily", "churn-weekly", threshold=9)
    done = reconcile("apply", "dev", "--pipeline", "churn-daily")
    assert done.code == 0, done.err
    after = _schedules(api)
    assert after["fraud-daily-weekly"] == before["fraud-daily-weekly"]
    assert after["churn-weekly-weekly"] == before["churn-weekly-weekly"]
    assert after["churn-daily-weekly"][0] != before["churn-daily-weekly"][0]
    rest = reconcile("plan", "dev")
    assert rest.code == 1
    assert "disable   schedule   fraud-daily-weekly" in rest.out


@pytest.mark.parametrize("what", ["plan", "apply", "status", "resume"])
def test_a_team_or_name_that_is_not_there_is_told_with_what_is(
    reconcile: Command, api: KfpApi, what: str
) -> None:
    for more, said in (
        (("--select", "team=chrn"), "did you mean 'churn'? teams there: churn, fraud"),
        (("--pipeline", "nothing-*"), "there are: churn-daily, churn-weekly, fraud-daily, hello"),
    ):
        found = reconcile(what, "dev", *more)
        assert found.code == 2
        assert said in found.err
    assert _names(api) == set()


def test_a_pushgateway_is_told_of_the_whole_or_of_nothing(reconcile: Command) -> None:
    found = reconcile("plan", "dev", *CHURN, "--push-gateway", "http://127.0.0.1:9")
    assert found.code == 2
    assert "--push-gateway tells of a whole environment" in found.err


def test_a_plan_of_a_part_is_carried_out_with_the_same_selection_only(
    reconcile: Command, api: KfpApi, tmp_path: Path
) -> None:
    file = tmp_path / "plan.txt"
    assert reconcile("plan", "dev", *CHURN, "--out", file).code == 1
    for more in ((), ("--select", "team=fraud"), ("--pipeline", "churn-*")):
        other = reconcile("apply", "dev", *more, "--plan", file)
        assert other.code == 5
        assert 'wanted.selected: ["team=churn"] →' in other.err
        assert _names(api) == set()
    assert reconcile("apply", "dev", *CHURN, "--plan", file, "--require-plan").code == 0
    assert _names(api) == {"churn-daily", "churn-weekly"}


def test_a_plan_of_the_whole_is_not_carried_out_in_part(
    reconcile: Command, api: KfpApi, tmp_path: Path
) -> None:
    file = tmp_path / "plan.txt"
    assert reconcile("plan", "dev", "--out", file).code == 1
    found = reconcile("apply", "dev", *CHURN, "--plan", file)
    assert found.code == 5
    assert "apply --env dev --select team=churn --plan " in found.err
    assert _names(api) == set()


def test_a_part_is_not_approved_for_the_job(reconcile: Command, repository: Path) -> None:
    found = reconcile("plan", "dev", *CHURN, "--approve")
    assert found.code == 2
    assert "leave the selection out" in found.err
    assert not (repository / "environments/dev/approved-plan.yaml").exists()


def test_what_is_not_selected_is_not_adopted(reconcile: Command) -> None:
    found = reconcile("apply", "dev", *CHURN, "--adopt", "hello")
    assert found.code == 2
    assert "--adopt hello: it is not selected" in found.err


def test_a_plan_as_json_says_what_was_selected(reconcile: Command) -> None:
    found = json.loads(reconcile("plan", "dev", *CHURN, "--pipeline", "*-daily", "--format", "json").out)
    assert found["selected"] == ["team=churn", "*-daily"]
    assert "selected" not in json.loads(reconcile("plan", "dev", "--format", "json").out)


def test_a_pause_of_a_team_turns_its_schedules_off_and_no_others(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply", "dev").code == 0
    found = reconcile(
        "pause", "dev", *CHURN, "--until", "8h", "--by", "ann", "--reason", "the source is moved"
    )
    assert found.code == 0, found.err
    assert "dev is paused (team=churn) by ann until" in found.out
    on = {name for name, (_, enabled) in _schedules(api).items() if enabled}
    assert on == {"fraud-daily-weekly"}
    assert reconcile("plan", "dev").code == 0  # as the pause has it
    assert "paused (team=churn)" not in reconcile("plan", "dev", "--select", "team=fraud").err
    assert reconcile("apply", "dev").code == 0
    assert {name for name, (_, enabled) in _schedules(api).items() if enabled} == on


def test_a_pause_is_ended_by_who_resumes_all_that_it_is_of(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply", "dev").code == 0
    assert reconcile("pause", "dev", *CHURN, "--until", "8h").code == 0
    part = reconcile("resume", "dev", "--pipeline", "churn-daily")
    assert part.code == 0
    assert "still paused (team=churn)" in part.err
    assert not _schedules(api)["churn-daily-weekly"][1]
    assert reconcile("resume", "dev", "--pipeline", "churn-*").code == 0
    assert _schedules(api)["churn-daily-weekly"][1]


def test_a_pause_of_the_whole_stays_over_that_of_a_part(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply", "dev").code == 0
    assert reconcile("pause", "dev", *CHURN, "--until", "8h").code == 0
    assert reconcile("pause", "dev", "--until", "1h").code == 0
    found = reconcile("resume", "dev", *CHURN)
    assert "no longer paused (team=churn)" in found.err
    assert "still paused by" in found.err
    assert not any(enabled for _, enabled in _schedules(api).values())
    assert reconcile("resume", "dev").code == 0
    assert _schedules(api)["churn-daily-weekly"][1]


def test_too_long_a_selection_is_no_pause(reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply", "dev").code == 0
    globs = ",".join(f"churn-{'?' * number}*" for number in range(12))
    found = reconcile("pause", "dev", "--pipeline", globs, "--until", "1h")
    assert found.code == 2
    assert "pause in several commands" in found.err


def test_status_of_a_part_shows_it_and_whose_it_is(reconcile: Command) -> None:
    assert reconcile("apply", "dev", *CHURN).code == 0
    found = reconcile("status", "dev", *CHURN)
    assert found.code == 0, found.out
    assert found.out.startswith("dev: 2 pipelines, 2 healthy")
    everything = reconcile("status", "dev", *CHURN, "--all").out
    assert "churn-daily (churn)  ok" in everything or "churn-daily   churn" in everything
    assert "hello" not in everything
    whole = json.loads(reconcile("status", "dev", "--json").out)
    assert {one["name"]: one["team"] for one in whole["pipelines"]} == {
        "churn-daily": "churn", "churn-weekly": "churn", "fraud-daily": "fraud", "hello": "",
    }  # fmt: skip
    rest = reconcile("status", "dev")
    assert rest.code == 1
    assert "fraud-daily (fraud)  " in rest.out
    assert "hello  " in rest.out


def test_a_plan_of_the_whole_that_was_cut_off_is_gone_on_with_though_a_part_ran_through_since(
    reconcile: Command, server: DevServer, tmp_path: Path
) -> None:
    """That a part has run through says nothing of the whole, whose lock remembers what was begun."""
    file = tmp_path / "plan.txt"
    assert reconcile("plan", "dev", "--out", file).code == 1
    server.faults.add(Fault("POST", ".*", Trouble.ANSWER, nth=13, status=400))
    assert reconcile("apply", "dev", "--plan", file, "--parallel", "1").code == 4
    assert reconcile("apply", "dev", *CHURN).code == 0
    rest = reconcile("apply", "dev", "--plan", file, "--require-plan")
    assert rest.code == 0, rest.err
    assert "was begun and has not run through" in rest.err
    assert reconcile("plan", "dev").code == 0


def test_a_part_without_a_pipeline_is_no_empty_environment(
    reconcile: Command, api: KfpApi, repository: Path
) -> None:
    assert reconcile("apply", "dev").code == 0
    write(
        repository, "environments/dev/teams/fraud.yaml", {"pipelines": {"fraud-daily": {"state": "absent"}}}
    )
    done = reconcile("apply", "dev", "--select", "team=fraud")
    assert done.code == 0, done.err
    assert {*_schedules(api)} == {"churn-daily-weekly", "churn-weekly-weekly", "hello-weekly"}
