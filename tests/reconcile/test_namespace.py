"""A KFP that does not go with the environment's namespace is told before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Features
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import Outcome

Command = Callable[..., Outcome]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[bool], DevServer]]:
    running: list[DevServer] = []

    def started(multi_user: bool) -> DevServer:
        running.append(DevServer(tmp_path / "server", features=Features(multi_user=multi_user)).__enter__())
        return running[-1]

    yield started
    for server in running:
        server.__exit__(None, None, None)


def _rendered(repository: Path, command: Command, namespace: str) -> None:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("namespace: ''", f"namespace: '{namespace}'", 1))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0


@pytest.mark.parametrize(
    ("namespace", "multi_user", "what"),
    [
        (
            "team-a",
            False,
            "single-user, and the environment names the namespace team-a; set kfp.namespace to ''",
        ),
        ("", True, "multi-user, and the environment names no namespace; set kfp.namespace"),
    ],
)
def test_plan_and_apply_refuse_it_and_doctor_tells_it(
    repository: Path,
    command: Command,
    start: Callable[[bool], DevServer],
    namespace: str,
    multi_user: bool,
    what: str,
) -> None:
    _rendered(repository, command, namespace)
    server = start(multi_user)
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    for subcommand in ("plan", "apply"):
        outcome = command("reconcile", subcommand, *common)
        assert outcome.code == 5
        assert what in outcome.err
        assert "environments/dev/values.yaml" in outcome.err
    assert server._store.pipelines.where("1 = 1") == []
    found = {check["name"]: check for check in json.loads(command("doctor", *common, "--json").out)["checks"]}
    assert found["namespace"]["status"] == "missing"
    assert what.partition(";")[0] in found["namespace"]["found"]


def test_a_namespace_fits_a_multi_user_server_alone(
    repository: Path, command: Command, start: Callable[[bool], DevServer]
) -> None:
    _rendered(repository, command, "team-a")
    server = start(True)
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *common).code == 0
    assert KfpApi(server.url, "team-a").pipeline("hello") is not None
