"""The small repository with a pipeline that runs after `hello`, on a development server of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chained import Chained
from kfp_gitops.devserver import DevServer, Faults
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of triggers is known by the server's address; another test's server may have had that port."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def chained(repository: Path, command: Callable[..., Outcome], server: DevServer) -> Chained:
    """Both pipelines registered."""
    found = Chained(repository, command, server)
    found.make()
    return found
