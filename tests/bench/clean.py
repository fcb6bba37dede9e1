"""A virtual environment with nothing but a lock file in it, as an image or a fork has it. Kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kfp-gitops"
"""As it was when this was imported: a test has another one."""


def from_lock(lock: Path) -> Path:
    """The folder of an environment made from a lock (hashes required); made once for each content of the lock."""
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = _cache() / f"{lock.stem}-{key}"
    with (_cache() / f"{folder.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
            _uv("pip", "install", "--quiet", "--require-hashes", "--python", str(python(folder)),
                "--requirement", str(lock))  # fmt: skip
            (folder / "complete").touch()
    return folder


def python(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin/python"


def _uv(*arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).parent / "uv"), *arguments], check=True)


def from_recipe(recipe: Path, context: Path) -> Path:
    """The environment that the first stage of a Dockerfile makes, by its own lines, of what its locks hash.

    No index is reached meanwhile: there is a folder of the hashed files and nothing else, so whatever the build
    would fetch beside them fails. Sources are left out: tests lay their own. Made once for each content.
    """
    lines = _first_stage(recipe)
    locks = [
        context / word for line in lines if line[0] == "COPY" for word in line[1:-1] if word.endswith(".lock")
    ]
    content = recipe.read_bytes() + b"".join(lock.read_bytes() for lock in locks)
    folder = (
        _cache()
        / f"image-{recipe.parent.name}-{hashlib.sha256(content + sys.version.encode()).hexdigest()[:16]}"
    )
    with (_cache() / f"{folder.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _build(lines, context, folder, _hashed(locks, folder / "hashed"))
            shutil.rmtree(folder / "hashed")
            (folder / "complete").touch()
    (environment,) = (folder / "opt").glob("*/bin/python")
    return environment.parents[1]


def folder(name: str) -> Path:
    """A folder that is kept on this machine from one run of the tests to the next."""
    kept = _cache() / name
    kept.mkdir(exist_ok=True)
    return kept


def _cache() -> Path:
    _CACHE.mkdir(parents=True, exist_ok=True)
    return _CACHE


def _first_stage(recipe: Path) -> list[list[str]]:
    text = re.sub(r"(?m)^#.*\n", "", recipe.read_text("utf-8")).replace("\\\n", " ")
    stage = text.split("\nFROM ")[1]
    return [shlex.split(line) for line in stage.splitlines()[1:] if line.strip()]


def _hashed(locks: list[Path], folder: Path) -> dict[str, str]:
    """Variables that make pip see the files that the locks hash, and nothing else."""
    pip = folder.parent / "downloader/bin/pip"
    subprocess.run([sys.executable, "-m", "venv", pip.parents[1]], check=True)
    subprocess.run([pip, "install", "--quiet", "--require-hashes", "--requirement", locks[0]], check=True)
    for lock in locks:
        subprocess.run(
            [pip, "download", "--quiet", "--no-deps", "--require-hashes", "--no-build-isolation", "--use-pep517",
             "--dest", folder, "--requirement", lock],
            check=True,
        )  # fmt: skip
    shutil.rmtree(pip.parents[1])
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_QUIET": "1",
    }


def _build(lines: list[list[str]], context: Path, folder: Path, variables: dict[str, str]) -> None:
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    for name, *words in lines:
        if name == "ENV":
            variables |= dict(word.split("=", 1) for word in words)
        elif name == "COPY":
            place = folder / words[-1].lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            for word in words[:-1]:
                if word.endswith(".lock"):
                    shutil.copy(context / word, place)
        else:
            command = " ".join(word if word == "&&" else shlex.quote(word) for word in words)
            command = command.replace("/opt/", f"{folder}/opt/").replace("/src/", f"{folder}/src/")
            if "compileall" in command:  # of our package; of others Python compiles what tests import
                command = re.sub(r" \S+/lib(?= )", "", command)
            command = command.replace("python -m venv", f"{shlex.quote(sys.executable)} -m venv", 1)
            subprocess.run(["sh", "-ec", command], env=variables, check=True)
