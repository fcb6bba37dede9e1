"""A registered environment on a KFP of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lost_kit import Kfp, Told
from project import Outcome


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of whoever runs the tests is nobody's business."""
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the locks of this machine are, for those who change it for another one's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def kfp(tmp_path: Path) -> Iterator[Kfp]:
    found = Kfp(tmp_path / "kfp")
    yield found
    found.server.close()


@pytest.fixture
def root(repository: Path, command: Callable[..., Outcome]) -> Path:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


@pytest.fixture
def reconcile(root: Path, command: Callable[..., Outcome], kfp: Kfp) -> Callable[..., Outcome]:
    """`reconcile(subcommand, …)` of dev, whose one schedule is enabled and fires once a year."""
    return lambda what, *more: command(
        "reconcile", what, "--root", root, "--env", "dev", "--host", kfp.server.url, *more
    )


@pytest.fixture
def faults(reconcile: Callable[..., Outcome]) -> Callable[..., Told]:
    """The faults that `status --json` tells, by name."""

    def run(*more: object) -> Told:
        outcome = reconcile("status", "--json", *more)
        data = json.loads(outcome.out)
        told = [one for one in data["findings"] if one["kind"] == "server"]
        assert [one["name"] for one in told] == [one["name"] for one in data["faults"]]
        assert outcome.code == (0 if data["healthy"] else 1)
        return {one["name"]: one for one in told}

    return run
