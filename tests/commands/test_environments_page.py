"""docs/environments.md: its commands are run, in its order, in a copy of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import copies
import pytest
import yaml
from project import PROJECT, snapshot

_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "tests"), ("EMAIL", "tests@example.com"))
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copies.committed(tmp_path)


def _run(copy: Path, section: str) -> None:
    """Every command of a section of the page, with what it says there."""
    page = (PROJECT / "docs/environments.md").read_text("utf-8")
    (part,) = re.findall(rf"^## {section}\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | _WHO
    for block in re.findall(r"^```console\n(.*?)^```$", part, re.MULTILINE | re.DOTALL):
        for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, expected = text.partition("\n")
            own = re.sub(r"\bpython ", f"{sys.executable} ", line)
            done = subprocess.run(
                ["sh", "-c", own], cwd=copy, env=kept, capture_output=True, text=True, check=False
            )
            said = done.stdout + done.stderr
            assert done.returncode == 0, (line, said)
            wanted = [part.strip() for part in re.split(r"\n|…", expected) if part.strip()]
            missing = [part for part in wanted if part not in said]
            assert not missing, (line, missing, said)


def test_an_environment_is_added_as_documented(copy: Path) -> None:
    _run(copy, "One more")
    assert (copy / "manifests/stage/versions.lock.yaml").is_file()


def test_a_third_environment_is_added_and_promoted_through_as_documented(copy: Path) -> None:
    """And nothing else is changed for it: the rest of the repository is as it was."""
    before = {name: content for name, content in snapshot(copy).items() if not name.startswith(".git/")}
    _run(copy, "A third environment")
    after = {name: content for name, content in snapshot(copy).items() if not name.startswith(".git/")}
    changed = {name for name in {**before, **after} if before.get(name) != after.get(name)}
    mine = re.compile(
        r"(environments|manifests)/(dev|staging|prod)/|argocd/|templates/pipelines/predictive-scaling/"
    )
    assert {name for name in changed if not mine.match(name) and "__pycache__" not in name} == set()
    pinned = [snapshot(copy / f"environments/{name}/pinned") for name in ("staging", "prod")]
    assert pinned[0] == pinned[1]
    entries = [
        yaml.safe_load((copy / f"environments/{name}/release.yaml").read_text("utf-8"))["pipelines"]
        for name in ("staging", "prod")
    ]
    staging, prod = (entry["predictive-scaling"] for entry in entries)
    assert (prod["digest"], prod["images"]) == (staging["digest"], staging["images"])
    assert (prod["from"], prod["sources"]) == ("staging", staging["commit"])
