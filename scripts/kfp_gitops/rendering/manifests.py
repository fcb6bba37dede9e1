"""A pipeline's templates → its manifest and those of the pipelines inside it, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Document
from kfp_gitops.base.yamlvalue import parse
from kfp_gitops.checking import check
from kfp_gitops.language import faults
from kfp_gitops.language.manifest import Manifest, migration, nested, reader, used
from kfp_gitops.sources import brought, templates, whence
from kfp_gitops.sources.brought import Brought
from kfp_gitops.sources.components import Interface
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, Release


@dataclass(frozen=True)
class Found:
    """The manifests of one pipeline, and what its authors should know."""

    document: Document
    """The outer manifest, checked."""
    inner: Mapping[str, Manifest]
    warnings: tuple[Problem, ...]
    irs: Mapping[str, Brought]

    nested: tuple[str, ...] = ()
    """The files of the compiled pipelines that tasks of these run."""

    @property
    def brought(self) -> tuple[str, ...]:
        """The files of these, or the one that stands in place of tasks."""
        whole: str | None = self.document.value["spec"].get("ir")
        return self.nested if whole is None else (whole,)

    @cached_property
    def outer(self) -> Manifest:
        """The outer manifest as types, which hardly anybody asks for."""
        return brought.completed(reader.unchecked(self.document), self.irs)


_Passed = tuple[tuple[tuple[str, str], ...], bytes]
_PASSED: dict[_Passed, None] = {}
"""Component specs and shapes of manifests that use them, of which nothing is to be told: the others are alike."""
_MOST_PASSED = 4096


def render(env: Environment, name: str, release: Release, values: Mapping[str, Any]) -> Found:
    """Render and check the templates of a pipeline.

    Raises:
        InputError: what does not render; else every problem of every manifest.
    """
    rendering = _Rendering(env, release, values)
    document = rendering.document(name, TEMPLATE)
    alike = None if release.inner or release.nested else _alike(document.value, name, release)
    if alike is not None and alike in _PASSED:
        return Found(document, {}, tuple(sorted(rendering.warnings)), release.irs)
    before = len(rendering.warnings)
    outer = rendering.manifest(name, document)
    inner = nested.reachable(outer, rendering.inner)
    rendering.check_all(name, outer, inner)
    if alike is not None and len(rendering.warnings) == before:
        _PASSED[alike] = None
        if len(_PASSED) > _MOST_PASSED:
            del _PASSED[next(iter(_PASSED))]
    nested_irs = _nested(release, [outer, *inner.values()])
    return Found(document, inner, tuple(sorted(rendering.warnings)), release.irs, nested_irs)


def _nested(release: Release, manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """The files of the compiled pipelines that tasks of these run."""
    runs = set(chain.from_iterable(used(one, "pipeline") for one in manifests))
    return tuple(file for one, file in sorted(release.nested.items()) if one in runs)


def _alike(value: Mapping[str, Any], name: str, release: Release) -> _Passed | None:
    """What manifests have in common that are checked with one outcome, if that is none; None where each is checked."""
    shape = check.shape(value) if value["metadata"]["name"] == name else None
    return None if shape is None else (tuple(release.specs.items()), shape)


def _is_another(file: str, name: str) -> bool:
    """Whether a file is the second, or a later one, of pipelines inside that have one name: `train-2` of `train`."""
    return file.startswith(f"{name}-") and file.removeprefix(f"{name}-").isdecimal()


class _Rendering:
    """One pipeline's templates in one environment; the rendered texts are nowhere on disk, so errors show lines."""

    def __init__(self, env: Environment, release: Release, values: Mapping[str, Any]) -> None:
        self.env = env
        self.release = release
        self.values = values
        self.shown: dict[str, whence.Shown] = {}
        self.warnings: list[Problem] = []

    def document(self, name: str, template: str) -> Document:
        """What a template renders to, in the present version of the language, which its schema accepts."""
        context = {
            "pipeline": name,
            "environment": self.env.name,
            "release": self.release.digest,
            "values": self.values,
            "events": list(self.env.events),
        }
        text = templates.as_read(self.release.files, template, self.release.folder, context)
        note = f"rendered for {self.env.name}"
        shown = whence.Shown(self.release.files, template, self.release.folder, text, note)
        self.shown[name] = shown
        with self._excerpts(name):
            document = parse(text, f"{self.release.folder}/{template}")
            self.warnings += map(shown.problem, migration.warnings(document))
            return reader.accepted(migration.migrated(document))

    def manifest(self, name: str, document: Document) -> Manifest:
        """The manifest in what a template renders to."""
        with self._excerpts(name):
            return brought.completed(reader.unchecked(document), self.release.irs)

    @contextmanager
    def _excerpts(self, name: str) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise self.shown[name].error(error) from None

    def inner(self, name: str) -> Manifest | None:
        """The manifest of a pipeline inside this one."""
        if name not in self.release.inner:
            return None
        return self.manifest(name, self.document(name, self.release.inner[name]))

    def check_all(self, name: str, outer: Manifest, inner: Mapping[str, Manifest]) -> None:
        """Check every manifest, the innermost first: what it takes and gives is known to those around it."""
        irs = self.release.irs
        interfaces = {one: brought.interface(irs[file]) for one, file in self.release.nested.items()}
        problems: list[Problem] = []
        for one in nested.innermost_first(outer, inner):
            problems += self._problems(one, inner[one], interfaces, nested=True)
            interfaces[one] = check.interface(inner[one], self.release.components, interfaces)
        problems += self._problems(name, outer, interfaces, nested=False)
        problems += check.of_components([outer, *inner.values()], self.release.components)
        problems += [
            fault for file in _nested(self.release, [outer, *inner.values()]) for fault in irs[file].faults
        ]
        refused, accepted = faults.judged(problems, outer.accepted_faults)
        raise_if_any(refused)
        self.warnings += faults.once([*accepted, *brought.accepted(outer, irs)])

    def _right_name(self, name: str, *, nested: bool) -> str:
        if nested or self.env.template_of(name) == name:
            return f"write {name!r}"
        return "write `name: {{ pipeline }}`: this template is there for pipelines of other names"

    def _problems(
        self, name: str, manifest: Manifest, interfaces: Mapping[str, Interface], *, nested: bool
    ) -> list[Problem]:
        found, warnings = check.findings(manifest, self.release.components, interfaces, nested=nested)
        if manifest.name != name and not (nested and _is_another(name, manifest.name)):
            at = ("metadata", "name")
            what = f"the name is {manifest.name!r}"
            found.append(manifest.document.problem(at, what, self._right_name(name, nested=nested)))
        found += check.nested_problems(manifest) if nested else check.outer_problems(manifest)
        self.warnings += map(self.shown[name].problem, warnings)
        return [*map(self.shown[name].problem, found)]
