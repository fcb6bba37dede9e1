"""What a diff says of backfills: how many runs, of which days, about how long, and what will not be run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gitrepo import commit, init
from kfp_gitops.base.schema import named
from kfp_gitops.review.diff import backfills
from kfp_gitops.review.diff.model import Action, BackfillDiff
from project import Outcome

Command = Callable[..., Outcome]
TEXT = """pipeline: hello
from: '2026-01-01'
to: '2026-01-31'
tickParameter: name
parallel: 2
reason: the names of January were wrong
"""
ENTRY: dict[str, Any] = {
    "id": "january",
    "pipeline": "hello",
    "schedule": "weekly",
    "cron": "0 0 3 * * 1",
    "from": "2026-01-01",
    "to": "2026-01-31",
    "firings": 4,
    "tickParameter": "name",
    "parallel": 2,
    "order": "oldest-first",
    "skipExisting": True,
    "reason": "the names of January were wrong",
}
NEW = BackfillDiff(Action.ADDED, "january", None, ENTRY)
SAID = (
    "backfill january (hello/weekly): 4 runs (2026-01-05 03:00, 2026-01-12 03:00, 2026-01-19 03:00, "
    "2026-01-26 03:00 UTC); 2 at a time, oldest first; what has run is left out: the names of January were wrong"
)


def test_how_many_runs_and_which_days() -> None:
    assert backfills.sentence(NEW) == SAID
    daily = replace(
        NEW, after={**ENTRY, "cron": "0 0 3 * * *", "skipExisting": False, "order": "newest-first"}
    )
    said = backfills.sentence(daily)
    days = "31 runs (2026-01-01 03:00, 2026-01-02 03:00, 2026-01-03 03:00, … 2026-01-31 03:00 UTC)"
    assert days in said.replace(", …,", ", …")
    assert "newest first; what has run runs once more" in said


def test_about_how_long_where_past_runs_tell_it() -> None:
    found = backfills.sentence(replace(NEW, takes=timedelta(minutes=90), there=1))
    assert "1 of them there already" in found
    assert "; about 3.0 h (1.5 h each): the names" in found  # three that are left, two at a time


def test_one_that_is_gone_or_changed() -> None:
    gone = BackfillDiff(Action.REMOVED, "january", ENTRY, None)
    assert "gone; what of its 4 runs has not begun is not run, what runs goes on" in backfills.sentence(gone)
    changed = BackfillDiff(Action.CHANGED, "january", ENTRY, {**ENTRY, "to": "2026-01-12", "firings": 2})
    assert "to: 2026-01-31 → 2026-01-12, firings: 4 → 2; 2 runs" in backfills.sentence(changed)


@pytest.mark.parametrize("entry", [{"id": "x"}, {"id": "x", "cron": "never", "from": "a", "to": "b"}])
def test_what_nobody_rendered_is_told_without_its_days(entry: dict[str, Any]) -> None:
    assert "0 runs (no firing)" in backfills.sentence(BackfillDiff(Action.ADDED, "x", None, entry))


@pytest.fixture
def asked(repository: Path, command: Command) -> Path:
    """A repository in which one was added since the last commit."""
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    init(repository)
    folder = repository / "environments/dev/backfills"
    folder.mkdir()
    (folder / "january.yaml").write_text(TEXT)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_all_forms_tell_it(asked: Path, command: Command, form: str) -> None:
    outcome = command("diff", "--root", asked, "--env", "dev", "--format", form)
    assert outcome.code in (0, 1), outcome.err
    text = " ".join(outcome.out.replace("\\", "").split())
    assert SAID[:60] in text
    if form == "json":
        data = json.loads(outcome.out)
        named("diff").validator.validate(data)
        [environment] = data["environments"]
        assert environment["semantic"]
        assert [(one["id"], one["runs"], one["first"]) for one in environment["backfills"]] == [
            ("january", 4, "2026-01-05T03:00:00Z")
        ]
        assert {change["kind"] for change in environment["changes"]} == {"delivery"}  # the CronJob of passes
    else:
        assert "1 backfill" in outcome.out


def test_the_page_tells_it(asked: Path, command: Command, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    outcome = command("diff", "--root", asked, "--env", "dev", "--format", "html", "--output", page)
    assert outcome.code in (0, 1), outcome.err
    assert SAID[:40] in page.read_text()


def test_of_other_pipelines_it_is_not_told(asked: Path, command: Command) -> None:
    commit(asked, "asked for")
    (asked / "environments/dev/backfills/january.yaml").unlink()
    command("render", "--root", asked, "--env", "dev", "--lock")
    outcome = command("diff", "--root", asked, "--env", "dev")
    assert "- backfill january (hello/weekly): gone" in outcome.out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- id: january", "- name: january"),
        ("backfills:\n- id: january\n", "backfills:\n- id: january\n  pipeline: hello\n- id: january\n"),
        ("backfills:\n- id: january\n", "backfills:\n  id: january\n"),
        ("- id: january", "- id: 7"),
        ("  reason: the names", "  because: the names"),
        ("  firings: 4", "  firings: 5"),
        ("  skipExisting: true", "  skipExisting: null"),
    ],
)
def test_nothing_that_somebody_wrote_by_hand_is_silent(
    asked: Path, command: Command, old: str, new: str
) -> None:
    commit(asked, "asked for")
    file = asked / "manifests/dev/environment.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    outcome = command("diff", "--root", asked, "--env", "dev", "--format", "json")
    [environment] = json.loads(outcome.out)["environments"]
    assert environment["backfills"] or environment["changes"], outcome.out
