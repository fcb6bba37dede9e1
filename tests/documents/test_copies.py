"""Copies of the repository: they come with compiled code, and run what stands in their sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import copies
import gitrepo
import pytest


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copies.committed(tmp_path / "copy")


def _said(copy: Path, code: str) -> str:
    command = [sys.executable, "-I", "-B", "-v", "-c", f"import sys; sys.path.insert(0, 'scripts'); {code}"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_a_copy_need_not_be_compiled_again(copy: Path) -> None:
    said = _said(copy, "import kfp_gitops.base.errors")
    assert "__pycache__/errors.cpython" in said and "code object from" in said
    assert [line for line in said.splitlines() if "# wrote" in line] == []
    assert f"matches {copy}/scripts/kfp_gitops/base/errors.py" in said
    assert gitrepo.git(copy, "status", "--porcelain") == ""


def test_what_is_changed_in_a_copy_is_what_runs(copy: Path) -> None:
    with (copy / "scripts/kfp_gitops/base/errors.py").open("a") as module:
        module.write("CHANGED = 'it is changed'\n")
    assert "it is changed" in _said(copy, "import kfp_gitops.base.errors as e; print(e.CHANGED)")
