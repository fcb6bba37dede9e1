"""The repository that the product's tests work on: the code of this one, with the inputs that the product ships.

A fork has environments, pipelines, components and owners of its own, and the tests of the product are not about
them: they see those of `tests/shipped`, a copy of what ships. What is generated from them is generated here.

`python tests/assembly.py` (`make shipped`) writes that copy anew, in the product's own repository.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gitrepo
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SHIPPED = HERE / "shipped"
# Where everything that this run of tests assembles lies; its workers and their children inherit it.
FOLDER = "KFP_GITOPS_TESTS_FOLDER"

_INPUTS = re.compile(
    r"(environments|templates/pipelines|components/(?!src/)[^/]+|\.github/local-runs)/.+|\.github/CODEOWNERS"
)
_FOLLOWS = re.compile(r"(manifests|argocd|tests/components|tests/pipelines)/.+")


def names(root: Path = ROOT) -> Iterator[str]:
    """The files that git knows or would know, as they are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    yield from (name for name in listed.stdout.split("\0") if name and (root / name).is_file())


def inputs(root: Path = ROOT) -> dict[str, bytes]:
    """What a fork changes, without what is generated from it."""
    return {name: (root / name).read_bytes() for name in names(root) if _INPUTS.fullmatch(name)}


def own(root: Path) -> list[str]:
    """The files that a fork changes, with what is generated from them."""
    return [name for name in names(root) if _INPUTS.fullmatch(name) or _FOLLOWS.fullmatch(name)]


def shipped() -> dict[str, bytes]:
    """The same of the product."""
    found = (path.relative_to(SHIPPED).as_posix() for path in SHIPPED.rglob("*") if path.is_file())
    return {name: (SHIPPED / name).read_bytes() for name in found if _INPUTS.fullmatch(name)}


def is_product() -> bool:
    """Whether this is the product's own repository: a fork has set an id of its own."""
    return _id(ROOT) == _id(SHIPPED)


def _id(root: Path) -> object:
    return yaml.safe_load((root / "environments/base.yaml").read_text("utf-8"))["repository"]["id"]


def project() -> Path:
    """The repository for the product's tests: this one where its inputs are those that ship, else an assembled one.

    It is assembled once (some seconds), whoever of the workers needs it first.
    """
    if inputs() == shipped():
        return ROOT
    return once(hashlib.sha256(str(ROOT).encode()).hexdigest()[:12], assemble)


def once(name: str, make: Callable[[Path], object]) -> Path:
    """A folder that all workers of this run of tests share, made by the first one that needs it."""
    made = _shared() / name
    with (_shared() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            half = made.with_name(f"{name}-half")
            shutil.rmtree(half, ignore_errors=True)
            make(half)
            half.rename(made)
    return made


def start() -> None:
    """Before there are workers: the folder that they share, which goes when the run ends."""
    _shared()


def _shared() -> Path:
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="kfp-gitops-tests-")
        atexit.register(shutil.rmtree, os.environ[FOLDER], ignore_errors=True)
    return Path(os.environ[FOLDER])


def assemble(target: Path) -> None:
    """The code of this repository, the product's inputs, and what they render to; committed."""
    for name in set(names()).difference(own(ROOT)):
        _copy(ROOT / name, target / name)
    for name in shipped():
        _copy(SHIPPED / name, target / name)
    _render(target)
    gitrepo.init(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _render(root: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for words in (["render.py", "--all", "--lock"], ["prometheus_rules.py"]):
        command = [sys.executable, f"scripts/{words[0]}", *words[1:]]
        done = subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def refresh() -> None:
    """Make tests/shipped what this repository ships."""
    assert is_product(), "this repository has an id of its own: what the product ships comes from the product"
    shutil.rmtree(SHIPPED)
    for name in inputs():
        _copy(ROOT / name, SHIPPED / name)


if __name__ == "__main__":
    refresh()
