"""A registered environment on a development server whose runs end as their parameter `name` says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=1.0, faults=Faults()) as found:
        yield found


@pytest.fixture
def api(server: DevServer) -> KfpApi:
    return KfpApi(server.url, "")


@pytest.fixture
def reconcile(repository: Path, command: Callable[..., Outcome], server: DevServer) -> Callable[..., Outcome]:
    """`reconcile(subcommand, …)` of dev, whose one schedule is enabled and fires once a year."""
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    return lambda what, *options: command("reconcile", what, *common, *options)
