"""Whoever waits for a server that accepts and never answers reads of it within two seconds, and not for ever."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import kubeconfig
import pytest
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import reconcile
from kfp_gitops.devserver import DevServer
from kfp_gitops.reconcile.locking import filelock
from project import PROJECT
from servers.prepared import Prepared, prepared

SOON = 2.0
"""Seconds from the question to the first line about it."""
TIMEOUT, MORE = 3.0, 2.0
"""Seconds that a command is given, and those that a busy machine takes for its end."""
RUN = "0b4b2f9e-5f0e-4d6e-9a39-0d6a1d3c2b11"
OF_KFP = {
    "plan": "reconcile plan --env dev",
    "plan of a part": "reconcile plan --env dev --pipeline hello",
    "apply": "reconcile apply --env dev",
    "status": "reconcile status --env dev",
    "status for machines": "reconcile status --env dev --json",
    "pause": "reconcile pause --env dev --until 8h",
    "resume": "reconcile resume --env dev",
    "disable": "reconcile disable --env dev",
    "trigger": "reconcile trigger --env dev",
    "down": "reconcile down --env dev --over",
    "doctor": "doctor --env dev",
    "status of environments": "status --env dev",
    "run": "run --env dev --pipeline hello",
    "run and wait": "run --env dev --pipeline hello --wait",
    "schedule": "run --env dev --pipeline hello --schedule weekly",
    "list": "run --env dev --list",
    "list of one": "run --env dev --pipeline hello --list --failed --since 12h",
    "status of a run": f"run --env dev --status {RUN}",
    "logs": f"run --env dev --logs {RUN} few",
    "terminate": f"run --env dev --terminate {RUN}",
    "terminate all": "run --env dev --terminate --all-running --yes",
    "rerun": f"run --env dev --rerun {RUN}",
    "backfill": "run --env dev --pipeline hello --backfill 2026-01-01..2026-01-20 --yes",
    "backfill what was missed": "run --env dev --pipeline hello --backfill --missed --yes",
}


class Silent:
    """Accepts connections and says nothing; `asked`: when the first one came (time.monotonic())."""

    def __init__(self) -> None:
        self.asked = 0.0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self._kept: list[socket.socket] = []

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self._kept.append(self._socket.accept()[0])
                self.asked = self.asked or time.monotonic()

    def __enter__(self) -> Silent:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for one in (self._socket, *self._kept):
            one.close()


@dataclass(frozen=True)
class Told:
    """How a command ended, and after how many seconds from its first question: the first line about it, and the end."""

    code: int
    first: float
    end: float
    err: str
    out: str


_COMMANDS = tuple(
    f"kfp_gitops.commands.{name}" for name in ("artifact", "doctor", "reconcile", "run", "status")
)
_begun: list[Prepared] = []


@pytest.fixture(scope="module", autouse=True)
def commands_begin_at_once() -> Iterator[None]:
    """They are forks of a process that has imported them: forty would read the same modules again."""
    with prepared(*_COMMANDS, "kfp_gitops.kfpserver.kfpapi.client") as found:
        _begun.append(found)
        yield
        _begun.clear()


def _told(silent: Silent, words: str, *more: object, env: Mapping[str, str] = {}) -> Told:
    name, *rest = words.split()
    call = _begun[0].python(PROJECT / f"scripts/{name}.py", *rest, *more)
    unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        call, env={**unbuffered, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr and process.stdout
        lines, first = [], 0.0
        for line in process.stderr:
            lines.append(line)
            first = first or (time.monotonic() if line.startswith("waiting for ") else 0.0)
        out = process.stdout.read()
    return Told(
        process.returncode, first - silent.asked, time.monotonic() - silent.asked, "".join(lines), out
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered repository."""
    import shutil

    from project import HERE

    root = tmp_path_factory.mktemp("silent") / "repository"
    shutil.copytree(HERE / "data/repository", root)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    call = [sys.executable, str(PROJECT / "scripts/render.py"), "--root", root, "--all", "--lock"]
    subprocess.run(call, check=True, capture_output=True)
    return root


@pytest.fixture(scope="module")
def told(root: Path) -> Mapping[str, Told]:
    """All commands that speak to KFP, a few at a time, each with a server of its own."""

    def ask(words: str) -> Told:
        with Silent() as silent:
            where = ("--root", root, "--host", silent.url, "--timeout", TIMEOUT)
            return _told(silent, words, *where, env={"KUBECONFIG": "/nonexistent"})

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(OF_KFP, pool.map(ask, OF_KFP.values()), strict=True))


@pytest.mark.parametrize("name", OF_KFP)
def test_a_silent_kfp_is_told_of_soon_and_waited_for_no_longer_than_asked(
    told: Mapping[str, Told], name: str
) -> None:
    found = told[name]
    assert 0 < found.first < SOON, found
    assert found.end < TIMEOUT + MORE, found
    assert found.code == ExitCode.REMOTE_FAILED, found
    assert re.search(
        r"waiting for KFP at http://127.0.0.1:\d+ since \d\d:\d\d:\d\d UTC, until \d\d:\d\d:\d\d", found.err
    )
    assert "--timeout S" in found.err + found.out
    assert "Traceback" not in found.err


