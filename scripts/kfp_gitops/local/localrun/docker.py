"""Container components by Docker: the image's own program, with the run's folder at the same path inside.

Only the client is used, by name; the container's network, user and working folder are what the image says.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_ANSWERS_WITHIN_SECONDS = 10
# Where Component YAML puts an input that may be missing, as kfp writes it into command and args (kfp.dsl.placeholders).
_STRUCTURES = ('{"IfPresent": ', '{"Concat": ')


@cache
def available() -> bool:
    """Whether a Docker engine answers."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ANSWERS_WITHIN_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def command(
    image: str,
    name: str,
    entrypoint: Sequence[str],
    args: Sequence[str],
    env: Mapping[str, str | None],
    mounts: Mapping[Path, str],
) -> tuple[str, ...]:
    """`docker run` for one task; a variable whose value is None is taken over from this process.

    `mounts` maps a path, which is the same inside, to `rw` or `ro`. As in Kubernetes, a command replaces the
    image's entrypoint, and without one the args are given to it.
    """
    options = ["--rm", "--init", "--name", name]
    for path, mode in mounts.items():
        options += ["--volume", f"{path}:{path}:{mode}"]
    for variable, value in env.items():
        options += ["--env", variable if value is None else f"{variable}={value}"]
    if entrypoint:
        options += ["--entrypoint", entrypoint[0]]
    return ("docker", "run", *options, image, *entrypoint[1:], *args)


def remove(name: str) -> tuple[str, ...]:
    """The command that ends a container whose client was killed."""
    return ("docker", "rm", "--force", name)


def resolved(parts: Iterable[str], present: Iterable[str]) -> list[str]:
    """Parts of a command with `IfPresent` and `Concat` carried out, given the inputs that have a value."""
    given = set(present)
    return [text for part in parts for text in _resolved(part, given)]


def _resolved(part: str, present: set[str]) -> Iterator[str]:
    if part.startswith(_STRUCTURES):
        yield from _structure(json.loads(part), present)
    else:
        yield part


def _structure(value: Any, present: set[str]) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _structure(item, present)
        case {"Concat": list(items)}:
            yield "".join(text for item in items for text in _structure(item, present))
        case {"IfPresent": {"InputName": name, "Then": then, **otherwise}}:
            yield from _structure(then if name in present else otherwise.get("Else", []), present)
