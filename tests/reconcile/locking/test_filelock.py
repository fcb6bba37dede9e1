"""The lock of one machine, and how reconcile uses whichever it is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kfp_gitops.base.errors import LockedError, UsageError
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking import filelock
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import Witness
from project import PROJECT


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def quiet(_line: str) -> None:
    """Nobody is told."""


KEY = ("http://127.0.0.1:8888", "", "dev")
_OTHER = """
import sys, time
from kfp_gitops.reconcile import locking
with locking.hold(None, tuple(sys.argv[1:]), 0, print) as held:
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(cache: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    process = subprocess.Popen(
        [sys.executable, "-c", _OTHER, *KEY], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_another_process_is_kept_out_until_the_first_is_killed(other: subprocess.Popen[str]) -> None:
    told: list[str] = []
    with pytest.raises(LockedError, match=f"process {other.pid}"), locking.hold(None, KEY, 0.3, told.append):
        pytest.fail("two hold the lock")
    (line,) = told
    assert line.startswith(f"waiting for process {other.pid}, which is reconciling this environment, until ")
    with locking.hold(None, (*KEY[:2], "prod"), 0, quiet):
        pass  # another environment is another lock
    other.send_signal(signal.SIGKILL)
    with locking.hold(None, KEY, 5, quiet) as held:
        held.check()


def test_a_home_that_cannot_be_written_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert filelock.spot(KEY).base == tmp_path
    with locking.hold(None, KEY, 0, quiet):
        pass


def _folders(cache: Path) -> tuple[Path, Path]:
    cache.mkdir()
    return cache / "kfp-gitops", cache / "kfp-gitops/locks"


def _refused(match: str) -> None:
    with pytest.raises(UsageError, match=match), locking.hold(None, KEY, 0, quiet):
        pytest.fail("it is held")


@pytest.mark.parametrize("which", [0, 1], ids=["outer", "inner"])
def test_no_folder_of_the_lock_is_a_link(cache: Path, tmp_path: Path, which: int) -> None:
    """Whoever may write where it stands would choose where we write."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    folder = _folders(cache)[which]
    folder.parent.mkdir(exist_ok=True)
    folder.symlink_to(victim)
    _refused(rf"{folder}: is a link or a file, where a folder of this user alone must be; .*remove it")
    assert list(victim.iterdir()) == []
    assert victim.stat().st_mode & 0o777 == 0o755


def test_nor_in_the_temporary_folder_where_everybody_may_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "victim").mkdir()
    (tmp_path / f"kfp-gitops-{os.getuid()}").symlink_to(tmp_path / "victim")
    _refused("is a link or a file")
    assert list((tmp_path / "victim").iterdir()) == []


def test_nor_is_the_lock_itself_a_link_or_anything_but_a_file(cache: Path, tmp_path: Path) -> None:
    with locking.hold(None, KEY, 0, quiet):
        (lock,) = (cache / "kfp-gitops/locks").iterdir()
    (tmp_path / "victim").write_text("precious")
    lock.unlink()
    lock.symlink_to(tmp_path / "victim")
    _refused("remove it")
    assert (tmp_path / "victim").read_text() == "precious"
    lock.unlink()
    os.mkfifo(lock)
    _refused("is no plain file")


def test_its_folders_are_closed_to_others_also_those_that_were_open(cache: Path) -> None:
    for folder in _folders(cache):
        folder.mkdir()
        folder.chmod(0o777)
    with locking.hold(None, KEY, 0, quiet):
        assert [
            folder.stat().st_mode & 0o777 for folder in (cache / "kfp-gitops", cache / "kfp-gitops/locks")
        ] == [
            0o700,
            0o700,
        ]


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to somebody else")
def test_a_folder_of_somebody_else_is_not_used(cache: Path) -> None:
    _, folder = _folders(cache)
    folder.mkdir(parents=True)
    os.chown(folder, 12345, -1)
    _refused("is somebody else's")


def test_a_cache_that_was_moved_elsewhere_is_fine(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    cache.symlink_to(tmp_path / "elsewhere")
    with locking.hold(None, KEY, 0, quiet):
        assert (tmp_path / "elsewhere/kfp-gitops/locks").is_dir()


@pytest.mark.parametrize("lease", ["dev", "team/", "/dev", "team/dev/x", "Team/dev", "team/de v"])
def test_a_lease_is_a_namespace_and_a_name(lease: str) -> None:
    with pytest.raises(UsageError, match="NAMESPACE/NAME"), locking.hold(lease, KEY, 0, quiet):
        pytest.fail("it is held")


def test_a_lease_without_a_cluster_is_bad_usage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="KUBECONFIG"), locking.hold("team/dev", KEY, 0, quiet):
        pytest.fail("it is held")


@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_killed_while_it_is_written_the_lock_keeps_what_it_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Else KFP's database could be lost next, and nobody would know that there was one."""
    with locking.hold(None, ("a",), 0, lambda _: None) as held:
        held.remember(Memory.APPLIED)
        held.keep(Witness(datetime(2026, 1, 1, tzinfo=UTC), "mark"))

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, call, killed)
    with pytest.raises(KeyboardInterrupt), locking.hold(None, ("a",), 0, lambda _: None):
        pass
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    found = locking.peek(None, ("a",))
    assert (found.memory, found.witness and found.witness.mark) == (Memory.APPLIED, "mark")
