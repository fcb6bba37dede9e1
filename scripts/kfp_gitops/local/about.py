"""What a run on this machine is of: kept in its folder, so that two runs can be compared later (`run.json`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kfp_gitops.base import git
from kfp_gitops.base.errors import GitOpsError, UsageError
from kfp_gitops.rendering.rendered import RenderedPipeline

FILE = "run.json"
MAIN, INNER = "manifest/pipeline.yaml", "manifest/inner"
"""The manifest that was run, and the folder of the pipelines inside it."""


@dataclass(frozen=True)
class About:
    """`commit` is what was checked out; `libraries` the digest of each of their files, by its path."""

    pipeline: str
    environment: str
    commit: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=2)


def beside(
    root: Path, environment: str, rendered: RenderedPipeline, libraries: Sequence[Path]
) -> dict[str, str]:
    """The files that a run's folder gets, by their paths."""
    return {
        FILE: of(root, environment, rendered.name, libraries).text(),
        MAIN: rendered.manifest,
        **{f"{INNER}/{name}.yaml": text for name, text in rendered.inner.items()},
    }


def of(root: Path, environment: str, pipeline: str, libraries: Sequence[Path]) -> About:
    """As it stands now; whatever is not in Git has no commit."""
    found = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _modules(libraries)
        if path.is_relative_to(root)
    }
    return About(pipeline, environment, _commit(root), found)


def read(folder: Path) -> About:
    """Of a run; one that was made before this was kept says nothing."""
    try:
        return About(**json.loads((folder / FILE).read_text("utf-8")))
    except FileNotFoundError:
        return About("", "")
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{folder / FILE}: cannot be read ({error}); run that once more") from error


def _modules(libraries: Sequence[Path]) -> Iterator[Path]:
    """What a step may import; data beside it may be large."""
    for library in libraries:
        yield from (path for path in sorted(library.rglob("*.py")) if path.is_file())


def _commit(root: Path) -> str:
    try:
        return git.commit(root, "HEAD") or ""
    except GitOpsError:  # git is not installed
        return ""
