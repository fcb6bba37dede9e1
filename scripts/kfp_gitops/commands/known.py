"""Which commands there are, what each does, and which of them work where this package is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.commands.common import scripts_are_there

_FOLDER = Path(__file__).parent
_MAIN = re.compile(r"^def main\(", re.MULTILINE)
_ABOUT = re.compile(r'"""`\w+`: (?P<about>[^\n]+)')
_OF_SCRIPTS = frozenset({"demo", "fix"})
"""They run the scripts themselves."""
_NEEDS = {
    "components": ("kfp",),
    "demo": ("kfp", "kfp_server_api"),
    "doctor": ("kfp", "kfp_server_api"),
    "import": ("kfp",),
    "policy": ("jsonschema",),
    "reconcile": ("kfp", "kfp_server_api"),
    "run": ("kfp", "kfp_server_api"),
}
"""Packages beside those of requirements.lock, without which a command does nothing at all."""


@dataclass(frozen=True)
class Known:
    """A command, what it does in a line, and why it does not work here: empty where it does."""

    name: str
    about: str
    lacks: str = ""


def commands() -> list[Known]:
    """All that have a `main`, by name; their sources are read, for importing them all takes seconds."""
    return sorted(_all(), key=lambda each: each.name)


def _all() -> Iterator[Known]:
    for path in [*_FOLDER.glob("*.py"), *_FOLDER.glob("*/__init__.py")]:
        name = path.stem if path.parent == _FOLDER else path.parent.name
        text = path.read_text("utf-8")
        if _MAIN.search(text):
            found = _ABOUT.match(text)
            about = found["about"].partition(". ")[0].rstrip('".:') if found else ""
            yield Known(name, about, _lacks(name))


def _lacks(name: str) -> str:
    if name in _OF_SCRIPTS and not scripts_are_there():
        return f"it runs the scripts of a repository: run scripts/{name}.py there"
    missing = [package for package in _NEEDS.get(name, ()) if find_spec(package) is None]
    return f"the Python package {missing[0]} is not installed" if missing else ""
