"""A pipeline's templates → its manifest and those of the pipelines inside it, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamlvalue import parse
from kfp_gitops.checking import check
from kfp_gitops.language.manifest import Manifest, migration, nested, reader
from kfp_gitops.sources import brought, templates
from kfp_gitops.sources.components import Interface
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, Release


@dataclass(frozen=True)
class Found:
    """The manifests of one pipeline, and what its authors should know."""

    outer: Manifest
    inner: Mapping[str, Manifest]
    warnings: tuple[Problem, ...]


def render(env: Environment, name: str, release: Release, values: Mapping[str, Any]) -> Found:
    """Render and check the templates of a pipeline.

    Raises:
        InputError: what does not render; else every problem of every manifest.
    """
    rendering = _Rendering(env, release, values)
    outer = rendering.manifest(name, TEMPLATE)
    inner = nested.reachable(outer, rendering.inner)
    rendering.check_all(name, outer, inner)
    return Found(outer, inner, tuple(sorted(rendering.warnings)))


class _Rendering:
    """One pipeline's templates in one environment; the rendered texts are nowhere on disk, so errors show lines."""

    def __init__(self, env: Environment, release: Release, values: Mapping[str, Any]) -> None:
        self.env = env
        self.release = release
        self.values = values
        self.texts: dict[str, tuple[str, str]] = {}
        self.warnings: list[Problem] = []

    def manifest(self, name: str, template: str) -> Manifest:
        """The manifest that a template renders to, in the present version of the language."""
        context = {
            "pipeline": name,
            "environment": self.env.name,
            "values": self.values,
            "events": list(self.env.events),
        }
        text = templates.as_read(self.release.files, template, self.release.folder, context)
        path = f"{self.release.folder}/{template} (rendered for {self.env.name})"
        self.texts[name] = path, text
        try:
            document = parse(text, path)
            self.warnings += migration.warnings(document)
            manifest = reader.of_document(migration.migrated(document))
            return brought.completed(manifest, self.release.irs)
        except InputError as error:
            raise templates.with_excerpts(error, path, text) from None

    def inner(self, name: str) -> Manifest | None:
        """The manifest of a pipeline inside this one."""
        return self.manifest(name, self.release.inner[name]) if name in self.release.inner else None

    def check_all(self, name: str, outer: Manifest, inner: Mapping[str, Manifest]) -> None:
        """Check every manifest, the innermost first: what it takes and gives is known to those around it."""
        interfaces: dict[str, Interface] = {}
        problems: list[Problem] = []
        for one in nested.innermost_first(outer, inner):
            problems += self._problems(one, inner[one], interfaces, nested=True)
            interfaces[one] = check.interface(inner[one], self.release.components, interfaces)
        problems += self._problems(name, outer, interfaces, nested=False)
        raise_if_any(problems)

    def _right_name(self, name: str, *, nested: bool) -> str:
        if nested or self.env.template_of(name) == name:
            return f"write {name!r}"
        return "write `name: {{ pipeline }}`: this template is there for pipelines of other names"

    def _problems(
        self, name: str, manifest: Manifest, interfaces: Mapping[str, Interface], *, nested: bool
    ) -> list[Problem]:
        found, warnings = check.findings(manifest, self.release.components, interfaces)
        if manifest.name != name:
            at = ("metadata", "name")
            what = f"the name is {manifest.name!r}"
            found.append(manifest.document.problem(at, what, self._right_name(name, nested=nested)))
        if nested:
            found += check.nested_problems(manifest)
        self.warnings += warnings
        path, text = self.texts[name]
        return list(templates.with_excerpts(InputError(found), path, text).problems)
