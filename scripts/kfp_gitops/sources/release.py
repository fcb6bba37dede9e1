"""A release: a template, component specs, values schema and images, before any value and any pipeline's name.

Its digest is the identity that promotion proves: dev and prod compile to different IR, from one release.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path

from kfp_gitops.base import memo
from kfp_gitops.base.errors import InputError, Problem, attempted, raise_if_any
from kfp_gitops.base.places import Tree, WorkTree
from kfp_gitops.base.yamltext import GENERATED, WRITTEN, Bounds
from kfp_gitops.sources import brought, compiledfrom, components, literal, templatefolder, templates
from kfp_gitops.sources.brought import Brought
from kfp_gitops.sources.compiledfrom import Compilation
from kfp_gitops.sources.components import Component

# The version of the files that our own commands write and read: release, lock and environment.
FILE_VERSION = "kfp-gitops/v1alpha1"
TEMPLATES = compiledfrom.TEMPLATES
TEMPLATE = templatefolder.TEMPLATE
VALUES_SCHEMA = templatefolder.VALUES_SCHEMA

_PINNED_SPEC = re.compile(r"components/([a-z][a-z0-9_]*)\.yaml")


@dataclass(frozen=True)
class Release:
    """Everything that promotion copies; `files` and `specs` map a name to its text.

    Pipelines that are made from one template have one release, and may share this object: it is read once for all.
    """

    folder: str
    files: Mapping[str, str]
    specs: Mapping[str, str]
    spec_paths: Mapping[str, str]
    images: Mapping[str, str]

    @property
    def components(self) -> Mapping[str, Component]:
        """The component specs, read.

        Raises:
            InputError: every problem of every spec.
        """
        found, problems = self._components
        raise_if_any(problems)
        return found

    @cached_property
    def _components(self) -> tuple[Mapping[str, Component], Sequence[Problem]]:
        problems: list[Problem] = []
        found = {
            name: attempted(problems, partial(components.tolerant, name, text, self.spec_paths[name]))
            for name, text in self.specs.items()
        }
        return {name: one for name, one in found.items() if one is not None}, problems

    @cached_property
    def inner(self) -> Mapping[str, str]:
        """The templates of the pipelines inside this one: name → file."""
        return literal.inner(self.files)

    @cached_property
    def nested(self) -> Mapping[str, str]:
        """The compiled pipelines that a task runs as they are: name → file."""
        return literal.nested(self.files)

    @property
    def irs(self) -> Mapping[str, Brought]:
        """The compiled pipelines that the templates name, read: in place of tasks, or as what a task runs.

        Raises:
            InputError: every problem of every one.
        """
        found, problems = self._irs
        raise_if_any(problems)
        return found

    @cached_property
    def _irs(self) -> tuple[Mapping[str, Brought], Sequence[Problem]]:
        whole = literal.whole(self.files)
        problems: list[Problem] = []
        found = {
            name: attempted(problems, partial(self._ir, name, nested=name not in whole))
            for name in sorted(whole | set(self.nested.values()))
        }
        return {name: one for name, one in found.items() if one is not None}, problems

    def _ir(self, name: str, *, nested: bool) -> Brought:
        return brought.read(self.files[name], f"{self.folder}/{name}", nested=nested)

    def warnings(self) -> list[Problem]:
        """Compiled pipelines that nothing runs, and that are a part of it all the same."""
        what, todo = (
            "no template names this",
            "remove it, or name it in `spec.ir` or in `pipeline:` of a task",
        )
        return [Problem(f"{self.folder}/{name}", 1, 1, what, todo) for name in literal.unnamed(self.files)]

    def problems(self) -> list[Problem]:
        """What is wrong with its parts, whatever any pipeline's values are: templates, component specs, IRs."""
        wrong_templates = templates.misspelt(self.files, self.folder)
        return [*wrong_templates, *self._components[1], *self._irs[1]]

    @cached_property
    def used_images(self) -> Mapping[str, str]:
        """The part of the image map that these components and compiled pipelines use."""
        documents = [component.document for component in self.components.values()]
        documents += [document for ir in self.irs.values() for document in ir.documents]
        names = {image for document in documents for image in components.image_names(document)}
        return {name: self.images[name] for name in sorted(names) if name in self.images}

    @cached_property
    def identity(self) -> str:
        """All of it, and where it stands: what a memo of rendering hangs on."""
        return memo.digest({part.name: getattr(self, part.name) for part in fields(self)})

    @cached_property
    def digest(self) -> str:
        """SHA-256 over template, component specs, values schema and image references."""
        content = {
            "files": _digests(self.files),
            "components": _digests(self.specs),
            "images": self.used_images,
        }
        return f"sha256:{sha256(json.dumps(content, sort_keys=True))}"


