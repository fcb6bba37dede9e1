"""The command `reconcile` on the small repository and a development server of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import Outcome
from server_kit import FAKE, Command, api_of


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock remembers, by the server's address, what was applied; another test's server may have had that port."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def reconcile(repository: Path, command: Command, server: DevServer) -> Callable[..., Outcome]:
    """`reconcile(plan | apply, env=dev)` of what the small repository renders to now."""

    def run(what: str, env: str = "dev", *more: object) -> Outcome:
        assert command("render", "--root", repository, "--env", env, "--lock").code == 0
        return command("reconcile", what, "--root", repository, "--env", env, "--host", server.url, *more)

    return run


@pytest.fixture
def api(server: DevServer) -> KfpApi:
    return api_of(server)
