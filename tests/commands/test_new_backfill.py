"""`new.py backfill`: all of it or nothing, and what it writes passes all checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Outcome
from team_kit import two_teams

Command = Callable[..., Outcome]
ASKED = (
    "--pipeline",
    "hello",
    "--days",
    "2026-01-01..2026-01-31",
    "--reason",
    "wrong names",
    "--tick-parameter",
    "name",
)


def _new(command: Command, repository: Path, *words: str, name: str = "january") -> Outcome:
    return command("new", "--root", repository, "backfill", name, *words)


def test_one_is_written_and_rendered(repository: Path, command: Command) -> None:
    outcome = _new(command, repository, *ASKED, "--parallel", "2", "--again")
    assert outcome.code == 0, outcome.err
    assert (repository / "environments/dev/backfills/january.yaml").read_text() == (
        "# yaml-language-server: $schema=../../../scripts/kfp_gitops/language/schemas/backfill.schema.json\n"
        "pipeline: hello\nfrom: '2026-01-01'\nto: '2026-01-31'\ntickParameter: name\nparallel: 2\n"
        "skipExisting: false\nreason: wrong names\n"
    )
    assert "id: january" in (repository / "manifests/dev/environment.yaml").read_text()
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0


def test_of_a_pipeline_without_schedule_it_takes_a_cron(repository: Path, command: Command) -> None:
    outcome = _new(command, repository, *ASKED, "--cron", "0 0 3 * * *")
    assert outcome.code == 0, outcome.err
    assert "\ncron: 0 0 3 * * *\n" in (repository / "environments/dev/backfills/january.yaml").read_text()


def test_of_a_team_it_stands_in_its_folder(repository: Path, command: Command) -> None:
    two_teams(repository)
    words = tuple("churn-daily" if word == "hello" else word for word in ASKED)
    assert _new(command, repository, *words, "--team", "churn").code == 0
    assert (repository / "environments/dev/backfills/churn/january.yaml").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (ASKED[2:], "--pipeline is needed"),
        (ASKED[:2], "--days and --reason are needed"),
        (("--days", "2026-01-01", *ASKED[:2], *ASKED[4:]), "write FROM..TO"),
        (
            (*ASKED[:1], "hullo", *ASKED[2:]),
            "dev has no pipeline 'hullo'; did you mean 'hello'? there are: hello",
        ),
        (
            ASKED[:6],
            "so all runs would be alike; declare a text `scheduled_at`, or name one as `--tick-parameter`",
        ),
        (
            (*ASKED[:6], "--tick-parameter", "nme"),
            "january: --tick-parameter: 'hello' has no text parameter 'nme'",
        ),
        ((*ASKED, "--param", "name=x"), "january: --param name: 'name' gets the instant of each firing"),
        ((*ASKED[:3], "2026-01-31..2026-01-01", *ASKED[4:]), "january: --days: it ends before it begins"),
        ((*ASKED, "--schedule", "daily"), "january: --schedule: 'hello' has no schedule 'daily'"),
        ((*ASKED, "--parallel", "0"), "january: --parallel: parallel is 0; write 1 or more"),
        ((*ASKED, "--param", "rows"), "write NAME=VALUE"),
        ((*ASKED, "--param", "rows=1"), "'hello' has no parameter 'rows'"),
    ],
)
def test_what_is_wrong_leaves_nothing_behind(
    repository: Path, command: Command, words: tuple[str, ...], said: str
) -> None:
    command("render", "--root", repository, "--env", "dev", "--lock")
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    outcome = _new(command, repository, *words)
    assert outcome.code == 2
    assert said in outcome.err
    assert not re.search(r"january\.yaml|tickParameter", outcome.err)
    assert "add " not in outcome.out
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before


def test_an_id_is_used_once(repository: Path, command: Command) -> None:
    assert _new(command, repository, *ASKED).code == 0
    outcome = _new(command, repository, *ASKED)
    assert (outcome.code, "has a backfill 'january' already" in outcome.err) == (2, True)


@pytest.mark.parametrize("name", ["January", "2026", "a" * 41])
def test_a_name_that_none_can_have(repository: Path, command: Command, name: str) -> None:
    assert "cannot name a backfill" in _new(command, repository, *ASKED, name=name).err


def test_its_options_are_of_nothing_else(repository: Path, command: Command) -> None:
    outcome = command("new", "--root", repository, "component", "clean", "--reason", "x")
    assert (outcome.code, "--reason is for `backfill ID`" in outcome.err) == (2, True)


def test_its_runs_are_given_parameters(repository: Path, command: Command) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    declared = "  parameters:\n    rows: {type: int, default: 1}\n    word: {type: str, default: x}\n"
    text = template.read_text("utf-8")
    assert text.count("  parameters:\n") == 1
    template.write_text(text.replace("  parameters:\n", declared), "utf-8")
    given = ("--param", "rows=7", "--param", 'word="7"', "--cron", "0 0 3 * * *")
    outcome = _new(command, repository, *ASKED, *given)
    assert outcome.code == 0, outcome.err
    written = (repository / "environments/dev/backfills/january.yaml").read_text("utf-8")
    assert "parameters:\n  rows: 7\n  word: '7'\n" in written
