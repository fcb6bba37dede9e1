"""The lock of one machine, and how reconcile uses whichever it is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kfp_gitops.base.errors import LockedError, UsageError
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking import filelock
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
    assert told == [f"waiting for process {other.pid}, which is reconciling this environment"]
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
    assert filelock.path(KEY).parent.parent == tmp_path
    with locking.hold(None, KEY, 0, quiet):
        pass


@pytest.mark.parametrize("lease", ["dev", "team/", "/dev", "team/dev/x", "Team/dev", "team/de v"])
def test_a_lease_is_a_namespace_and_a_name(lease: str) -> None:
    with pytest.raises(UsageError, match="NAMESPACE/NAME"), locking.hold(lease, KEY, 0, quiet):
        pytest.fail("it is held")


def test_a_lease_without_a_cluster_is_bad_usage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="KUBECONFIG"), locking.hold("team/dev", KEY, 0, quiet):
        pytest.fail("it is held")
