"""Files of npm packages that browsers get in tests: from the registry by their hash, kept on this machine."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import subprocess
import tarfile
from pathlib import Path

from bench import clean

from servers.process import program


def kept(package: str, version: str, integrity: str, member: str) -> Path:
    """One file of a package (its path in the tarball); `integrity` is the registry's `dist.integrity` (sha512)."""
    npm = program("npm")
    folder = clean.folder(package)
    found = folder / f"{version}.{Path(member).name.partition('.')[2]}"
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not found.exists():
            subprocess.run([npm, "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True)
            found.write_bytes(_checked(folder / f"{package}-{version}.tgz", integrity, member))
    return found


def _checked(package: Path, integrity: str, member: str) -> bytes:
    content = package.read_bytes()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == integrity, package
    with tarfile.open(package) as tarball:
        found = tarball.extractfile(member)
        assert found is not None
        return found.read()
