"""Known events in Git: what is refused with its line, what a template gets, and what the diff says of a change."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import events
from project import Outcome

Run = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
SALE = """\
services: [checkout, basket]
from: '2026-12-24T08:00:00+01:00'
to: '2026-12-27T00:00:00+01:00'
floor: 20
reason: a sale
"""


def _written(repository: Path, name: str, text: str) -> None:
    folder = repository / "environments/dev/events"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def _takes_events(repository: Path) -> None:
    path = repository / TEMPLATE
    text = path.read_text("utf-8")
    path.write_text(
        text.replace(
            "  parameters:\n", "  parameters:\n    events: {type: list, default: {{ events | tojson }}}\n"
        ),
        "utf-8",
    )


def test_events_are_in_utc_and_in_order(repository: Path) -> None:
    _written(repository, "b.yaml", SALE)
    _written(
        repository, "a.yaml", SALE.replace("12-27", "12-26").replace("floor: 20", "factor: 1.5\nlearn: false")
    )
    _written(repository, "README.md", "why")
    begin = "2026-12-24T07:00:00Z"
    both = {"services": ["basket", "checkout"], "from": begin, "reason": "a sale"}
    assert list(events.load(repository, "dev")) == [
        both | {"to": "2026-12-25T23:00:00Z", "factor": 1.5, "learn": False},
        both | {"to": "2026-12-26T23:00:00Z", "floor": 20, "learn": True},
    ]
    assert events.load(repository, "prod") == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "from: '2026-12-24",
            "from: '2026-02-30",
            "a.yaml:2:7: from is '2026-02-30T08:00:00+01:00', which no calendar has",
        ),
        ("+01:00'\nto", "'\nto", 'a.yaml:2:7: from is "2026-12-24T08:00:00"; it must match'),
        ("2026-12-27", "2026-12-23", "a.yaml:3:5: it ends before it begins"),
        ("2026-12-27", "2027-12-27", "a.yaml:3:5: it lasts 367 days"),
        ("floor: 20", "floor: 0", "a.yaml:4:8: floor is 0; write 1 or more"),
        (
            "floor: 20",
            "floor: 20\nfactor: 2",
            "a.yaml:1:1: the document has floor and factor; keep one of floor and factor",
        ),
        ("floor: 20\n", "", "a.yaml:1:1: "),
        ("floor: 20", "factor: 1", "a.yaml:4:9: factor is 1"),
        ("basket]", "'*']", "a.yaml:1:11: * is all services"),
        ("reason: a sale", "reasn: a sale", "unknown key 'reasn'; did you mean 'reason'?"),
        ("reason: a sale", 'reason: "a\\nsale"', "a.yaml:5:9: reason is "),
    ],
)
def test_what_is_no_event_is_told_with_its_place(repository: Path, old: str, new: str, said: str) -> None:
    assert old in SALE
    _written(repository, "a.yaml", SALE.replace(old, new))
    with pytest.raises(InputError) as caught:
        events.load(repository, "dev")
    assert any(said in str(problem) for problem in caught.value.problems), caught.value


def test_all_problems_of_all_files_are_told_at_once_and_nothing_is_written(
    repository: Path, command: Run
) -> None:
    _written(repository, "a.yaml", SALE.replace("floor: 20", "floor: 0"))
    _written(repository, "b.yml", SALE)
    _written(repository, "c.yaml", SALE.replace("2026-12-27", "2026-12-23"))
    done = command("render", "--root", repository, "--env", "dev")
    assert done.code == 2
    assert [line.split(": ")[0].rpartition("/")[2] for line in done.err.splitlines()] == [
        "a.yaml:4:8",
        "b.yml:1:1",
        "c.yaml:3:5",
    ]
    assert not [*(repository / "manifests").glob("dev/*")]


def test_too_many_events_are_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENTS", 1)
    for name in ("a.yaml", "b.yaml"):
        _written(repository, name, SALE)
    with pytest.raises(InputError, match="more than 1 events"):
        events.load(repository, "dev")


def _diff(repository: Path, command: Run, form: str) -> str:
    """What a change of events says, compared with the last commit."""
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    done = command("diff", "--root", repository, "--env", "dev", "--base", "HEAD", "--format", form)
    assert done.code == 1, done.err
    return done.out


def test_the_diff_tells_and_draws_an_event_that_comes_and_one_that_goes(
    repository: Path, command: Run
) -> None:
    _takes_events(repository)
    _written(repository, "old.yaml", SALE.replace("a sale", "'a launch: #1'"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    for line in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", "-C", repository, *line], check=True)
    (repository / "environments/dev/events/old.yaml").unlink()
    _written(
        repository,
        "new.yaml",
        SALE.replace("floor: 20", "factor: 1.5\nlearn: false").replace("12-24T08", "12-25T08"),
    )
    when = "2026-12-25 07:00 UTC to 2026-12-26 23:00 UTC (40 h)"
    new = f"event: basket, checkout: × 1.5, {when}: a sale; usage in it is not learnt [hello]"
    was = "2026-12-24 07:00 UTC to 2026-12-26 23:00 UTC (2.67 d)"
    gone = f"event: basket, checkout: ≥ 20 replicas, {was}: a launch: #1 [hello]"
    text = _diff(repository, command, "text")
    assert f"  - {gone}\n  + {new}\n        2026-12-24 07:00 … 2026-12-26 23:00 UTC\n" in text
    assert f"      - |{'█' * 40}| ≥ 20 replicas\n      + |{'·' * 15}{'█' * 25}| × 1.5\n" in text
    found = json.loads(_diff(repository, command, "json"))["environments"][0]["events"]
    assert [(each["action"], each["text"]) for each in found] == [("removed", gone), ("added", new)]
    markdown = _diff(repository, command, "markdown")
    assert (
        "  section basket checkout\n  gone - ≥ 20 replicas a launch 1 :crit, 2026-12-24T07:00, 2026-12-26T23:00\n"
        in markdown
    )


def test_events_that_stay_are_not_told(repository: Path, command: Run) -> None:
    _takes_events(repository)
    _written(repository, "old.yaml", SALE)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    for line in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", "-C", repository, *line], check=True)
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8").replace("name: dev", "name: other"), "utf-8")
    assert "event:" not in _diff(repository, command, "text")


@pytest.mark.parametrize("name", [".sale.yaml", ".old/sale.yaml", "sale.yml"])
def test_an_event_that_nobody_would_read_is_told(repository: Path, name: str) -> None:
    path = repository / "environments/dev/events" / name
    path.parent.mkdir(parents=True)
    path.write_text(SALE, "utf-8")
    with pytest.raises(InputError, match=f"events/{name}:1:1: this is read by nobody"):
        events.load(repository, "dev")
    path.unlink()
    path.with_name(".gitkeep").touch()
    assert events.load(repository, "dev") == ()


def test_an_event_in_the_folders_own_place_is_told(repository: Path) -> None:
    (repository / "environments/dev/events").write_text(SALE, "utf-8")
    with pytest.raises(InputError, match="this is a file, and read by nobody; make it a folder"):
        events.load(repository, "dev")


def test_years_have_four_digits(repository: Path) -> None:
    _written(repository, "a.yaml", SALE.replace("2026", "0987"))
    assert events.load(repository, "dev")[0]["from"] == "0987-12-24T07:00:00Z"