def test_every_subcommand_is_among_them() -> None:
    known = {words.split()[1] for words in OF_KFP.values() if words.startswith("reconcile ")}
    assert known == {subcommand.__name__.rpartition(".")[2] for subcommand in reconcile._SUBCOMMANDS}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server") as found:
        yield found


@pytest.mark.parametrize("words", ["reconcile apply", "reconcile pause --until 8h"])
def test_a_silent_kubernetes_is_told_of_soon_and_its_lease_not_waited_for_for_ever(
    root: Path, tmp_path: Path, server: DevServer, words: str
) -> None:
    with Silent() as silent:
        config = kubeconfig.written(tmp_path, silent.url)
        where = ("--root", root, "--env", "dev", "--host", server.url, "--timeout", TIMEOUT)
        found = _told(silent, words, *where, "--lease", "team/dev", env={"KUBECONFIG": str(config)})
    assert 0 < found.first < SOON, found
    assert found.end < TIMEOUT + MORE, found
    assert found.code == ExitCode.REMOTE_FAILED, found
    assert "waiting for the Kubernetes API since" in found.err


def test_the_doctor_asks_a_silent_kubernetes_once(root: Path, tmp_path: Path, server: DevServer) -> None:
    """Each of its questions would have ten seconds."""
    with Silent() as silent:
        config = kubeconfig.written(tmp_path, silent.url)
        where = ("--root", root, "--env", "dev", "--host", server.url, "--timeout", TIMEOUT)
        found = _told(silent, "doctor", *where, "--lease", "team/dev", env={"KUBECONFIG": str(config)})
    assert 0 < found.first < SOON, found
    assert found.end < TIMEOUT + MORE, found
    assert found.out.count("unknown  ") > 5, found.out
    assert "missing  " not in found.out, found.out


def test_a_silent_pushgateway_is_told_of_soon(root: Path, server: DevServer) -> None:
    with Silent() as silent:
        where = ("--root", root, "--env", "dev", "--host", server.url)
        found = _told(silent, "reconcile status", *where, "--push-gateway", silent.url)
    assert 0 < found.first < SOON, found
    assert found.end < 5 + MORE, found
    assert "the metrics could not be pushed" in found.err


def test_a_silent_object_store_is_told_of_soon_and_not_waited_for_for_ever(root: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    with Silent() as silent:
        where = ("--root", root, "--from", "s3://status/kfp", "--timeout", TIMEOUT)
        found = _told(silent, "status", *where, env={**keys, "AWS_ENDPOINT_URL_S3": silent.url})
    assert 0 < found.first < SOON, found
    assert found.end < TIMEOUT + MORE, found
    assert found.code == ExitCode.REMOTE_FAILED, found
    assert "waiting for the object store since" in found.err
    assert "Traceback" not in found.err


def test_a_silent_registry_is_told_of_soon(root: Path, tmp_path: Path) -> None:
    with Silent() as silent:
        reference = f"{silent.address}/content@sha256:{'0' * 64}"
        where = ("--root", root, "--pull", reference, "--to", tmp_path / "to", "--timeout", TIMEOUT)
        found = _told(silent, "artifact", *where)
    assert 0 < found.first < SOON, found
    assert found.end < TIMEOUT + MORE, found
    assert found.code == ExitCode.REMOTE_FAILED, found
    assert "waiting for the registry" in found.err and "--timeout S" in found.err


@contextmanager
def _taken(host: str, repository: str) -> Iterator[None]:
    """Another process of this user holds the lock of dev."""
    where = filelock.spot((host, "", repository, "dev"))
    where.path.parent.mkdir(parents=True, exist_ok=True)
    with where.path.open("w") as file:
        file.write("process 1\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_lock_is_told_of_and_waited_for_no_longer_than_asked(root: Path, server: DevServer) -> None:
    settings = (root / "manifests/dev/environment.yaml").read_text()
    repository = re.search(r"^repository: (\S+)", settings, re.MULTILINE)
    assert repository
    with Silent() as silent, _taken(server.url, repository[1]):
        silent.asked = time.monotonic()
        where = ("--root", root, "--env", "dev", "--host", server.url, "--timeout", TIMEOUT)
        found = _told(silent, "reconcile apply", *where)
    assert found.code == ExitCode.REMOTE_FAILED, found
    assert found.end < TIMEOUT + MORE + 2, found
    assert re.search(r"waiting for process 1, which is reconciling this environment, until \d\d:", found.err)


def test_one_silent_environment_leaves_the_others_their_time(root: Path, server: DevServer) -> None:
    with Silent() as silent:
        hosts = ("--host", f"dev={silent.url}", "--host", f"prod={server.url}")
        found = _told(silent, "status --env dev --env prod", "--root", root, *hosts, "--timeout", 2 * TIMEOUT)
    assert 0 < found.first < SOON, found
    assert found.end < 2 * TIMEOUT + MORE, found
    assert found.code == ExitCode.REMOTE_FAILED, found
    (prod,) = (line for line in found.out.splitlines() if line.startswith("prod"))
    assert "1 pipeline" in prod, found
