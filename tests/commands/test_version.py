"""--version of every script and of the package: what runs, the same in a repository and in an image made of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import gitrepo
import pytest
from kfp_gitops.base import identity
from project import PROJECT

SCRIPTS = sorted(path.name for path in (PROJECT / "scripts").glob("*.py"))
LINE = r"kfp-gitops \d+\.\d+\.\d+ \(commit .+, package sha256:[0-9a-f]{12}, (kfp [\d.]+|no kfp), Python [\d.]+\)\n"


def _version(*words: str, cwd: Path = PROJECT, **more: str) -> str:
    given = {name: value for name, value in os.environ.items() if name != identity.COMMIT} | more
    done = subprocess.run(
        [sys.executable, *words, "--version"], cwd=cwd, env=given, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_says_what_runs(name: str) -> None:
    said = _version(f"scripts/{name}")
    if name == "devserver.py":  # which shares no code with the rest
        assert re.fullmatch(r"kfp-gitops \d+\.\d+\.\d+, answers as KFP 2\.17\.0 does\n", said)
    else:
        assert re.fullmatch(LINE, said)


def test_a_subcommand_and_the_package_say_the_same() -> None:
    said = _version("scripts/render.py")
    assert _version("scripts/reconcile.py", "plan") == said
    assert _version("-m", "kfp_gitops", PYTHONPATH=str(PROJECT / "scripts")) == said
    library = _version("-m", "predictive_scaling", PYTHONPATH=str(PROJECT / "components/src"))
    assert re.fullmatch(r"predictive-scaling \d+\.\d+\.\d+\n", library)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """As an image has it: the package alone, and what Python compiled of it."""
    found = tmp_path / "package"
    shutil.copytree(PROJECT / "scripts/kfp_gitops", found / "kfp_gitops")
    return found


def test_an_image_says_its_commit_and_the_digest_of_the_repository(package: Path) -> None:
    said = _version("-m", "kfp_gitops", cwd=package, PYTHONPATH=str(package), KFP_GITOPS_COMMIT="ab12" * 10)
    assert "(commit ab12ab12ab12, package" in said
    assert re.findall("sha256:[0-9a-f]+", said) == re.findall(
        "sha256:[0-9a-f]+", _version("scripts/render.py")
    )
    assert "KFP_GITOPS_COMMIT=$COMMIT" in (PROJECT / "scripts/Dockerfile").read_text("utf-8")


def test_without_git_the_commit_is_not_known(package: Path) -> None:
    said = _version("-m", "kfp_gitops", cwd=package, PYTHONPATH=str(package), PATH="/nowhere")
    assert "(commit not known, " in said


def test_what_is_not_committed_is_told(package: Path) -> None:
    gitrepo.git(package, "init", "--quiet")
    gitrepo.git(package, "add", ".")
    gitrepo.git(package, "commit", "--quiet", "-m", "all of it")
    commit = gitrepo.git(package, "rev-parse", "HEAD").strip()
    said = _version("-m", "kfp_gitops", cwd=package, PYTHONPATH=str(package))
    assert f"(commit {commit[:12]}, " in said
    (package / "kfp_gitops/base/added.py").write_text("")
    again = _version("-m", "kfp_gitops", cwd=package, PYTHONPATH=str(package))
    assert f"(commit {commit[:12]} and changes that are not committed, " in again
    assert re.findall("sha256:[0-9a-f]+", said) != re.findall("sha256:[0-9a-f]+", again)
