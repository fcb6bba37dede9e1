"""This work tree as a repository, to be cloned; and what a rendered Job talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import copies
import pytest
from delivered import Object
from delivery.ci import run
from kfp_gitops.devserver import DevServer, Faults
from kubelet import prepared_image
from locking.fake_leases import FakeLeases
from project import Outcome
from server_kit import FAKE
from tools import kustomize_build

Command = Callable[..., Outcome]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This work tree as a repository with one commit; workflows have no use for its tests."""
    folder = copies.without_tests(tmp_path_factory.mktemp("original"))
    _identify(folder)
    return folder


def _identify(repository: Path) -> None:
    """What commits in it is nobody in particular, whatever this machine is configured to."""
    with (repository / ".git/config").open("a", encoding="utf-8") as config:
        config.write("[user]\n\tname = test\n\temail = test@example.com\n")


@pytest.fixture
def clone(original: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    assert run("git", "clone", "--quiet", original, folder).returncode == 0
    _identify(folder)
    copies.compiled(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def pods_begin_at_once() -> Iterator[None]:
    with prepared_image():
        yield


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def cluster() -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        yield found


@pytest.fixture
def build(repository: Path, command: Command) -> Callable[..., tuple[Object, ...]]:
    """`build(kfp, more)`: the small repository whose KFP is at a URL, rendered and built by kustomize.

    `more` goes into the section `delivery` of its base.yaml.
    """

    def run(kfp: str, more: str = "") -> tuple[Object, ...]:
        base = repository / "environments/base.yaml"
        text = base.read_text("utf-8").replace("enabled: false", "enabled: true")
        text = text.replace("pipelines:\n", f"{more}pipelines:\n", 1)
        host = text.split("host: ")[1].split("\n")[0]
        base.write_text(text.replace(host, kfp), "utf-8")
        assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
        return tuple(kustomize_build(repository / "manifests/dev"))

    return run
