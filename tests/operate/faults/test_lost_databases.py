"""KFP's database is lost or restored from a backup: told by what a lock keeps, and no pause is lost with it."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lost_kit import Kfp, Told
from project import Outcome

Run = Callable[..., Outcome]


def _on(kfp: Kfp) -> list[bool]:
    return [schedule.enabled for schedule in kfp.api.schedules()]


def _released(root: Path, command: Run, threshold: int) -> None:
    """A new version of the pipeline."""
    base = root / "environments/base.yaml"
    before = base.read_text().split("threshold: ")[1].split("\n")[0]
    base.write_text(base.read_text().replace(f"threshold: {before}", f"threshold: {threshold}"))
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0


def test_a_server_that_is_as_it_was_left_has_no_fault(reconcile: Run, faults: Callable[..., Told]) -> None:
    assert faults() == {}, "nothing was ever applied"
    assert reconcile("apply").code == 0
    assert faults() == {}
    assert reconcile("apply").code == 0
    assert faults() == {}


def test_a_lost_database_is_told_with_the_command_until_that_was_run(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    kfp.lose()
    told = faults()
    assert "lost its database" in told["database"]["cause"]
    assert shlex.split(told["database"]["command"])[1:3] == ["scripts/reconcile.py", "apply"]
    text = reconcile("status").out
    assert text.startswith("SERVER (1)"), "it is told first"
    again = reconcile("apply")
    assert (again.code, "seems to have lost its database" in again.err) == (0, True)
    assert faults() == {}


def test_an_apply_that_registered_nothing_is_no_reason_to_believe_in_a_loss(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp, root: Path, command: Run
) -> None:
    values = root / "environments/dev/values.yaml"
    whole = values.read_text()
    values.write_text(whole[: whole.index("  hello:")] + "  hello: null\n")
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    assert reconcile("apply", "--allow-empty").code == 0
    kfp.lose()
    assert faults() == {}


def test_a_database_restored_from_an_older_backup_is_told_by_a_version_that_is_gone(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp, root: Path, command: Run
) -> None:
    assert reconcile("apply").code == 0
    backup = kfp.back_up()
    assert faults() == {}
    _released(root, command, 7)
    assert reconcile("apply").code == 0
    assert faults() == {}
    kfp.restore(backup)
    assert "restored from an older backup" in faults()["database"]["cause"]
    assert reconcile("apply").code == 0
    assert faults() == {}


def test_a_backup_from_before_the_mark_is_told_too(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    (mark,) = kfp.api.experiments_like("kfp-gitops-server-")
    kfp.server._store.experiments.delete(mark.id)
    assert "the mark of" in faults()["database"]["cause"]
    assert reconcile("apply").code == 0
    assert faults() == {}


def test_a_pause_that_was_lost_is_told_by_name_and_holds(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    pause = ("--until", "2099-01-31T08:00:00Z", "--by", "kim", "--reason", "the store's being moved")
    assert reconcile("pause", *pause).code == 0
    kfp.lose()
    told = faults()
    assert {"database", "pause"} == set(told)
    assert "by kim until 2099-01-31T08:00:00Z: the store's being moved" in told["pause"]["cause"]
    words = shlex.split(told["pause"]["command"])
    assert words[1:3] == ["scripts/reconcile.py", "pause"]
    assert words[-6:] == list(pause)
    assert "apply sets it again first" in reconcile("plan").err
    done = reconcile("apply")
    assert "KFP had lost that dev is paused by kim" in done.err
    assert _on(kfp) == [False]
    assert faults() == {}
    assert reconcile("resume").code == 0
    assert _on(kfp) == [True]


def test_a_pause_that_was_lost_and_is_taken_back_is_over(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    assert reconcile("pause", "--until", "8h").code == 0
    kfp.lose()
    assert reconcile("resume").code == 0
    assert _on(kfp) == [True]
    assert faults() == {}
    assert "paused" not in reconcile("apply").err


def test_a_lost_pause_that_was_set_again_on_another_machine_is_neither_told_nor_set_once_more(
    reconcile: Run,
    faults: Callable[..., Told],
    kfp: Kfp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the command that the fault gave; and when it was resumed there, it is over here, too."""
    assert reconcile("apply").code == 0
    assert reconcile("pause", "--until", "2099-01-31T08:00:00Z", "--by", "kim").code == 0
    kfp.lose()
    here, there = tmp_path / "cache", tmp_path / "another"
    typed = shlex.split(faults()["pause"]["command"])
    time.sleep(1.1)  # KFP tells when a note was left to the second
    monkeypatch.setenv("XDG_CACHE_HOME", str(there))
    assert reconcile("pause", *typed[typed.index("--until") :]).code == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    assert set(faults()) == {"database"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(there))
    assert reconcile("resume").code == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    assert "paused" not in reconcile("apply").err
    assert _on(kfp) == [True]
    assert faults() == {}


