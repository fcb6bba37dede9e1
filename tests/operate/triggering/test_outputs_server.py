"""A run that starts with what another one left: outputs over HTTP, from tasks that really ran."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scored
from kfp_gitops.devserver import DevServer
from kfp_gitops.devserver.executor import LOCALRUN
from project import Outcome
from servers.prepared import Prepared

Command = Callable[..., Outcome]
_UP = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: hello, description: d, owner: o}
spec:
  parameters:
    level: {type: int, default: 4}
  outputs:
    best: {task: judge, output: rows}
  tasks:
    if-level:
      if: {gt: [{param: level}, 0]}
      tasks:
        judge-more:
          component: score
          arguments: {level: 9, note: more}
    judge:
      displayName: The judge
      component: score
      arguments: {level: {param: level}}
"""
_DOWN = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: down, description: d, owner: o}
spec:
  parameters:
    rows: {type: int, default: 0}
    more: {type: int, default: 0}
    best: {type: int, default: 0}
    data: {type: str, default: ''}
    of: {type: str, default: ''}
    fixed: {type: int, default: 0}
  tasks:
    judge:
      component: score
      arguments: {level: {param: rows}}
triggers:
- name: after
  runOn: {pipeline: hello}
  parameters:
    rows: {output: judge.rows}
    more: {output: judge-more.rows}
    best: {output: best}
    data: {output: judge.data}
    of: {run: id}
    fixed: 7
"""


@pytest.fixture
def server(tmp_path: Path, localrun: Prepared) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=localrun.python(*LOCALRUN[1:]), grace=1.0) as found:
        yield found


@pytest.fixture
def root(repository: Path, command: Command) -> Path:
    scored.make(repository, command)
    (repository / "templates/pipelines/hello/pipeline.yaml.j2").write_text(_UP)
    (repository / "templates/pipelines/down").mkdir()
    (repository / "templates/pipelines/down/pipeline.yaml.j2").write_text(_DOWN)
    (repository / "templates/pipelines/down/values.schema.json").write_text('{"type": "object"}')
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text() + "  down: {values: {}}\n")
    done = command("render", "--root", repository, "--env", "dev", "--lock")
    assert done.code == 0, done.err
    return repository


def _runs(server: DevServer, name: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server.url}/apis/v2beta1/runs?page_size=200", timeout=60) as reply:
        found = json.load(reply).get("runs") or []
    return [one for one in found if one["display_name"].startswith(name)]


def test_a_run_is_given_what_the_run_before_it_left(root: Path, command: Command, server: DevServer) -> None:
    where = ("--root", root, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *where).code == 0
    assert command("run", *where, "--pipeline", "hello", "--wait").code == 0
    (up,) = _runs(server, "hello")
    done = command("reconcile", "trigger", *where)
    assert done.code == 0, done.err
    (down,) = _runs(server, "down-after-")
    given = down["runtime_config"]["parameters"]
    assert Path(given.pop("data")).read_text() == "a"
    assert given == {"rows": 40, "more": 90, "best": 40, "of": up["run_id"], "fixed": 7}


def test_where_outputs_cannot_be_read_the_run_waits_until_they_can(
    root: Path, command: Command, server: DevServer
) -> None:
    where = ("--root", root, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *where).code == 0
    assert command("run", *where, "--pipeline", "hello", "--wait").code == 0
    silent = command("reconcile", "trigger", *where, "--patience", "0", "--metadata", "http://127.0.0.1:9")
    assert (silent.code, _runs(server, "down-after-")) == (4, [])
    assert "http://127.0.0.1:9: cannot be reached" in silent.out + silent.err
    assert command("reconcile", "trigger", *where).code == 0
    assert command("reconcile", "trigger", *where).code == 0
    assert len(_runs(server, "down-after-")) == 1
