"""An environment on a development server whose runs end as their parameter `name` says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("fake_run.py")))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=1.0) as found:
        yield found


@pytest.fixture
def run(repository: Path, command: Command, server: DevServer) -> Command:
    """`run(…)` of the registered pipeline `hello`."""
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *common).code == 0
    return lambda *arguments: command("run", *common, *arguments)


@pytest.fixture
def api(server: DevServer) -> KfpApi:
    return KfpApi(server.url, "")
