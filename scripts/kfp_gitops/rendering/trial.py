"""One pipeline rendered as if its values were others: which value a line of its manifest comes from is found by trying.

Nothing is written, and what does not render is an answer, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path as Folder
from typing import Any

from kfp_gitops.base import schema
from kfp_gitops.base.yamltext import Path, parse
from kfp_gitops.rendering.single import manifests_of
from kfp_gitops.sources import released, templates, whence
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, VALUES_SCHEMA, Release, Sources


class Removed:
    """In the place of a value: there is none any more."""

    def __repr__(self) -> str:
        return "nothing"


REMOVED = Removed()
Edit = tuple[Path, Any]
"""A path below a pipeline's entry of the values, and what stands there then."""


@dataclass(frozen=True)
class Trial:
    """One pipeline of an environment, and its values as they are tried."""

    env: Environment
    name: str
    release: Release

    @classmethod
    def of(cls, root: Folder, env: Environment, name: str) -> Trial:
        """With the values that it has.

        Raises:
            InputError: its release cannot be read.
        """
        return cls(env, name, released.release_of(root, Sources.of(root, env.images), env, name))

    @property
    def entry(self) -> Mapping[str, Any]:
        """What is said of it in the values of the environment, merged."""
        found: Mapping[str, Any] = self.env.values.value["pipelines"][self.name]
        return found

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What its template renders to.

        Raises:
            InputError: it does not render.
        """
        found: Mapping[str, Any] = manifests_of(self.env, self.name, self.release).document.value
        return found

    def edited(self, edits: Iterable[Edit]) -> Trial:
        """The same with other values."""
        entry: Any = self.entry
        for at, value in edits:
            entry = changed(entry, at, value)
        value = self.env.values.value
        pipelines = {**value["pipelines"], self.name: entry}
        values = replace(self.env.values, value={**value, "pipelines": pipelines})
        return replace(self, env=replace(self.env, values=values))

    @cached_property
    def unsaid(self) -> tuple[Path, ...]:
        """What its schema lets values say, and they do not: paths of keys, the outer ones first."""
        text = self.release.files[VALUES_SCHEMA]
        found = schema.from_text(text, f"{self.release.folder}/{VALUES_SCHEMA}", strict=False).content
        return tuple(_unsaid(found, found, self.entry.get("values", {}), ()))

    def place(self, at: Path) -> str:
        """`path:line:column` of the template where that of its manifest is rendered."""
        context = {
            "pipeline": self.name,
            "environment": self.env.name,
            "release": self.release.digest,
            "values": self.entry.get("values", {}),
            "events": list(self.env.events),
        }
        folder = self.release.folder
        text = templates.render(self.release.files, TEMPLATE, folder, context)
        problem = parse(text, f"{folder}/{TEMPLATE}").problem(at, "", "", key=True)
        return whence.Shown(self.release.files, TEMPLATE, folder, text, "").problem(problem).place


def changed(value: Any, at: Path, new: Any) -> Any:
    """The same with something else at a path; maps on the way are made."""
    if not at:
        return new
    if isinstance(value, list):
        return [changed(item, at[1:], new) if index == at[0] else item for index, item in enumerate(value)]
    found = dict(value) if isinstance(value, Mapping) else {}
    if len(at) == 1 and new is REMOVED:
        found.pop(at[0], None)
    else:
        found[at[0]] = changed(found.get(at[0]), at[1:], new)
    return found


_DEEP = 6


def _unsaid(part: Any, whole: Any, value: Any, at: Path) -> Iterator[Path]:
    part = _resolved(part, whole)
    properties = part.get("properties") if isinstance(part, Mapping) else None
    if not isinstance(properties, Mapping) or len(at) >= _DEEP:
        return
    for key, below in properties.items():
        there = value.get(key) if isinstance(value, Mapping) else None
        if there is None:
            yield (*at, key)
        if there is None or isinstance(there, Mapping):
            yield from _unsaid(below, whole, there, (*at, key))


def _resolved(part: Any, whole: Any) -> Any:
    """A reference within the schema followed once."""
    ref = part.get("$ref") if isinstance(part, Mapping) else None
    if not (isinstance(ref, str) and ref.startswith("#/")):
        return part
    found = whole
    for key in ref[2:].split("/"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
