"""Fixtures for all tests: a small repository of its own, and how commands are run on it."""

from __future__ import annotations

import gc
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import assembly
import order
import own_processes
import profiles
import project
import pytest
from kfp_gitops.commands import console
from project import HERE, Outcome
from servers.prepared import Prepared, prepared

assembly.start()

profiles.load()
own_processes.prepare()


@pytest.fixture(scope="session", autouse=True)
def nothing_runs_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every server and every worker process that tests have started is ended when they are through."""
    yield
    left = own_processes.left(tmp_path_factory.getbasetemp())
    assert not left, f"tests leave processes behind: {left}"


@pytest.fixture(autouse=True)
def own_locks(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock remembers, by the server's address, what was applied; another test's server may have had that port."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "caches" / uuid.uuid4().hex))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: some tests wait for a server or for a moment, and leave theirs alone meanwhile."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Workers take files in our order; xdist's own would begin with the files of most tests, which are short."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers; alone, the order is the one that was asked for."""
    if config.getoption("dist", "no") != "no" or "PYTEST_XDIST_WORKER" in os.environ:
        order.arrange(items)


def pytest_collection_finish() -> None:
    """Seven thousand tests and what they import are there to stay: the garbage collector need not look at them."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden from what is produced now"
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository: dev follows the sources, prod a pinned copy; one pipeline with every kind of group."""
    root = tmp_path / "repository"
    shutil.copytree(HERE / "data/repository", root)
    shutil.copytree(project.PROJECT / "templates/delivery", root / "templates/delivery")
    return root


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command as its script would, error boundary included."""

    def run(name: str, *arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", [f"{name}.py", *map(str, arguments)])
        capfd.readouterr()
        code = console.run(name)
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture(scope="session")
def executor() -> Iterator[Prepared]:
    """A process that has imported what KFP's executor of a Python component imports."""
    with prepared("kfp.dsl.executor", "argparse", _KFP_RUNTIME="true") as found:
        yield found


@pytest.fixture(scope="session")
def localrun(executor: Prepared) -> Iterator[Prepared]:
    """A process that has imported the local executor, and kfp as it does; its tasks are forks, too."""
    modules = ("kfp_gitops.local.localrun.__main__", "kfp_gitops.compiling.compiler.sdk", "prepared_tasks")
    with prepared(*modules, PREPARED_EXECUTOR=executor.program) as found:
        yield found


@pytest.fixture
def quick_tasks(executor: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks that are run here are forks of a process that has imported KFP's executor."""
    monkeypatch.setattr("kfp_gitops.local.localrun.tasks.sys", SimpleNamespace(executable=executor.program))


@pytest.fixture
def quick_runs(localrun: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local runs that commands start, and their tasks, are forks."""
    monkeypatch.setattr("kfp_gitops.local.job.sys", SimpleNamespace(executable=localrun.program))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that are sent again are sent again at once, and five times in all."""
    from kfp_gitops.kfpserver.kfpapi.retry import Backoff

    made = Backoff.__post_init__

    def five_tries(found: Backoff) -> None:
        object.__setattr__(found, "tries", found.tries or 5)
        made(found)

    monkeypatch.setattr("kfp_gitops.kfpserver.kfpapi.retry.random.uniform", lambda low, high: 0.0)
    monkeypatch.setattr(Backoff, "__post_init__", five_tries)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/<name>; a missing golden fails, --update-golden rewrites."""

    def check(name: str, text: str) -> None:
        path = HERE / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assert path.is_file(), f"{path} is missing; run pytest --update-golden and review it"
        assert text == path.read_text("utf-8")

    return check
