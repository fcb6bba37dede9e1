"""This work tree as a repository, to be cloned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from delivery.ci import run
from project import PROJECT


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This work tree as a repository with one commit."""
    folder = tmp_path_factory.mktemp("original") / "repository"
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines()
    for name in listed:
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    for command in (
        ("git", "init", "--quiet", "--initial-branch=main"),
        ("git", "config", "user.name", "test"),
        ("git", "config", "user.email", "test@example.com"),
        ("git", "add", "--all"),
        ("git", "commit", "--quiet", "--message", "start"),
    ):
        assert run(*command, cwd=folder).returncode == 0
    return folder


@pytest.fixture
def clone(original: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    assert run("git", "clone", "--quiet", original, folder).returncode == 0
    for key, value in (("user.name", "test"), ("user.email", "test@example.com")):
        run("git", "config", key, value, cwd=folder)
    return folder
