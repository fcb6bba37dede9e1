"""A clone of the small repository, committed, for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from gitrepo import init
from project import PROJECT


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small repository, rendered, locked and committed."""
    from kfp_gitops.compiling import lock
    from kfp_gitops.rendering import render
    from kfp_gitops.rendering import rendered as names

    root = tmp_path_factory.mktemp("diff") / "repository"
    shutil.copytree(PROJECT / "tests/data/repository", root)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    for env in ("dev", "prod"):
        rendered = render.render(root, env)
        for path, text in {**rendered.files(), names.LOCK: lock.compiled(rendered)}.items():
            target = root / rendered.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
    init(root)
    return root


@pytest.fixture
def changed(committed: Path, tmp_path: Path) -> Path:
    """A clone of its own to change."""
    return Path(shutil.copytree(committed, tmp_path / "repository"))
