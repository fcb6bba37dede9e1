"""A plan does not wait for a KFP before it says what is wrong with the manifests, and not for ever at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kfp_gitops.base.errors import ExitCode
from project import Outcome
from servers import misbehaving
from servers.misbehaving import Misbehaving

Run = Callable[..., Outcome]


@pytest.fixture
def root(repository: Path, command: Run) -> Path:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


@contextmanager
def _soon(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def _nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_what_is_wrong_with_the_manifests_is_told_though_nobody_answers(root: Path, command: Run) -> None:
    manifest = root / "manifests/dev/pipelines/hello/pipeline.yaml"
    text = manifest.read_text()
    manifest.write_text(
        text.replace("name: few", "name: fewer")
    )  # it compiles, to something else than the lock says
    assert manifest.read_text() != text
    with _soon(20):
        done = command("reconcile", "plan", "--root", root, "--env", "dev", "--host", _nobody())
    assert done.code == ExitCode.REFUSED, done.err
    assert "have the difference reviewed" in done.err


@pytest.mark.parametrize(
    "name", [("reconcile", "plan"), ("reconcile", "apply"), ("reconcile", "status"), ("doctor",)]
)
@pytest.mark.parametrize("how", ["nobody", "slow"])
def test_no_command_speaks_to_kfp_for_longer_than_it_may(
    root: Path, command: Run, name: tuple[str, ...], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    with Misbehaving(lambda _: misbehaving.slow_body()) as server, _soon(25):
        host = server.url if how == "slow" else _nobody()
        done = command(*name, "--root", root, "--env", "dev", "--host", host, "--timeout", "1")
    assert done.code == ExitCode.REMOTE_FAILED, done.err
    if how == "slow":
        assert "--timeout S" in done.out + done.err
