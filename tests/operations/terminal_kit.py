"""A shell in a clone of the repository, in which `python`, `kubectl` and `argocd` are what tests have for them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from project import HERE, PROJECT, Outcome
from servers.prepared import Prepared, modules_of, prepared
from servers.process import program

_COMMANDS = ("run", "doctor", "promote", "render", "reconcile")
_LATER = (
    "base",
    "commands/reconcile",
    "compiling/compiler",
    "kfpserver",
    "operate",
    "reconcile",
    "rendering",
    "review",
)
"""Of what is in these folders the commands import much only once they need it."""
_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "oncall"), ("EMAIL", "oncall@example.com"))
}


@dataclass(frozen=True)
class Terminal:
    """A folder with the repository's scripts, and a shell that finds `python`, `kubectl` and `argocd`."""

    root: Path
    path: str
    programs: Path

    def run(self, line: str, **variables: str) -> Outcome:
        """One line, as somebody types it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KFP_", "KF_"))}
        own = {"PATH": self.path, "REAL_PATH": os.environ["PATH"], "PYTHONPATH": str(self.root / "scripts")}
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.root,
            env={**kept, **_WHO, **own, "XDG_CACHE_HOME": str(self.programs / "cache"), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def asked(self) -> list[list[str]]:
        """What kubectl and argocd were asked."""
        log = self.programs / "asked.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def answers(self, answers: Mapping[str, str]) -> None:
        """What they say: beginning of a command line → text."""
        (self.programs / "answers.json").write_text(json.dumps(answers))

    def clean(self) -> None:
        """As before the first command, but for the scripts."""
        for path in self.root.iterdir():
            if path.name != "scripts":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in self.programs.iterdir():
            if path.name not in ("kubectl", "argocd"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.answers({})


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    """With commands that begin at once, for their modules are imported already."""
    root, programs = folder / "clone", folder / "programs"
    root.mkdir()
    programs.mkdir()
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "scripts", root / "scripts", ignore=skipped)
    program("kubectl")
    for name in ("kubectl", "argocd"):
        call = [sys.executable, "-I", "-S", str(HERE / "operations/fake_program.py"), str(programs), name]
        (programs / name).write_text(f'#!/bin/sh\nexec {" ".join(call)} "$@"\n')
        (programs / name).chmod(stat.S_IRWXU)
    modules = [*(f"kfp_gitops.commands.{name}" for name in _COMMANDS), *modules_of(*_LATER)]
    with prepared(*modules, PYTHONPATH=str(root / "scripts")) as python:
        yield Terminal(root, _path(programs, python), programs)


def _path(programs: Path, python: Prepared) -> str:
    return os.pathsep.join([str(programs), str(Path(python.program).parent), os.environ["PATH"]])
