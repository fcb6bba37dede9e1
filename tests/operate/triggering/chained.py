"""Two pipelines of the small repository, one of which runs after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import requests
from kfp_gitops.devserver import DevServer, SystemClock
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from project import PROJECT, Outcome

_FOLLOWS = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata:
  name: {{ pipeline }}
  description: Greets whoever ran before.
  owner: tests
spec:
  parameters:
    name: {type: str, default: nobody}
    behave: {type: str, default: succeed}
  tasks:
    greet:
      component: greet
      arguments:
        name: {param: name}
triggers:
- name: after-hello
  runOn: {pipeline: hello}
  parameters:
    name: {run: id}
"""
_SCHEMA = '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false}'


class _Ahead(SystemClock):
    """Five seconds, for who does not want to wait for them."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=5)


@dataclass
class Chained:
    """`follows` runs after `hello`."""

    repository: Path
    command: Callable[..., Outcome]
    server: DevServer

    def make(self) -> None:
        folder = self.repository / "templates/pipelines/follows"
        folder.mkdir()
        (folder / "pipeline.yaml.j2").write_text(_FOLLOWS)
        (folder / "values.schema.json").write_text(_SCHEMA)
        values = self.repository / "environments/dev/values.yaml"
        values.write_text(values.read_text() + "  follows:\n    values: {}\n")
        self.render()
        applied = self.command("reconcile", "apply", *self.target)
        assert applied.code == 0, applied

    def after_each_end(self) -> None:
        """Beside `after-hello`: `on-failure` and `on-end`, seen by a pass."""
        template = self.repository / "templates/pipelines/follows/pipeline.yaml.j2"
        more = "- name: on-{}\n  runOn: {{pipeline: hello, state: {}}}\n"
        template.write_text(
            template.read_text() + more.format("failure", "FAILED") + more.format("end", "ENDED")
        )
        self.render()
        assert self.trigger().code == 0

    def render(self) -> None:
        done = self.command("render", "--root", self.repository, "--env", "dev", "--lock")
        assert done.code == 0, done

    @property
    def target(self) -> list[str]:
        return ["--root", str(self.repository), "--env", "dev", "--host", self.server.url]

    @property
    def api(self) -> KfpApi:
        return KfpApi(self.server.url, "")

    def trigger(self, *more: str) -> Outcome:
        return self.command("reconcile", "trigger", *self.target, *more)

    def process(self, *more: str) -> subprocess.Popen[str]:
        """A pass in a process of its own."""
        command = [sys.executable, str(PROJECT / "scripts/reconcile.py"), "trigger", *self.target, *more]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    def hello(self) -> RunState:
        """A run of the pipeline upstream, which has ended."""
        done = self.command("run", *self.target, "--pipeline", "hello")
        assert done.code == 0, done
        return self.ended("hello")[-1]

    def ended(self, pipeline: str) -> list[RunState]:
        """Its runs, the oldest first, once all have ended."""
        end = time.monotonic() + 60
        while any(run.ended is None for run in self.runs(pipeline)):
            assert time.monotonic() < end
            time.sleep(0.05)
        return self.runs(pipeline)

    def runs(self, pipeline: str) -> list[RunState]:
        """Its runs, the oldest first."""
        return [run for run in self.api.runs_since(None) if run.name.startswith(f"{pipeline}-")][::-1]

    def behave(self, how: str) -> None:
        """From now on every run does so: `succeed` or `fail`."""
        (self.server.data_dir / "behave").write_text(how)

    def ask(self, run: RunState, verb: str) -> None:
        """As somebody does in KFP's own interface: `retry` or `terminate` a run."""
        answer = requests.post(f"{self.server.url}/apis/v2beta1/runs/{run.id}:{verb}", timeout=60)
        assert answer.json() == {}

    def retry(self, run: RunState, how: str) -> None:
        """Until the run has ended again, which is told as of some seconds later than its end before."""
        self.server._app.pool._clock = _Ahead()
        self.behave(how)
        self.ask(run, "retry")
        self.ended("hello")
        self.behave("succeed")
