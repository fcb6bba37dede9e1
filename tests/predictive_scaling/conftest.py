"""Real servers, each started once for all tests that ask for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.loaders import JSONFileLoader
from servers.prepared import Prepared, prepared
from servers.prometheus import AlertmanagerServer, PushgatewayServer
from servers.swift_server import ACCESS_KEY, BUCKET, SECRET_KEY, SwiftServer, make_bucket, s3_client


@pytest.fixture(autouse=True)
def default_log_level() -> None:
    """The level is the process's; a command by hand sets its own."""
    logging.getLogger("predictive_scaling").setLevel(logging.NOTSET)


@pytest.fixture(scope="session", autouse=True)
def service_models() -> Iterator[None]:
    """What S3 can do is read once, and not for each client: botocore keeps it for a session, and each has its own."""
    read = JSONFileLoader.load_file

    @cache
    def load(path: str) -> object:
        return read(JSONFileLoader(), path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda _loader, path: load(path))
        yield


@pytest.fixture(scope="session")
def steps_executor() -> Iterator[Prepared]:
    """A process that has imported what KFP's executor and the library's steps import: pandas takes most of a step."""
    with prepared("kfp.dsl.executor", "argparse", "predictive_scaling.tasks", _KFP_RUNTIME="true") as found:
        yield found


@pytest.fixture
def quick_steps(steps_executor: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of pipelines that are run here are forks of it."""
    here = SimpleNamespace(executable=steps_executor.program)
    monkeypatch.setattr("kfp_gitops.local.localrun.tasks.sys", here)


@pytest.fixture(scope="session")
def swift_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    server = SwiftServer(tmp_path_factory.mktemp("swift"))
    server.start()
    make_bucket(s3_client(server), BUCKET)
    yield server
    server.kill()


@pytest.fixture
def swift(swift_server: SwiftServer, monkeypatch: pytest.MonkeyPatch) -> SwiftServer:
    """A running server that the environment points at; one that a test has killed is started again."""
    for name, value in {
        "AWS_ENDPOINT_URL_S3": swift_server.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return swift_server


@pytest.fixture(scope="session")
def pushgateway_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushgatewayServer]:
    server = PushgatewayServer(tmp_path_factory.mktemp("pushgateway"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerServer]:
    server = AlertmanagerServer(tmp_path_factory.mktemp("alertmanager"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return str(tmp_path / "registry")
