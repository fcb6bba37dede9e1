"""docs/environments.md: its commands are run, in its order, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import copies
import pytest
from project import PROJECT

_FOLDERS = ("argocd", "components", "environments", "manifests", "scripts", "templates")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in _FOLDERS:
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    copies.compiled(tmp_path)
    return tmp_path


def test_an_environment_is_added_as_documented(copy: Path) -> None:
    page = (PROJECT / "docs/environments.md").read_text("utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, expected = text.partition("\n")
        own = re.sub(r"^python ", f"{sys.executable} ", line)
        done = subprocess.run(
            ["sh", "-c", own], cwd=copy, env=kept, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, (line, said)
        missing = [part for part in re.split(r"\n|…", expected) if part.strip() and part.strip() not in said]
        assert not missing, (line, missing, said)
    assert (copy / "manifests/stage/versions.lock.yaml").is_file()