def sha256(text: str) -> str:
    """The hex SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def _digests(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: sha256(text) for name, text in texts.items()}


@dataclass(frozen=True)
class Sources:
    """The templates of a tree, each read once while it stands still: a thousand pipelines are made from ten.

    What is found wrong with one is found once as well, and told for each pipeline that is made from it.
    """

    tree: Tree
    images: Mapping[str, str]
    _found: dict[str, Release | InputError] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, root: Path, images: Mapping[str, str]) -> Sources:
        """Of a work tree, with the image map of an environment."""
        return cls(WorkTree(root), images)

    def holds(self, template: str) -> bool:
        """Whether there is such a template."""
        return template in self._found or self.tree.holds(template_folder(template))

    def release(self, template: str) -> Release:
        """The release of a template; as `from_sources`."""
        if template not in self._found:
            try:
                self._found[template] = from_sources(self.tree, template, self.images)
            except InputError as error:
                self._found[template] = error
        found = self._found[template]
        if isinstance(found, InputError):
            raise InputError(found.problems)
        return found


def template_folder(template: str) -> str:
    """Where a template stands."""
    return f"{TEMPLATES}/{template}"


def from_sources(at: Tree | Path, template: str, images: Mapping[str, str]) -> Release:
    """The release as the sources stand in a work tree, which may be given by its path, or at a commit.

    Raises:
        InputError: the template, its schema, or a component that it names is missing.
    """
    tree, folder = _tree(at), template_folder(template)
    texts = templatefolder.read(tree, folder, with_sources=True)
    paths = {name: compiledfrom.component(name).target_path for name in literal.components(texts)}
    problems = [_unknown(tree, folder, texts, name) for name, path in paths.items() if not tree.holds(path)]
    specs = {
        name: attempted(problems, partial(templatefolder.plain_text, tree, path))
        for name, path in paths.items()
        if tree.holds(path)
    }
    readable = {name: text for name, text in specs.items() if text is not None}
    found = Release(folder, texts, readable, paths, images)
    raise_if_any([*problems, *found.problems()] if problems else [])
    return found


def python_of(at: Tree | Path, template: str) -> list[Compilation]:
    """What of a template's release is compiled from Python, or would be: its own pipeline.py, its components.

    Raises:
        InputError: there is no such template, or its folder is none.
    """
    texts = templatefolder.read(_tree(at), template_folder(template), with_sources=True)
    return [compiledfrom.pipeline(template), *map(compiledfrom.component, literal.components(texts))]


def from_pinned(at: Tree | Path, environment: str, pipeline: str, images: Mapping[str, str]) -> Release:
    """The release that was promoted to an environment, from its pinned copy."""
    folder = pinned_folder(environment, pipeline)
    texts = templatefolder.read(_tree(at), folder)
    specs = {found[1]: texts.pop(name) for name in list(texts) if (found := _PINNED_SPEC.fullmatch(name))}
    paths = {name: f"{folder}/components/{name}.yaml" for name in specs}
    return Release(folder, texts, specs, paths, images)


def pinned_folder(environment: str, pipeline: str) -> str:
    """Where an environment keeps the pinned copy of a pipeline's release."""
    return f"environments/{environment}/pinned/{pipeline}"


def pinned_files(release: Release) -> dict[str, str]:
    """The files of a pinned copy of a release, by path below its folder."""
    return {**release.files, **{f"components/{name}.yaml": text for name, text in release.specs.items()}}


def bounds_of(path: str) -> Bounds:
    """How much is read of an input of an environment: of all pipelines promote writes an entry into release.yaml."""
    return GENERATED if path.endswith("/release.yaml") else WRITTEN


def _tree(at: Tree | Path) -> Tree:
    return WorkTree(at) if isinstance(at, Path) else at


def _unknown(tree: Tree, folder: str, texts: Mapping[str, str], name: str) -> Problem:
    template, line = next(literal.mentions(texts, name))
    one = compiledfrom.component(name)
    if tree.holds(one.source_path):
        what = f"{one.source_path} is not compiled: there is no {one.target}"
        return Problem(f"{folder}/{template}", line, 1, what, compiledfrom.TODO)
    todo = f"create {one.target_path}, or correct the name"
    return Problem(f"{folder}/{template}", line, 1, f"unknown component {name!r}", todo)
