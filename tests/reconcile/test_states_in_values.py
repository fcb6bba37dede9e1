"""What the values say of one pipeline: absent, paused, or what makes no sense."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer
from project import Outcome
from server_kit import Command, api_of, enable_schedule


def _in_dev(repository: Path, text: str) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text() + text)


def test_a_tombstone_in_the_values_is_planned_guarded_and_applied(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    reconcile("apply")
    _in_dev(repository, "    state: absent\n    delete: pipeline\n")
    refused = reconcile("apply")
    assert (refused.code, "--allow-empty" in refused.err) == (5, True)
    assert reconcile("apply", "dev", "--allow-empty", "--max-delete", "0").code == 5
    assert reconcile("apply", "dev", "--allow-empty", "--protect", "hello").code == 5
    assert len(list(api_of(server).schedules())) == 1
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    assert list(api_of(server).schedules()) == []
    assert api_of(server).pipeline("hello") is None


def test_a_pause_in_the_values_disables_until_it_is_over(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    enable_schedule(repository)
    reconcile("apply")
    _in_dev(repository, "    state: paused\n    until: '2999-01-01T00:00:00Z'\n")
    assert "note: hello is paused until 2999-01-01T00:00:00Z" in reconcile("apply").out
    (schedule,) = api_of(server).schedules()
    assert not schedule.enabled
    assert reconcile("plan").code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("    state: paused\n", "lacks 'until'"),
        ("    until: '2026-01-01T00:00:00Z'\n", "`until` goes with `state: paused`"),
        ("    state: paused\n    until: '2026-02-30T00:00:00Z'\n", "write a real instant"),
        ("    delete: pipeline\n", "`delete` goes with `state: absent`"),
        ("    state: gone\n", "state"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused_with_its_position(
    repository: Path, command: Command, text: str, says: str
) -> None:
    _in_dev(repository, text)
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert says in outcome.err
    assert outcome.err.startswith("environments/dev/values.yaml:")


OTHER = (
    "  other: {values: {name: x, items: [a], threshold: 1, schedule: {cron: '0 0 4 * * 1', enabled: true}}}\n"
)


def _another(repository: Path) -> Path:
    folder = repository / "templates/pipelines/other"
    shutil.copytree(repository / "templates/pipelines/hello", folder)
    template = folder / "pipeline.yaml.j2"
    template.write_text(template.read_text().replace("name: hello", "name: other"))
    return folder


def _notes(found: Outcome) -> list[str]:
    return [line.strip() for line in re.sub(r"\n {4}", " ", found.out).splitlines() if "note: " in line]


def test_a_tombstone_is_told_to_its_very_end(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path, command: Command
) -> None:
    """Live schedule, then deleted; its pipeline is left; with `delete: pipeline` nothing is, and the line may go."""
    other = _another(repository)
    _in_dev(repository, OTHER)
    assert reconcile("apply").code == 0
    values = repository / "environments/dev/values.yaml"
    alive = values.read_text()
    values.write_text(re.sub("  other: .*", "  other: {state: absent}", alive))
    planned = reconcile("plan")
    assert planned.code == 1
    assert re.search(r"delete +schedule +other", planned.out)
    assert _notes(planned) == []  # first it does what the line says
    assert reconcile("apply").code == 0
    left = (
        "note: other: its pipeline is left in KFP, with 1 version; `delete: pipeline` deletes that too, and then its "
        "`state: absent` may go from environments/dev/values.yaml:6:18"
    )
    assert _notes(reconcile("plan")) == [left]
    status = reconcile("status")
    assert (status.code, left.removeprefix("note: ") in " ".join(status.err.split())) == (0, True)
    values.write_text(re.sub("  other: .*", "  other: {state: absent, delete: pipeline}", alive))
    assert reconcile("apply").code == 0
    told = (
        "other: nothing of it is in KFP, so its `state: absent` may go from environments/dev/values.yaml:6:18"
    )
    for what in ("plan", "apply"):
        assert _notes(reconcile(what)) == [f"note: {told}"]
    assert told in " ".join(reconcile("status").err.split())
    values.write_text(re.sub("  other: .*\n", "", alive))
    shutil.rmtree(other)
    done = reconcile("plan")
    assert (done.code, _notes(done)) == (0, [])


def test_a_tombstone_that_goes_too_early_leaves_an_orphan_that_is_told(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    _another(repository)
    _in_dev(repository, OTHER)
    reconcile("apply")
    values = repository / "environments/dev/values.yaml"
    alive = values.read_text()
    values.write_text(re.sub("  other: .*\n", "", alive))
    planned = reconcile("plan")
    assert re.search(r"disable +schedule +other", planned.out)
    (note,) = _notes(planned)
    assert "pipeline other is ours and in no manifest any more, with 1 schedules, 1 of them on" in note
    assert "`state: absent` in the values deletes what is left of it" in note


def test_a_tombstone_of_what_never_was_may_go(reconcile: Callable[..., Outcome], repository: Path) -> None:
    _in_dev(repository, "  never: {state: absent, delete: pipeline}\n")
    (note,) = _notes(reconcile("apply"))
    assert note.endswith(
        "never: nothing of it is in KFP, so its `state: absent` may go from environments/dev/values.yaml:6:18"
    )


def test_without_the_repository_the_file_is_named(
    reconcile: Callable[..., Outcome], repository: Path, command: Command, server: DevServer, tmp_path: Path
) -> None:
    """In the cluster there are manifests alone."""
    _in_dev(repository, "  never: {state: absent}\n")
    reconcile("apply")
    mounted = tmp_path / "mounted"
    shutil.copytree(repository / "manifests/dev", mounted)
    (tmp_path / "empty/environments").mkdir(parents=True)
    found = command(
        *("reconcile", "plan", "--root", tmp_path / "empty", "--env", "dev"),
        "--manifests",
        mounted,
        "--host",
        server.url,
    )
    (note,) = _notes(found)
    assert note.endswith("so its `state: absent` may go from environments/dev/values.yaml")


def test_a_pause_that_ended_is_told_at_its_line(reconcile: Callable[..., Outcome], repository: Path) -> None:
    _in_dev(repository, "    state: paused\n    until: '2026-01-01T00:00:00Z'\n")
    told = (
        "hello: its pause ended at 2026-01-01T00:00:00Z; take `state: paused` and `until` out of "
        "environments/dev/values.yaml:7:12"
    )
    reconcile("apply")
    assert _notes(reconcile("plan")) == [f"note: {told}"]
    status = reconcile("status")
    assert (status.code, told in " ".join(status.err.split())) == (0, True)
    assert all(len(line) <= 80 for line in status.err.splitlines())


def test_a_pause_of_a_live_schedule_stops_it_and_one_that_ended_starts_it(
    reconcile: Callable[..., Outcome], server: DevServer, repository: Path
) -> None:
    enable_schedule(repository)
    reconcile("apply")
    values = repository / "environments/dev/values.yaml"
    alive = values.read_text()
    for until, enabled in (("2999", False), ("2026-01-02", True)):
        day = until if "-" in until else f"{until}-01-01"
        values.write_text(f"{alive}    state: paused\n    until: '{day}T00:00:00Z'\n")
        assert reconcile("plan").code == 1
        assert reconcile("apply").code == 0
        assert [found.enabled for found in api_of(server).schedules()][-1:] == [enabled]
