"""What rendering gives: texts by path, and the names of files in manifests/<env>/. Needs neither Jinja nor kfp."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.places import Plain, Source
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import sha256

LOCK = "versions.lock.yaml"
ENVIRONMENT = "environment.yaml"
INNER = "pipelines"  # the folder of the pipelines inside a pipeline
_FOR_EVER = "9999-01-01T00:00:00Z"


def identity(texts: Iterable[tuple[str, str]]) -> str:
    """The digest of a pipeline's files, (path below manifests/<env>/, text) each: what a lock is made from."""
    return f"sha256:{sha256(json.dumps({path: sha256(text) for path, text in texts}, sort_keys=True))}"


def paused_until(environment: Mapping[str, Any], pipeline: Mapping[str, Any]) -> Any:
    """Until when a pipeline of environment.yaml is paused (RFC 3339): for ever in one that is turned off."""
    return _FOR_EVER if environment.get("state") == "disabled" else pipeline.get("pausedUntil")


@dataclass(frozen=True)
class RenderedPipeline:
    """A pipeline's manifest, and its component specs or its compiled IR: what the compiler takes."""

    name: str
    release: str
    manifest: str
    specs: Mapping[str, str]
    irs: Mapping[str, str] = field(default_factory=dict)
    inner: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    def files(self) -> Iterator[tuple[str, str]]:
        """(path below manifests/<env>/, text) of each file."""
        folder = f"pipelines/{self.name}"
        yield f"{folder}/pipeline.yaml", self.manifest
        for name, text in self.specs.items():
            yield f"{folder}/components/{name}.yaml", text
        for name, text in self.irs.items():
            yield f"{folder}/{name}", text
        for name, text in self.inner.items():
            yield f"{folder}/{INNER}/{name}.yaml", text

    @cached_property
    def digest(self) -> str:
        """Identity of its files."""
        return identity(self.files())

    @property
    def compilation(self) -> str:
        """Identity of what the compiler takes, for a memo."""
        return f"ir {self.digest}"

    def texts(self) -> dict[str, Any]:
        """All of it as texts, for another process."""
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        return {**content, "warnings": [warning.texts() for warning in self.warnings]}

    @classmethod
    def of(cls, texts: Mapping[str, Any]) -> RenderedPipeline:
        """The reverse of `texts`."""
        return cls(**{**texts, "warnings": tuple(map(Problem.of, texts["warnings"]))})


def read(root: Path, folder: str, name: str, release: str) -> RenderedPipeline:
    """A pipeline as it stands in a folder such as manifests/dev.

    Raises:
        InputError: it has no manifest, or a file of it cannot be read.
    """
    return read_from(Plain(root, folder), name, release)


def read_from(source: Source, name: str, release: str) -> RenderedPipeline:
    """The same, of whatever holds it."""
    base = f"pipelines/{name}"
    found = source.read_texts(base)
    manifest = found.pop("pipeline.yaml", None) or source.read_text(f"{base}/pipeline.yaml")
    return RenderedPipeline(
        name,
        release,
        manifest,
        specs=_below("components", found),
        irs={path: text for path, text in found.items() if "/" not in path},
        inner=_below(INNER, found),
    )


def _below(folder: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {PurePath(path).stem: text for path, text in texts.items() if path.startswith(f"{folder}/")}


@dataclass(frozen=True)
class Rendered:
    """Everything rendered for one environment, the lock excepted."""

    environment: str
    pipelines: tuple[RenderedPipeline, ...]
    delivery: Mapping[str, str]
    inputs: Environment
    memo: Memo = field(default_factory=Memo)
    of_delivery: tuple[Problem, ...] = ()
    """Warnings about what all pipelines are delivered by."""
    chosen: frozenset[str] | None = None
    """The pipelines that were rendered, the others stand in manifests/ as they are here; None: all were."""

    @property
    def folder(self) -> str:
        """Where it belongs, relative to the repository."""
        return f"manifests/{self.environment}"

    @property
    def warnings(self) -> list[Problem]:
        """What works here, and most likely is not meant or fails elsewhere."""
        found = [warning for pipeline in self.pipelines for warning in pipeline.warnings]
        return [*self.of_delivery, *found]

    def files(self) -> dict[str, str]:
        """Path below manifests/<env>/ → text."""
        found = dict(self.delivery)
        for pipeline in self.pipelines:
            found.update(pipeline.files())
        return found
