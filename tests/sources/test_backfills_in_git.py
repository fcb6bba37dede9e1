"""Backfills in Git: what of them is refused, at its line, and what is rendered of the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base import yamltext
from kfp_gitops.base.places import Mounted
from kfp_gitops.reconcile import desired, folder
from kfp_gitops.sources.selection import Selection
from project import Outcome
from team_kit import VALUES, two_teams, write

GOOD = """pipeline: hello
from: '2026-01-01'
to: '2026-01-31'
tickParameter: name
reason: the names of January were wrong
"""
FOLDER = "environments/dev/backfills"
Command = Callable[..., Outcome]


def _put(repository: Path, text: str = GOOD, name: str = "january.yaml") -> None:
    file = repository / FOLDER / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _rendered(repository: Path) -> list[dict[str, object]]:
    text = (repository / "manifests/dev/environment.yaml").read_text()
    found: list[dict[str, object]] = yamltext.parse(text, "environment.yaml").value.get("backfills", [])
    return found


def test_one_stands_in_environment_yaml_with_the_cron_that_it_means(
    repository: Path, command: Command
) -> None:
    _put(repository)
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    assert _rendered(repository) == [
        {
            "id": "january",
            "pipeline": "hello",
            "schedule": "weekly",
            "cron": "0 0 3 * * 1",
            "from": "2026-01-01",
            "to": "2026-01-31",
            "firings": 4,
            "tickParameter": "name",
            "parallel": 1,
            "order": "oldest-first",
            "skipExisting": True,
            "reason": "the names of January were wrong",
        }
    ]
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0


def test_where_there_is_one_a_pass_each_minute_is_delivered(repository: Path, command: Command) -> None:
    _put(repository)
    command("render", "--root", repository, "--env", "dev")
    text = (repository / "manifests/dev/trigger-cronjob.yaml").read_text()
    assert "kfp-gitops/for: backfills" in text


def test_one_that_is_deleted_leaves_nothing(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--env", "dev")
    without = (repository / "manifests/dev/environment.yaml").read_text()
    _put(repository)
    command("render", "--root", repository, "--env", "dev")
    assert (repository / "manifests/dev/environment.yaml").read_text() != without
    (repository / FOLDER / "january.yaml").unlink()
    command("render", "--root", repository, "--env", "dev")
    assert (repository / "manifests/dev/environment.yaml").read_text() == without


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pipeline: hello", "pipeline: hullo", "1:11: dev has no pipeline 'hullo'; did you mean 'hello'?"),
        (
            "from: '2026",
            "schedule: daily\nfrom: '2026",
            "2:11: 'hello' has no schedule 'daily'; name one of: weekly",
        ),
        (
            "tickParameter: name",
            "tickParameter: names",
            "4:16: 'hello' has no text parameter 'names'; there are: name",
        ),
        ("tickParameter: name\n", "", "1:11: 'hello' has no parameter for the firing's instant"),
        (
            "'2026-01-31'",
            "'2999-01-31'",
            "3:5: it ends at 2999-02-01T00:00:00Z, which has not passed (it is 20",
        ),
        ("'2026-01-31'", "'2025-01-31'", "3:5: it ends before it begins; write a day that is not before"),
        ("'2026-01-31'", "'2026-02-30'", "3:5: to is '2026-02-30', which no calendar has"),
        ("'2026-01-31'", "'end of January'", "3:5: "),
        (
            "from: '2026",
            "cron: 0 * * * * *\nfrom: '2026",
            "4:5: 44,640 firings of '0 * * * * *' are in it, a backfill has at most 20,000",
        ),
        ("from: '2026", "cron: 0 3 * * *\nfrom: '2026", "2:7: cron '0 3 * * *' has five fields"),
        (
            "from: '2026",
            "cron: 0 0 3 1 2 *\nfrom: '2026",
            "3:7: '0 0 3 1 2 *' fires at no time in it",
        ),
        (
            "from: '2026",
            "cron: 0 0 3 * * *\nschedule: weekly\nfrom: '2026",
            "the document has schedule and cron; keep one of schedule and cron",
        ),
        ("reason: the", "parallel: 51\nreason: the", "5:11: "),
        (
            "reason: the",
            "parameters: {nome: x}\nreason: the",
            "5:14: 'hello' has no parameter 'nome'; there are: name, threshold",
        ),
        ("reason: the", "parameters: {threshold: x}\nreason: the", "5:25: 'threshold' is no int"),
        (
            "reason: the",
            "parameters: {name: x}\nreason: the",
            "5:20: 'name' gets the instant of each firing; take it out",
        ),
        ("reason: the names of January were wrong\n", "", "reason"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(
    repository: Path, command: Command, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    _put(repository, GOOD.replace(old, new, 1))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    where = f"{FOLDER}/january.yaml:"
    assert where in outcome.err
    assert said in outcome.err, outcome.err


def test_of_more_than_can_be_counted_in_a_moment_that_is_told(repository: Path, command: Command) -> None:
    _put(repository, GOOD.replace("from: '2026", "cron: 0 * * * * *\nfrom: '2025"))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert "more than 200,000 firings" in outcome.err


@pytest.mark.parametrize("name", ["January.yaml", "2026.yaml", "a.yml", "team/a.yaml", "a" * 41 + ".yaml"])
def test_a_file_that_nobody_would_read_is_told(repository: Path, command: Command, name: str) -> None:
    _put(repository, name=name)
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert f"{FOLDER}/{name}:1:1: this is read by nobody; name it {FOLDER}/ID.yaml" in outcome.err


def test_all_that_is_wrong_is_told_at_once(repository: Path, command: Command) -> None:
    _put(repository, GOOD.replace("hello", "hullo"), "a.yaml")
    _put(repository, GOOD.replace("name\n", "nom\n"), "b.yaml")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert "a.yaml:1:11" in outcome.err
    assert "b.yaml:4:16" in outcome.err


def test_a_range_of_instants_is_up_to_but_without_the_last(repository: Path, command: Command) -> None:
    text = GOOD.replace("2026-01-01", "2026-01-05T03:00:00Z").replace("2026-01-31", "2026-01-12T03:00:00Z")
    _put(repository, text)
    assert command("render", "--root", repository, "--env", "dev").code == 0
    assert _rendered(repository)[0]["firings"] == 1


def test_a_team_backfills_its_own_pipelines_alone(repository: Path, command: Command) -> None:
    two_teams(repository)
    text = GOOD.replace("hello", "churn-daily")
    _put(repository, text, "churn/january.yaml")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 0, outcome.err
    assert [one["id"] for one in _rendered(repository)] == ["january"]
    for other, whose in (("fraud-daily", "the team fraud"), ("hello", "no team")):
        _put(repository, GOOD.replace("hello", other), "churn/january.yaml")
        outcome = command("render", "--root", repository, "--env", "dev")
        assert outcome.code == 2
        said = f"churn/january.yaml:1:11: '{other}' is of {whose}, and this is the folder of the team churn"
        assert said in outcome.err


def test_an_id_is_given_once_whoever_asks(repository: Path, command: Command) -> None:
    two_teams(repository)
    _put(repository, GOOD)
    _put(repository, GOOD.replace("hello", "churn-daily"), "churn/january.yaml")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert "backfill 'january' stands in" in outcome.err


def test_what_a_team_may_run_at_once_holds_for_its_backfills(repository: Path, command: Command) -> None:
    two_teams(repository)
    write(
        repository,
        "environments/teams.yaml",
        {
            "apiVersion": "kfp-gitops/v1alpha1",
            "kind": "Teams",
            "teams": {"churn": {"limits": {"parallelRuns": 3}}, "fraud": {}},
        },
    )
    _put(repository, GOOD.replace("hello", "churn-daily") + "parallel: 4\n", "churn/january.yaml")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert "january.yaml:6:11: parallel is 4, and team churn is limited by parallelRuns: 3" in outcome.err


def test_where_one_pipeline_is_rendered_the_backfills_of_others_stay_as_they_stand(
    repository: Path, command: Command
) -> None:
    two_teams(repository)
    _put(repository)
    _put(repository, GOOD.replace("hello", "churn-daily"), "churn/january-of-churn.yaml")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    _put(repository, GOOD.replace("hello", "churn-daily") + "parallel: 2\n", "churn/january-of-churn.yaml")
    _put(repository, GOOD + "parallel: 2\n")
    assert command("render", "--root", repository, "--env", "dev", "--pipeline", "hello").code == 0
    assert {one["id"]: one["parallel"] for one in _rendered(repository)} == {
        "january": 2,
        "january-of-churn": 1,
    }


def test_in_archives_it_stands_in_what_is_mounted(repository: Path, command: Command) -> None:
    values = {
        "follows": "sources",
        "pipelines": {f"hello-{number}": {"template": "hello", "values": VALUES} for number in range(55)},
    }
    write(repository, "environments/dev/values.yaml", values)
    _put(repository, GOOD.replace("hello", "hello-7"))
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    mounted = Mounted(repository / "manifests/dev/packed")
    whole = desired.reviewed(mounted, "dev", "http://127.0.0.1:1")
    assert [(one.id, one.pipeline, one.firings) for one in whole.backfills] == [("january", "hello-7", 31)]
    some = desired.reviewed(mounted, "dev", "http://127.0.0.1:1", Selection(globs=("hello-8",)))
    assert (some.backfills, [one.name for one in some.pipelines]) == ((), ["hello-8"])
    assert len(folder.teams(mounted, "dev")) == 56  # hello of base.yaml, too
    assert folder.called(mounted, "dev") == {}
