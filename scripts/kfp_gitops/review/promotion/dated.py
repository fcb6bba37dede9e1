"""When an environment came to have its releases, and which ones it had before, by its merged manifests.

One git process for all its pipelines: of 10,000 `blame` takes a third of a second, whatever the history's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from kfp_gitops.base import git

MOST = 30
"""Commits that are searched for earlier releases, newest first: each takes some 15 ms in a fleet of 10,000."""
_NAME = re.compile(r"- name: [\"']?([a-z0-9-]+)[\"']?")
_RELEASE = re.compile(r"  release: [\"']?(sha256:[0-9a-f]{64})[\"']?")
_COMMIT = re.compile(r"[0-9a-f]{40,64} \d+ \d+")
_HEXADECIMAL = frozenset("0123456789abcdef")
_LOG = (
    "--first-parent", "-m", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--text", "--relative",
    "--unified=3", "--patch", "--format=",
)  # fmt: skip


@dataclass(frozen=True)
class Dated:
    """What Git knows of an environment's releases; nothing outside of a repository, and before the first commit."""

    root: Path
    environment: str

    def since(self, pipeline: str, release: str) -> datetime | None:
        """When the merge came that brought it; None where what is merged is another release."""
        found, moment = self._merged.get(pipeline, ("", None))
        return moment if found == release else None

    def had(self, pipeline: str, release: str) -> bool:
        """Whether one of the last merges brought it, whatever came after."""
        return release in self._earlier.get(pipeline, ())

    @cached_property
    def _merged(self) -> Mapping[str, tuple[str, datetime]]:
        """Pipeline → the release that HEAD has, and when the merge was that brought it."""
        blame = (
            "blame",
            "--porcelain",
            "--first-parent",
            "--root",
            "--no-textconv",
            "HEAD",
            "--",
            self._path,
        )
        times: dict[str, datetime] = {}
        return {
            name: (release, times[commit])
            for name, release, commit in _blamed(self._lines("-c", "blame.ignoreRevsFile=", *blame), times)
        }

    @cached_property
    def _earlier(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, release in _brought(
            self._lines("log", f"--max-count={MOST}", *_LOG, "HEAD", "--", self._path)
        ):
            found.setdefault(name, set()).add(release)
        return found

    @property
    def _path(self) -> str:
        return f"manifests/{self.environment}/environment.yaml"

    def _lines(self, *arguments: str) -> list[str]:
        if not any(
            (folder / ".git").exists() for folder in (self.root.resolve(), *self.root.resolve().parents)
        ):
            return []
        done = git.call(self.root, *arguments)
        return done.stdout.decode(errors="replace").split("\n") if done.returncode == 0 else []


def _blamed(lines: Iterable[str], times: dict[str, datetime]) -> Iterator[tuple[str, str, str]]:
    """(pipeline, release, commit that wrote the release); `times` gets when each commit was."""
    commit = name = ""
    for line in lines:
        if line.startswith("\t- name: "):
            name = said[1] if (said := _NAME.fullmatch(line, 1)) else ""
        elif line.startswith("\t  release: "):
            if name and (said := _RELEASE.fullmatch(line, 1)):
                yield name, said[1], commit
        elif line[:1] in _HEXADECIMAL and _COMMIT.match(line):
            commit = line.partition(" ")[0]
        elif line.startswith("committer-time "):
            times[commit] = datetime.fromtimestamp(int(line.partition(" ")[2]), UTC)


def _brought(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(pipeline, release) of each line that a commit added; the name stands in the lines above it."""
    name = ""
    for line in lines:
        if line.startswith(("diff ", "@@")):
            name = ""
        elif line[:1] in ("+", " ") and (said := _NAME.fullmatch(line, 1)):
            name = said[1]
        elif name and line[:1] == "+" and (said := _RELEASE.fullmatch(line, 1)):
            yield name, said[1]
