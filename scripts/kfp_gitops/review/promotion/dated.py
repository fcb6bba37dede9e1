"""When an environment came to have its releases, by its merged manifests: one git process for all its pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from kfp_gitops.base import git

MOST = 100
"""Commits that are looked through; each is a look at the whole environment.yaml of a fleet (tens of milliseconds)."""
_COMMIT = re.compile(r"commit [0-9a-f]{40,64} (\d+)")
_NAME = re.compile(r"[ +]- name: [\"']?([a-z0-9-]+)[\"']?")
_RELEASE = re.compile(r"\+  release: [\"']?(sha256:[0-9a-f]{64})[\"']?")
_HOW = (
    "--first-parent", "-m", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--text", "--relative",
    "--unified=3", "--format=commit %H %ct",
)  # fmt: skip


@dataclass(frozen=True)
class Dated:
    """The releases of an environment's pipelines by the time of the merge that brought them, newest first."""

    by_pipeline: Mapping[str, Sequence[tuple[str, datetime]]] = field(default_factory=dict)

    def since(self, pipeline: str, release: str) -> datetime | None:
        """Since when it is there; None where no merge that was looked at brought it, or another one came after it."""
        newest = self.by_pipeline.get(pipeline, [("", None)])[0]
        return newest[1] if newest[0] == release else None

    def had(self, pipeline: str, release: str) -> bool:
        """Whether it was there once."""
        return any(release == found for found, _ in self.by_pipeline.get(pipeline, ()))


def dated(root: Path, environment: str) -> Dated:
    """What Git knows of it; nothing outside of a repository or before the first commit.

    Raises:
        UsageError: git is not installed.
    """
    if not any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents)):
        return Dated()
    path = f"manifests/{environment}/environment.yaml"
    done = git.call(root, "log", f"--max-count={MOST}", "--patch", *_HOW, "HEAD", "--", path)
    lines = done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else []
    found: dict[str, list[tuple[str, datetime]]] = {}
    for pipeline, release, moment in _brought(lines):
        found.setdefault(pipeline, []).append((release, moment))
    return Dated(found)


def _brought(lines: Sequence[str]) -> Iterator[tuple[str, str, datetime]]:
    """(pipeline, release, when) of each line that a commit added; the name stands in the lines above it."""
    moment, name = datetime.fromtimestamp(0, UTC), ""
    for line in lines:
        if said := _COMMIT.fullmatch(line):
            moment, name = datetime.fromtimestamp(int(said[1]), UTC), ""
        elif said := _NAME.fullmatch(line):
            name = said[1]
        elif name and (said := _RELEASE.fullmatch(line)):
            yield name, said[1], moment
