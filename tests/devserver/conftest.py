"""A server for each test, a real client, and the swagger looking over the shoulder of both."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import devserver_contract as contract
import kfp
import pytest
from devserver_irs import PLATFORM, Raw, connect, ir, text
from kfp_gitops.devserver import DevServer, ManualClock, service
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.http import Reply, Request

START = datetime(2026, 11, 23, 0, 0, 30, tzinfo=UTC)
FAKE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("fake_executor.py")))


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every reply of every test is checked against the swagger, whoever asked."""
    wrong: list[str] = []
    answer = service.answer

    def checked(app: App, request: Request, host: str | None, origin: str | None) -> Reply:
        reply = answer(app, request, host, origin)
        wrong.extend(
            contract.problems(request.method, request.path, reply.status, reply.content_type, reply.body)
        )
        return reply

    monkeypatch.setattr(service, "answer", checked)
    yield
    assert wrong == []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def make(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[..., DevServer]]:
    """Start servers; each is stopped at the end."""
    started: list[DevServer] = []

    def start(**options: Any) -> DevServer:
        options = {"clock": clock, "executor": FAKE, "grace": 0.3, **options}
        data = options.pop("data", tmp_path / f"data{len(started)}")
        started.append(DevServer(data, **options).start())
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def server(make: Callable[..., DevServer]) -> DevServer:
    return make()


@pytest.fixture
def client(server: DevServer) -> kfp.Client:
    return connect(server)


@pytest.fixture
def raw(server: DevServer) -> Raw:
    return Raw(server.url)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A compiled pipeline with both documents."""
    path = tmp_path / "churn.yaml"
    path.write_bytes(text(ir(), PLATFORM))
    return path


class World:
    """A server with one pipeline, and short words for what tests do with it."""

    def __init__(self, server: DevServer, package: Path) -> None:
        self.server, self.package, self.client = server, package, connect(server)
        self.experiment = self.client.create_experiment("Default").experiment_id
        self.pipeline = self.client.upload_pipeline(str(package), "churn").pipeline_id
        self.version = (
            self.client.list_pipeline_versions(self.pipeline).pipeline_versions[0].pipeline_version_id
        )

    def upload_version(self, name: str, **more: Any) -> Any:
        return self.client.pipeline_uploads.upload_pipeline_version(
            str(self.package), name=name, pipelineid=self.pipeline, **more
        )

    def schedule(self, cron: str | None = "0 * * * * *", **more: Any) -> Any:
        """Pinned, by the SDK."""
        options = {"experiment_id": self.experiment, "job_name": "nightly", "cron_expression": cron} | more
        return self.client.create_recurring_run(
            pipeline_id=self.pipeline, version_id=self.version, **options
        ).recurring_run_id

    def run(self, behave: str = "succeed") -> str:
        run = self.client.run_pipeline(
            self.experiment,
            "by hand",
            pipeline_id=self.pipeline,
            version_id=self.version,
            params={"behave": behave},
        )
        return str(run.run_id)

    def fired(self, schedule: str) -> list[str]:
        """The scheduled times of a schedule's runs, in order."""
        predicate = {"operation": "EQUALS", "key": "recurring_run_id", "stringValue": schedule}
        found = (
            self.client.list_runs(filter=json.dumps({"predicates": [predicate]}), page_size=200).runs or []
        )
        return sorted(f"{run.scheduled_at.astimezone(UTC):%dT%H:%M:%S}" for run in found)

    def run_dir(self, run: str) -> Path:
        return self.server.data_dir / "runs" / run


@pytest.fixture
def world(server: DevServer, package: Path) -> World:
    return World(server, package)


@pytest.fixture
def make_world(make: Callable[..., DevServer], package: Path) -> Callable[..., World]:
    return lambda **options: World(make(**options), package)
