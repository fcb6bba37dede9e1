"""`demo.py` when a step fails: it says which, and answers what that step answered."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import copies
import pytest
from kfp_gitops.base.errors import ExitCode, ScriptFailedError
from project import PROJECT


def _demo(repository: Path) -> subprocess.CompletedProcess[str]:
    """With the scripts of its own that every repository has."""
    shutil.copytree(PROJECT / "scripts", repository / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    copies.compiled(repository)
    return subprocess.run(
        [sys.executable, repository / "scripts/demo.py"], capture_output=True, text=True, check=False
    )


def test_bad_input_of_a_step_is_bad_input_of_the_demo(repository: Path) -> None:
    (repository / "environments/dev/values.yaml").write_text("follows: nothing\n")
    done = _demo(repository)
    assert done.returncode == ExitCode.BAD_INPUT, done.stderr
    assert "environments/dev/values.yaml:1:10:" in done.stderr
    assert "scripts/render.py ended with exit code 2; the lines above say why" in done.stderr


def test_differences_that_a_step_finds_are_what_the_demo_answers(repository: Path) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text().replace("name: dev", "name: another"))
    done = _demo(repository)
    assert done.returncode == ExitCode.DIFFERENCES, done.stderr
    assert "scripts/render.py ended with exit code 1; the lines above say why" in done.stderr


@pytest.mark.parametrize(
    ("code", "answered"),
    [
        (0, ExitCode.REMOTE_FAILED),
        (1, ExitCode.DIFFERENCES),
        (3, ExitCode.DEFECT),
        (-9, ExitCode.REMOTE_FAILED),
    ],
)
def test_what_is_no_failure_by_itself_is_never_answered(code: int, answered: ExitCode) -> None:
    assert ScriptFailedError("", code).exit_code is answered
