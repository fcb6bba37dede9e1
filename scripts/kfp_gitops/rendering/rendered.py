"""What rendering gives: texts by path, and the names of files in manifests/<env>/. Needs neither Jinja nor kfp."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.places import Plain, Source
from kfp_gitops.base.yamltext import GENERATED, Bounds
from kfp_gitops.rendering import alike, specs
from kfp_gitops.rendering.packing import Packing
from kfp_gitops.sources import release
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import sha256

LOCK = "versions.lock.yaml"
ENVIRONMENT = "environment.yaml"
INNER = "pipelines"  # the folder of the pipelines inside a pipeline
_OF_SPECS = f"/{specs.PREFIX}"
_FOR_EVER = "9999-01-01T00:00:00Z"


def identity(texts: Iterable[tuple[str, str]]) -> str:
    """The digest of a pipeline's files, (path below manifests/<env>/, text) each: what a lock is made from.

    A component spec counts as `pipelines/<pipeline>/components/<name>.yaml`, where it stood once, wherever it stands
    now: so no lock is another one for that.
    """
    digests = {path: specs.digest(text) if _OF_SPECS in path else sha256(text) for path, text in texts}
    return f"sha256:{sha256(json.dumps(digests, sort_keys=True))}"


def header(environment: str, source: str) -> str:
    """The first line of what is rendered from a source."""
    return (
        f"# Generated from {source} by `python scripts/render.py --env {environment}`; edit that, not this.\n"
    )


def bounds_of(path: str) -> Bounds:
    """How much is read of a file of a repository: of what tells of all pipelines of an environment, more."""
    return GENERATED if PurePath(path).name in (ENVIRONMENT, LOCK) else release.bounds_of(path)


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

    def own_files(self) -> Iterator[tuple[str, str]]:
        """(path below manifests/<env>/, text) of each file that is this pipeline's alone."""
        folder = f"pipelines/{self.name}"
        yield f"{folder}/pipeline.yaml", self.manifest
        for name, text in self.irs.items():
            yield f"{folder}/{name}", text
        for name, text in self.inner.items():
            yield f"{folder}/{INNER}/{name}.yaml", text

    def shared_files(self) -> Iterator[tuple[str, str]]:
        """The same of its component specs, which stand once for all pipelines that use this very text."""
        for name, text in self.specs.items():
            yield specs.path(name, specs.hash8(text)), text

    def files(self) -> Iterator[tuple[str, str]]:
        """Both."""
        yield from self.own_files()
        yield from self.shared_files()

    @property
    def components(self) -> dict[str, str]:
        """Component → what its shared file has behind its name: how environment.yaml refers to it."""
        return {name: specs.hash8(text) for name, text in self.specs.items()}

    @cached_property
    def digest(self) -> str:
        """Identity of its files."""
        folder = f"pipelines/{self.name}{_OF_SPECS}"
        return identity(
            chain(self.own_files(), ((f"{folder}{c}.yaml", text) for c, text in self.specs.items()))
        )

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


def read(root: Path, folder: str, entry: Mapping[str, Any]) -> RenderedPipeline:
    """A pipeline as it stands in a folder such as manifests/dev.

    Raises:
        InputError: it has no manifest, or a file of it cannot be read, or a component spec is another one.
    """
    return read_from(Plain(root, folder), entry)


def read_from(
    source: Source, entry: Mapping[str, Any], known: dict[str, str] | None = None
) -> RenderedPipeline:
    """The same, of whatever holds it; the entry is the pipeline's in environment.yaml.

    One without `components` is of an earlier version, where each pipeline had its specs in its own folder. `known` are
    the texts of shared files that were read before: pipelines of one environment share them in memory, too.
    """
    name = entry["name"]
    base = f"pipelines/{name}"
    found = source.read_texts(base)
    manifest = found.pop("pipeline.yaml", None) or source.read_text(f"{base}/pipeline.yaml")
    refs = entry.get("components")
    return RenderedPipeline(
        name,
        entry["release"],
        manifest,
        specs=_below("components", found) if refs is None else specs.read(source, refs, known),
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
    """Warnings about what all pipelines are delivered by, and about how they start each other."""
    packing: Packing | None = None
    """How many archives they are delivered in; these are made when there is a lock to put into them."""
    chosen: frozenset[str] | None = None
    """The pipelines that were rendered, the others stand in manifests/ as they are here; None: all were."""

    @property
    def folder(self) -> str:
        """Where it belongs, relative to the repository."""
        return f"manifests/{self.environment}"

    @property
    def warnings(self) -> list[Problem]:
        """What works here, and most likely is not meant or fails elsewhere."""
        found = ((pipeline.name, pipeline.warnings) for pipeline in self.pipelines)
        return [*self.of_delivery, *alike.told(self.inputs, found)]

    def files(self) -> dict[str, str]:
        """Path below manifests/<env>/ → text."""
        found = dict(self.delivery)
        for pipeline in self.pipelines:
            found.update(pipeline.own_files())
        return found | self.shared

    @cached_property
    def shared(self) -> dict[str, str]:
        """The same of what more than one pipeline may use."""
        return specs.together((pipeline.name, pipeline.shared_files()) for pipeline in self.pipelines)
