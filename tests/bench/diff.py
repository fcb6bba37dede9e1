"""The semantic diff of 200 changed pipelines out of 1,000, against git's textual diff of the same files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import generator
from .house import ROOT, Command, Row, Settings, compare

SIZE = 1000
_WHO = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"]


def rows(settings: Settings) -> Iterator[Row]:
    """Every fifth pipeline gets another retry count; nothing is compiled, the manifests are compared."""
    size = settings.size or SIZE
    changed = change(settings.folder, size)
    ours = [sys.executable, str(ROOT / "scripts/diff.py"), "--env", "dev", "--root", str(settings.folder)]
    yield compare(
        f"{changed} of {size} pipelines changed",
        # 2: edited by hand
        Command(
            "diff.py --env dev",
            ["sh", "-c", '"$@"; test $? = 2', "diff", *ours],
            _remembering(settings.folder),
        ),
        Command("git diff", ["git", "-C", str(settings.folder), "diff", "--no-ext-diff", "--", "manifests"]),
        settings,
        note="wanted: at most 10 s for 200 of 1,000",
    )


def _remembering(root: Path) -> dict[str, str]:
    """As after a rendering: what it remembers is in the user's cache."""
    return {"XDG_CACHE_HOME": f"{root}-cache"}


def change(root: Path, size: int) -> int:
    """Make, render and commit the repository, then change every fifth manifest; returns how many."""
    generator.repository(root, size)
    subprocess.run(
        [sys.executable, str(ROOT / "scripts/render.py"), "--all", "--root", str(root)],
        check=True,
        capture_output=True,
        env={**os.environ, **_remembering(root)},
    )
    commit(root)
    return edit(root)


def commit(root: Path) -> None:
    """All of it, in a repository of its own."""
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        subprocess.run(["git", *_WHO, *arguments], cwd=root, check=True, capture_output=True)


def edit(root: Path) -> int:
    """Change every fifth manifest; returns how many."""
    manifests = sorted((root / "manifests/dev/pipelines").glob("*/pipeline.yaml"))[::5]
    for path in manifests:
        text = path.read_text("utf-8")
        path.write_text(text.replace("count: 1", "count: 2", 1), "utf-8")
    return len(manifests)
