"""`packages_to_install`: a component's `pip install` at start, left out where everything is here already.

With `SubprocessRunner(use_venv=False)` that step would change the environment that runs us, two tasks at a time.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import metadata

# What kfp.dsl.component_factory writes before the command proper: sh -c '… pip install … && "$0" "$@"' sh -ec …
_PRELUDE = 3
_INSTALL = re.compile(r"-m pip install (.*?)&&", re.DOTALL)
_WITH_VALUE = ("--index-url", "--extra-index-url", "--trusted-host", "--find-links", "-i", "-f")


def without_install(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command as kfp compiles it for a component that installs nothing."""
    return command[_PRELUDE:] if _installs(command) else command


def missing(command: tuple[str, ...]) -> list[str]:
    """The requirements of a command's install step that this environment does not satisfy."""
    if not _installs(command):
        return []
    return [each for part in _INSTALL.findall(command[2]) for each in _requirements(part) if not _here(each)]


def _installs(command: tuple[str, ...]) -> bool:
    return command[:2] == ("sh", "-c") and "-m pip install" in command[2] and command[3:5] == ("sh", "-ec")


def _requirements(arguments: str) -> Iterator[str]:
    words = iter(shlex.split(arguments))
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            yield word


def _here(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate():
            return True
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except (InvalidRequirement, metadata.PackageNotFoundError):
        return False
