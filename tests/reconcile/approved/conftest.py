"""A world that has a plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from approved_kit import START, World, prepare, served
from kfp_gitops.devserver import ManualClock
from project import Outcome


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        prepare(folder)
    return folder


@pytest.fixture
def world(prepared: Path, tmp_path: Path, command: Callable[..., Outcome]) -> Iterator[World]:
    for name in ("repository", "server"):
        shutil.copytree(prepared / name, tmp_path / name)
    clock = ManualClock(START)
    found = World(
        tmp_path / "repository", tmp_path / "server", command, clock, served(tmp_path / "server", clock)
    )
    found.server.start()
    yield found
    found.server.close()