def test_an_earlier_pause_until_the_same_time_that_was_taken_back_is_no_sign_of_the_lost_one(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    until = ("--until", "2099-01-31T08:00:00Z", "--by", "kim")
    assert reconcile("apply").code == 0
    assert reconcile("pause", *until).code == 0
    assert reconcile("resume").code == 0
    backup = kfp.back_up()
    time.sleep(1.1)  # KFP tells when a note was left to the second
    assert reconcile("pause", *until).code == 0
    kfp.restore(backup)
    assert "pause" in faults()
    assert reconcile("apply").code == 0
    assert _on(kfp) == [False]


def test_a_pause_that_somebody_took_back_elsewhere_is_not_lost(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    assert reconcile("pause", "--until", "8h").code == 0
    for note in kfp.api.experiments_like("kfp-gitops-paused-"):
        kfp.api.archive_experiment(note.id)
    assert faults() == {}
    assert reconcile("apply").code == 0
    assert _on(kfp) == [True]


def test_a_pause_that_another_lock_or_a_person_has_set_again_is_not_lost_and_not_set_once_more(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The Job's Lease knows of it, and so does the machine of whoever paused; the end of it holds for both."""
    assert reconcile("apply").code == 0
    assert reconcile("pause", "--until", "8h", "--by", "kim", "--reason", "it is moved").code == 0
    here = tmp_path / "cache"
    shutil.copytree(here, tmp_path / "elsewhere")
    kfp.lose()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert "it is set again" in reconcile("apply").err
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    assert faults() == {}
    assert "set again" not in reconcile("plan").err
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert reconcile("resume").code == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(here))
    assert reconcile("apply").code == 0
    assert _on(kfp) == [True]


def test_a_pause_set_after_the_backup_is_lost_with_what_came_after_it(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    backup = kfp.back_up()
    assert reconcile("pause", "--until", "8h", "--by", "kim").code == 0
    kfp.restore(backup)
    assert _on(kfp) == [True]
    assert set(faults()) == {"pause"}
    assert reconcile("apply").code == 0
    assert _on(kfp) == [False]


def test_a_lock_that_somebody_edited_keeps_nothing(
    reconcile: Run, faults: Callable[..., Told], kfp: Kfp, tmp_path: Path
) -> None:
    assert reconcile("apply").code == 0
    (lock,) = (tmp_path / "cache/kfp-gitops/locks").glob("*.lock")
    for kept in (
        'server {"at": "then"}',
        "server []",
        'server {"at": "2026-01-01T00:00:00", "pauses": 3}',
        "server {",
        'server {"at": "2026-01-01T00:00:00Z", "version": ["a"]}',
        'server {"at": "0001-01-01T00:00:00+14:00", "mark": "m"}',
        f"server {'[' * 60_000}",
    ):
        lock.write_text(f"process 1\napplied\n{kept}\n")
        assert faults() == {}
    assert reconcile("apply").code == 0
