"""`python -m kfp_gitops` names the commands that work where it is, and what each does; others it looks for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from kfp_gitops import commands
from kfp_gitops.commands import known
from project import PROJECT


def _call(scripts: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kfp_gitops", *words],
        env={"PYTHONPATH": str(scripts), "COLUMNS": "200"}, cwd=scripts, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _named(text: str) -> dict[str, str]:
    """Command → what it does."""
    return dict(line.split(maxsplit=1) for line in text.splitlines() if line.startswith("  "))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as an image has it: without the scripts and without a repository around it."""
    found = tmp_path_factory.mktemp("package")
    shutil.copytree(
        PROJECT / "scripts/kfp_gitops", found / "kfp_gitops", ignore=shutil.ignore_patterns("__pycache__")
    )
    return found


def test_the_commands_it_names_are_the_modules_with_a_main() -> None:
    modules = {
        found.name: import_module(f"{commands.__name__}.{found.name}")
        for found in iter_modules(commands.__path__)
    }
    wanted = sorted(name for name, module in modules.items() if hasattr(module, "main"))
    assert [each.name for each in known.commands()] == wanted
    assert {each.name: each.lacks for each in known.commands() if each.lacks} == {}


def test_each_is_told_in_one_line() -> None:
    done = _call(PROJECT / "scripts", "--help")
    assert done.returncode == 0
    assert sorted(_named(done.stdout)) == [each.name for each in known.commands()]
    assert all(about.strip() and '"' not in about for about in _named(done.stdout).values())


def test_where_there_are_no_scripts_what_runs_them_is_not_named_and_the_others_work(alone: Path) -> None:
    named = _named(_call(alone, "--help").stdout)
    assert "demo" not in named
    assert "render" in named
    for name in named:
        done = _call(alone, name, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert "scripts/" not in done.stdout.replace("python scripts/demo.py", ""), name


def test_what_does_not_work_here_says_why(alone: Path) -> None:
    done = _call(alone, "demo")
    assert done.returncode == 2
    assert "'demo' does not work here: it runs the scripts of a repository" in done.stderr


def test_without_the_sdk_what_needs_it_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "find_spec", lambda name: None if name.startswith("kfp") else object())
    lacking = {each.name: each.lacks for each in known.commands() if each.lacks}
    assert {"components", "reconcile", "run"} <= set(lacking)
    assert not {"render", "diff", "policy", "promote", "new"} & set(lacking)
    assert lacking["run"] == "the Python package kfp is not installed"


def test_what_needs_no_sdk_says_so_by_working_without_it(tmp_path: Path) -> None:
    """What a clean clone has: the packages of requirements.lock alone."""
    (tmp_path / "kfp.py").write_text("raise ModuleNotFoundError('no kfp', name='kfp')\n")
    (tmp_path / "kfp_server_api.py").write_text("raise ModuleNotFoundError('none', name='kfp_server_api')\n")
    (tmp_path / "kfp_gitops").symlink_to(PROJECT / "scripts/kfp_gitops")
    for name in sorted({each.name for each in known.commands()} - set(known._NEEDS)):
        assert _call(tmp_path, name, "--help").returncode == 0


def test_a_command_that_it_has_not_is_looked_for_among_those_it_has() -> None:
    done = _call(PROJECT / "scripts", "rendr")
    assert done.returncode == 2
    assert "no command 'rendr'; did you mean 'render'? The commands are: artifact, " in done.stderr
    assert "did you mean" not in _call(PROJECT / "scripts", "xyzzy").stderr


def test_no_command_at_all_is_told_what_there_is() -> None:
    done = _call(PROJECT / "scripts")
    assert (done.returncode, done.stdout) == (2, "")
    assert "render" in _named(done.stderr)
