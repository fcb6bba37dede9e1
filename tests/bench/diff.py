"""The semantic diff of 200 changed pipelines out of 1,000, and of one shared component of 500, against git's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from . import fleet, generator
from .house import ROOT, Command, Row, Settings, compare

SIZE = 1000
_CODE = "return len(taken)"
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
    yield _of_a_page(settings, changed, size)
    yield _of_a_component(settings)


def _of_a_page(settings: Settings, changed: int, size: int) -> Row:
    """The page with its drawings against the comment, of the same change."""
    ours = [sys.executable, str(ROOT / "scripts/diff.py"), "--env", "dev", "--root", str(settings.folder)]
    page, comment = (
        Command(
            f"diff.py --format {form}",
            ["sh", "-c", '"$@"; test $? = 2', "diff", *ours, "--format", form],
            _remembering(settings.folder),
        )
        for form in ("html", "markdown")
    )
    note = "wanted: at most 1.5 times as long"
    return compare(f"the page of {changed} of {size} changed pipelines", page, comment, settings, note=note)


def _of_a_component(settings: Settings) -> Row:
    """Another line in the code of one component, in half a thousand pipelines of two thousand."""
    root, size = settings.folder / "fleet", 2 * (settings.size or SIZE)
    before, touched = _fleet(root, size)
    ours = [sys.executable, str(ROOT / "scripts/diff.py"), "--env", "dev", "--root", str(root)]
    markdown = Command("", [*ours, "--format", "markdown"], _remembering(root))
    found = compare(
        f"a component of {touched} of {size} pipelines changed",
        Command("diff.py --env dev", ["sh", "-c", '"$@"; test $? = 1', "diff", *ours], _remembering(root)),
        Command("git diff", ["git", "-C", str(root), "diff", "--no-ext-diff", "--", "manifests"]),
        settings,
        note="wanted: a comment that is told once, and no larger than the list of the pipelines' names",
    )
    return replace(found, details=[{**before, **_comment(markdown)}])


def _fleet(root: Path, size: int) -> tuple[dict[str, str | float], int]:
    """Render, lock and commit the repository, then change a component and render again: (what git says, touched)."""
    instances = fleet.repository(root, size)
    _render(root)
    commit(root)
    path = root / "components/load_0/component.yaml"
    text = path.read_text("utf-8")
    assert _CODE in text, "the component's code has such a line"
    path.write_text(text.replace(_CODE, f"{_CODE} + 0", 1), "utf-8")
    _render(root)
    files = _git(root, "diff", "--numstat", "--", "manifests").splitlines()
    lines = [line.split("\t") for line in files]
    texts = [line for line in lines if line[0] != "-"]
    said: dict[str, str | float] = {
        "files changed": str(len(lines) + len(_git(root, "ls-files", "--others", "manifests").splitlines())),
        "archives of them": str(len(lines) - len(texts)),
        "lines changed": str(sum(int(added) + int(removed) for added, removed, _ in texts)),
    }
    return said, sum(one.shape.component("load") == "load_0" for one in instances)


def _render(root: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "scripts/render.py"), "--all", "--lock", "--root", str(root)],
        check=True,
        capture_output=True,
        env={**os.environ, **_remembering(root)},
    )


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout


def _comment(command: Command) -> dict[str, str | float]:
    done = subprocess.run(
        command.argv, check=False, capture_output=True, text=True, env={**os.environ, **command.environment}
    )
    headings = [line for line in done.stdout.splitlines() if line.startswith("### ")]
    return {"comment, characters": str(len(done.stdout)), "sections in it": str(len(headings))}


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
