"""What the values say of one pipeline: absent, paused, or what makes no sense."""

from __future__ import annotations

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
