"""The small repository with an environment of previews and two pipelines, dev on a development server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import gitrepo
import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from previews.preview_kit import PREVIEW
from project import HERE, Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(HERE / "operate/runs/fake_run.py"))


@pytest.fixture
def root(repository: Path) -> Path:
    """Committed; dev has `hello` and, of the same template, `bye`."""
    (repository / "environments/preview").mkdir()
    (repository / PREVIEW).write_text(
        "previewOf: dev\npipelines:\n  hello:\n    values:\n"
        "      name: '{preview}'\n      items: [one]\n      threshold: 2\n"
    )
    with (repository / "environments/dev/values.yaml").open("a") as file:
        file.write("  bye:\n    template: hello\n    values:\n      name: bye\n      threshold: 3\n")
        file.write("      items: [a]\n      schedule: {cron: '0 0 4 * * 1', enabled: false}\n")
    gitrepo.init(repository)
    return repository


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=1.0) as found:
        yield found


@pytest.fixture
def api(server: DevServer) -> KfpApi:
    return KfpApi(server.url, "")


@pytest.fixture
def dev(root: Path, server: DevServer, command: Command) -> Path:
    """The same, with dev registered."""
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    gitrepo.commit(root, "rendered")
    assert command("reconcile", "apply", "--root", root, "--env", "dev", "--host", server.url).code == 0
    return root


@pytest.fixture
def preview(root: Path, server: DevServer, command: Command) -> Command:
    """`preview("up", "--pr", 42, …)` on that server; `render` asks none."""

    def run(name: str, *arguments: object) -> Outcome:
        where = () if name == "render" else ("--host", server.url)
        return command("preview", "--root", root, name, *where, *arguments)

    return run
