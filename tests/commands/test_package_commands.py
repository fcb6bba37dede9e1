"""`python -m kfp_gitops` without a command names those that there are, and no module that commands share."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from kfp_gitops import commands
from project import PROJECT


def test_the_commands_it_names_are_the_modules_with_a_main(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kfp_gitops", "--help"],
        env={"PYTHONPATH": str(PROJECT / "scripts")}, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    named = done.stderr.split("the commands are: ")[1].split(";")[0].split(", ")
    modules = {
        found.name: import_module(f"{commands.__name__}.{found.name}")
        for found in iter_modules(commands.__path__)
    }
    assert named == sorted(name for name, module in modules.items() if hasattr(module, "main"))
