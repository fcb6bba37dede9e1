"""Doctor: whether outputs and metrics of runs can be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.metadata import Metadata
from kfp_gitops.language.manifest import reader
from kfp_gitops.operate.doctor import metadata
from kfp_gitops.operate.doctor.check import Status
from project import Outcome

Command = Callable[..., Outcome]
_DOWN = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: down, description: d, owner: o}
triggers:
- {name: after, runOn: {pipeline: up}, parameters: {word: {output: greeting}}}
spec:
  parameters: {word: {type: str, default: ''}}
  tasks: {greet: {component: greet, arguments: {name: {param: word}}}}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=("false",)) as found:
        yield found


def _check(command: Command, root: Path, *more: object) -> dict[str, str] | None:
    done = command("doctor", "--root", root, "--env", "dev", "--json", "--patience", "0", *more)
    found: list[dict[str, str]] = json.loads(done.out)["checks"]
    return next((one for one in found if one["name"] == "metadata"), None)


def test_it_says_whether_it_answers(repository: Path, command: Command, server: DevServer) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    found = _check(command, repository, "--host", server.url)
    assert found and (found["status"], server.url in found["found"]) == ("ok", True)
    found = _check(command, repository, "--host", server.url, "--metadata", "http://127.0.0.1:9")
    assert found and found["status"] == "missing"
    assert "port-forward svc/metadata-envoy-service" in found["mend"]
    found = _check(command, repository, "--host", server.url, "--metadata", f"{server.url}/pipeline")
    assert found and "is this the address of KFP's ML Metadata" in found["found"]


def test_where_it_is_needed_and_nobody_said_is_told() -> None:
    down = reader.read(_DOWN, "down.yaml")
    (found,) = metadata.checks(Metadata(""), {"down": down, "other": replace(down, triggers=())})
    assert (found.status, "triggers of down hand on outputs" in found.found) == (Status.MISSING, True)
    assert not [*metadata.checks(Metadata(""), {"other": replace(down, triggers=())})]
