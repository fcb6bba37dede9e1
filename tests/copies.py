"""Copies of the repository that tests work in, with what Python has compiled of it: each would compile it anew.

Only the packages' compiled code is given along, under a check of its source's content: a test that changes a module of
its copy runs what it wrote.
"""

from __future__ import annotations

import compileall
import importlib.util
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import assembly
import gitrepo
from project import PROJECT

_PACKAGES = ("scripts/kfp_gitops", "components/src/predictive_scaling")
# PEP 552: magic, flags, and for these flags the hash of the source; usual ones have its time and size there.
_HEADER, _BY_CONTENT = 16, 0b11


def known(folder: Path) -> Path:
    """The files that git knows or would know, with their times: make compares them."""
    for name in assembly.names(PROJECT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    compiled(folder)
    return folder


def committed(folder: Path) -> Path:
    """The same as a repository with one commit, on the branch main."""
    shutil.copytree(assembly.once("committed", _commit), folder, symlinks=True, dirs_exist_ok=True)
    return folder


def without_tests(folder: Path) -> Path:
    """The same without the tests, which are half of the files, but for the scenarios that are run in it."""
    made = assembly.once("without-tests", _remove_tests)
    shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    return folder


def compiled(folder: Path) -> None:
    """Give a copy of the repository the compiled code of its packages."""
    for package in _PACKAGES:
        if (folder / package).is_dir():
            compiled_package(PROJECT / package, folder / package)


def compiled_package(source: Path, copy: Path) -> None:
    """Give a copy of a package the compiled code of its source."""
    made = assembly.once("bytecode", _compile) / source.relative_to(PROJECT)
    for path in made.rglob("*.pyc"):
        target = copy / path.relative_to(made)
        if target.parent.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            _link(path, target)


def _link(path: Path, target: Path) -> None:
    """Python replaces compiled files, and never writes into one."""
    try:
        os.link(path, target)
    except OSError:  # another file system, or there is one already
        if not target.exists():
            shutil.copyfile(path, target)


def _commit(folder: Path) -> None:
    gitrepo.init(known(folder))
    gitrepo.git(folder, "gc", "--quiet")


def _remove_tests(folder: Path) -> None:
    committed(folder)
    for path in (folder / "tests").iterdir():
        if path.name != "e2e":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    gitrepo.git(folder, "add", "-A")
    gitrepo.git(folder, "commit", "-q", "--amend", "--no-edit")


def _compile(folder: Path) -> None:
    for package in _PACKAGES:
        compileall.compile_dir(PROJECT / package, quiet=2)
        for source in (PROJECT / package).rglob("*.py"):
            made = Path(importlib.util.cache_from_source(str(source)))
            if made.is_file():
                target = folder / made.relative_to(PROJECT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(b"".join(_by_content(made.read_bytes(), source.read_bytes())))


def _by_content(code: bytes, source: bytes) -> Iterator[bytes]:
    yield importlib.util.MAGIC_NUMBER + struct.pack("<I", _BY_CONTENT)
    yield importlib.util.source_hash(source)
    yield code[_HEADER:]
