"""`packages_to_install`: a component's `pip install` at start, left out where everything is here already.

The SDK adds its own version to what a component installs. A step that another 2.x compiled runs with the one that is
here: a step is compiled to a program that only asks for the executor of kfp 2 (kfp.dsl.executor_main).
With `SubprocessRunner(use_venv=False)` that step would change the environment that runs us, two tasks at a time.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

# What kfp.dsl.component_factory writes before the command proper: sh -c '… pip install … && "$0" "$@"' sh -ec …
_PRELUDE = 3
_INSTALL = "-m pip install "
_WITH_VALUE = ("--index-url", "--extra-index-url", "--trusted-host", "--find-links", "-i", "-f")

_PIN = re.compile(r"kfp==(2\.[0-9A-Za-z.-]+)")
_WITHOUT = frozenset(("--no-deps", "--no-dependencies"))


def without_install(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command as kfp compiles it for a component that installs nothing."""
    return command[_PRELUDE:] if _installs(command) else command


def missing(command: tuple[str, ...]) -> list[str]:
    """The requirements of a command's install step that this environment does not satisfy."""
    if not _installs(command):
        return []
    return [
        each
        for words in _installed_by(command)
        for each in _requirements(words)
        if not _here(each) and not _pinned_by_sdk(each, words)
    ]


def other_kfp(command: tuple[str, ...]) -> str:
    """The version of kfp that a command was compiled with and would install, if it is not the one that is here."""
    if not _installs(command):
        return ""
    found = (_pinned_by_sdk(each, words) for words in _installed_by(command) for each in _requirements(words))
    version = next(filter(None, found), "")
    return "" if version == installed("kfp") else version


def installed(name: str) -> str:
    """The version of a distribution that is here; raises PackageNotFoundError. Most runs ask of none: a late import."""
    from importlib.metadata import version as found

    return found(name)


def _installed_by(command: tuple[str, ...]) -> list[list[str]]:
    """The words of each of its install commands; of one that no shell could read, as they stand: none is ever here."""
    parts = [part.partition("&&") for part in command[2].split(_INSTALL)[1:]]
    return [_words(part) for part, end, _ in parts if end]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _pinned_by_sdk(text: str, words: Sequence[str]) -> str:
    """The 2.x version in the requirement that the SDK writes for itself (kfp.dsl.component_factory), if 2.x is here."""
    found = _PIN.fullmatch(text)
    own = found and not _WITHOUT.isdisjoint(words) and installed("kfp").startswith("2.")
    return found[1] if found and own else ""


def _installs(command: tuple[str, ...]) -> bool:
    return command[:2] == ("sh", "-c") and "-m pip install" in command[2] and command[3:5] == ("sh", "-ec")


def _requirements(arguments: Sequence[str]) -> Iterator[str]:
    words = iter(arguments)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            yield word


def _here(text: str) -> bool:
    from importlib.metadata import PackageNotFoundError

    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate():
            return True
        return requirement.specifier.contains(installed(requirement.name), prereleases=True)
    except (InvalidRequirement, PackageNotFoundError):
        return False
