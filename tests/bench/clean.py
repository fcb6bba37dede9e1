"""A virtual environment with nothing but a lock file in it, as an image or a fork has it. Kept between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path


def from_lock(lock: Path) -> Path:
    """The folder of an environment made from a lock (hashes required); made once for each content of the lock."""
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kfp-gitops"
    folder = cache / f"{lock.stem}-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
            _uv("pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "--python", str(python(folder)),
                "--requirement", str(lock))  # fmt: skip
            (folder / "complete").touch()
    return folder


def python(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin/python"


def _uv(*arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).parent / "uv"), *arguments], check=True)
