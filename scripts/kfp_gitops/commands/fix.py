"""`fix`: mend what `make check` would refuse, as far as a machine can, and say what is left for a person."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base import columns, git
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse

_EXAMPLES = """  python scripts/fix.py            mend, then say what is left; `make fix` is the same
  python scripts/fix.py --quick    without the checks of which nothing can be mended: types, layers, policy

In the order of `make check`: what it would refuse is mended by the command that makes it (ruff, components.py,
reference.py, prometheus_rules.py, render.py --lock), and what it would not refuse is not touched. What no machine can
mend is told as the check tells it. Run again right after, it changes nothing. Look at the diff before you commit."""
_SHOWN = 30
"""Lines of a check that are told."""


@dataclass(frozen=True)
class Check:
    """One line of `make check`: a command that refuses, and the one that mends; None: only a person can."""

    name: str
    check: tuple[str, ...]
    mend: tuple[str, ...] | None = None


CHECKS = (
    Check("lint", ("ruff", "check", "--quiet", "."), ("ruff", "check", "--quiet", "--fix", ".")),
    Check("format", ("ruff", "format", "--check", "--quiet", "."), ("ruff", "format", "--quiet", ".")),
    Check("components", ("components.py", "--check"), ("components.py",)),
    Check("reference", ("reference.py", "--check"), ("reference.py",)),
    Check("rules", ("prometheus_rules.py", "--check"), ("prometheus_rules.py",)),
    Check("render", ("render.py", "--all", "--check"), ("render.py", "--all", "--lock")),
    Check("types", ("mypy",)),
    Check("layers", ("lint-imports", "--no-cache")),
    Check("policy", ("policy.py",)),
)
_MODULES = {"ruff": "ruff", "mypy": "mypy", "lint-imports": "importlinter"}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 1 when something is left for a person."""
    what = "Mend what `make check` would refuse, as far as a machine can, and say what is left for a person."
    parser = Parser("fix.py", what, _EXAMPLES)
    parser.add_argument("--quick", action="store_true", help="only what can be mended")
    arguments = parse(parser, argv)
    wanted = [check for check in CHECKS if check.mend or not arguments.quick]
    wide = max(len(check.name) for check in wanted)
    left = [check.name for check in wanted if not _passes(arguments.root, check, wide)]
    if left:
        console.note(f"left for a person: {', '.join(left)}")
    return ExitCode.DIFFERENCES if left else ExitCode.OK


def _passes(root: Path, check: Check, wide: int) -> bool:
    """Whether it is well in the end; tells what became of it."""
    name = f"{check.name:<{wide}}"
    if missing := _missing(check):
        console.result(
            f"{name}  left: the Python package {missing!r} is not installed (`make demo` makes .venv)"
        )
        return False
    done = _run(root, check.check)
    if done.returncode == ExitCode.OK:
        console.result(f"{name}  fine")
        return True
    mended: list[str] = []
    if check.mend:
        before = _contents(root)
        done = _run(root, check.mend)
        after = _contents(root)
        mended = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        done = _run(root, check.check) if done.returncode == ExitCode.OK else done
    _tell(name, mended, done)
    return done.returncode == ExitCode.OK


def _tell(name: str, mended: Sequence[str], done: subprocess.CompletedProcess[str]) -> None:
    said = [f"mended: {columns.some(mended)}"] if mended else []
    if done.returncode == ExitCode.OK:
        console.result(f"{name}  {said[0] if said else 'fine'}")
        return
    console.result(f"{name}  {'; '.join([*said, 'left:'])}")
    lines = [line for line in _words(done).splitlines() if line.strip()]
    for line in columns.first_of(lines, _SHOWN, "… {more} more lines"):
        console.result(f"  {line}")


def _words(done: subprocess.CompletedProcess[str]) -> str:
    """What a check said, without the picture that import-linter draws."""
    text = f"{done.stdout}{done.stderr}"
    _, drawn, broken = text.partition("Broken contracts")
    return re.sub(r"^-+\n", "", f"{drawn}{broken}" if drawn else text, flags=re.MULTILINE)


def _missing(check: Check) -> str:
    module = _MODULES.get(check.check[0])
    return module if module and find_spec(module) is None else ""


def _run(root: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """A command of this package or of a tool, in the repository."""
    return subprocess.run(
        _command(root, words), cwd=root, env=_environment(root), capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _command(root: Path, words: tuple[str, ...]) -> list[str]:
    first, *others = words
    if first.endswith(".py"):
        return [
            sys.executable,
            str(Path(__file__).resolve().parents[2] / first),
            "--root",
            str(root),
            *others,
        ]
    if first == "lint-imports":  # it has no module to run
        return [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            *others,
        ]
    return [sys.executable, "-m", first, *others]


def _environment(root: Path) -> Mapping[str, str]:
    """As the Makefile gives it."""
    paths = os.pathsep.join(str(root / name) for name in ("scripts", "components/src"))
    return {**os.environ, "PYTHONPATH": paths}


def _contents(root: Path) -> dict[str, str]:
    """File → digest, of those that Git knows or would know; without Git of all that is not hidden."""
    done = git.call(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = done.stdout.decode().split("\0") if done.returncode == 0 else _all(root)
    paths = ((name, root / name) for name in names if name)
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths if path.is_file()}


def _all(root: Path) -> list[str]:
    found = (path.relative_to(root) for path in root.rglob("*"))
    return [path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)]
