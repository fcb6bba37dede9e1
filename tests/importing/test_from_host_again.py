"""`import.py --host` once more: what came before, what was added since, and what only has the same name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.devserver import DevServer, Faults
from project import Outcome
from team_server import plain
from ui_server import Ui

Command = Callable[..., Outcome]
VALUES = "environments/dev/values.yaml"


@pytest.fixture
def ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ui]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with DevServer(tmp_path / "server", faults=Faults()) as server:
        yield Ui(server)


@pytest.fixture
def bring(command: Command, repository: Path, ui: Ui) -> Callable[..., Outcome]:
    def run(*more: object) -> Outcome:
        return command("import", "--root", repository, "--host", ui.server.url, "--schedules", *more)

    return run


def test_what_was_added_since_is_told_with_the_words_that_take_it_over(
    ui: Ui, bring: Command, command: Command, repository: Path
) -> None:
    made = ui.upload("churn", plain("churn"))
    ui.recurring("Nightly", made, ui.version_of(made))
    assert bring().code == 0
    ui.recurring("Wöchentlich", made, ui.version_of(made), mode="DISABLE")
    again = bring()
    assert (again.code, "1 pipeline imported before: churn" in again.out) == (1, True)
    schedules, adopts = re.findall(r"`([^`]+)`", again.err)
    path = repository / VALUES
    values: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    churn = values["pipelines"]["churn"]
    churn["values"]["schedules"] += yaml.safe_load(schedules)["schedules"]
    churn["adopts"]["schedules"] |= yaml.safe_load(adopts)["adopts"]["schedules"]
    path.write_text(yaml.safe_dump(values, allow_unicode=True), "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    planned = command("reconcile", "plan", "--root", repository, "--env", "dev", "--host", ui.server.url)
    assert "+ adopt     schedule   churn-wochentlich" in planned.out
    assert "replace" not in planned.out
    assert bring().code == 0


def test_two_of_one_name_are_two_of_one_name_also_later(ui: Ui, bring: Command) -> None:
    made = ui.upload("churn", plain("churn"))
    for _ in range(2):
        ui.recurring("Nightly", made, ui.version_of(made))
    assert [line.split("; ", 1)[1] for line in bring().err.splitlines() if "left: " in line] == [
        line.split("; ", 1)[1] for line in bring().err.splitlines() if "left: " in line
    ]


def test_one_that_only_has_the_name_of_one_in_git_is_not_taken_for_it(ui: Ui, bring: Command) -> None:
    """`hello` is the small repository's own pipeline."""
    ui.upload("hello", plain("hello"))
    ui.upload("churn", plain("churn"))
    done = bring("--check")
    assert done.code == 1
    assert (
        "left: pipeline 'hello': dev has a pipeline of this name, which was not imported from here"
        in done.err
    )
    assert "imported before" not in done.out
    assert "1 pipeline and 0 recurring runs can be imported, 1 left" in done.out
