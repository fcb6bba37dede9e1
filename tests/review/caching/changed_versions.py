"""Versions of made-up manifests, and what may change from one to the next; every choice comes from a `Random`."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.language.manifest import Manifest, reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.review.caching import Side
from language import COMPONENTS, SPECS
from manifest_strategy import Writer

_OF_SO_MANY = 4
"""A version is the one with the most tasks of so many: small ones have little that hangs on one another."""


class Small(Writer):
    """Without what no server but a real one has, and without names that hide the ids."""

    def claim(self, name: str, scope: Any) -> dict[str, Any]:
        return self.task(name, scope)

    def settings(self, node: dict[str, Any], scope: Any) -> None:
        super().settings(node, scope)
        node.pop("displayName", None)


@dataclass(frozen=True)
class Version:
    """A manifest with the specs of its components."""

    manifest: dict[str, Any]
    specs: Mapping[str, str]

    @property
    def text(self) -> str:
        return dump(self.manifest)

    @property
    def read(self) -> Manifest:
        return reader.read(self.text, "m.yaml")

    @property
    def side(self) -> Side:
        return Side(parse(self.text, "m").value, {k: parse(v, k).value for k, v in self.specs.items()})

    def is_sound(self) -> bool:
        """Whether there is something to run, and nothing wrong with it."""
        try:
            return any(_tasks(self.manifest.get("spec", {}))) and not check.problems(self.read, COMPONENTS)
        except InputError:
            return False

    def documents(self) -> list[dict[str, Any]]:
        return list(
            ir.documents(compile_pipeline(RenderedPipeline("p", "sha256:0", self.text, self.specs), "m").text)
        )


class Change:
    """One change of a version; every choice comes from `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def of(self, version: Version) -> Version:
        """The version changed; it may be unsound."""
        kind = self.random.choice((self.value, self.value, self.setting, self.setting, self.spec, self.task))
        manifest, specs = copy.deepcopy(version.manifest), dict(version.specs)
        kind(manifest["spec"], specs)
        return Version(manifest, specs)

    def value(self, spec: dict[str, Any], _specs: dict[str, str]) -> None:
        """A constant somewhere: an argument, a default, an item, a bound of a condition."""
        places = [*_constants(spec)]
        if places:
            holder, key = self.random.choice(places)
            holder[key] = _other(holder[key])

    def setting(self, spec: dict[str, Any], _specs: dict[str, str]) -> None:
        """What bears on a task beside its arguments."""
        node = self.random.choice([*_tasks(spec)])
        match self.random.randrange(7):
            case 0:
                node["cache"] = not node.get("cache", True)
            case 1:
                node["env"] = {"A": "y", "Z": "1"}
            case 2:
                node["volumes"] = {"/c": {"pvc": self.random.choice(("data", "other"))}}
            case 3:
                node["retry"] = {"count": 3}
            case 4:
                node["resources"] = {"cpu": {"limit": "3"}}
            case 5:
                node["cache"] = {"key": "another"}
            case _:
                node["placement"] = {"nodeSelector": {"c": "d"}}

    def spec(self, spec: dict[str, Any], specs: dict[str, str]) -> None:
        """The image or the source of a component."""
        name = self.random.choice([node["component"] for node in _tasks(spec)])
        old, new = self.random.choice((("image: ", "image: new."), ("def ", "def  ")))
        specs[name] = specs[name].replace(old, new)

    def task(self, spec: dict[str, Any], _specs: dict[str, str]) -> None:
        """A task more, or one less."""
        tasks = spec["tasks"]
        if self.random.randrange(2) and len(tasks) > 1:
            del tasks[self.random.choice(list(tasks))]
        else:
            tasks["new"] = copy.deepcopy(self.random.choice([*_tasks(spec)]))


def _tasks(spec: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    for node in spec.values():
        if isinstance(node, dict):
            if "component" in node:
                yield node
            yield from _tasks(node)
        elif isinstance(node, list):
            yield from _tasks(dict(enumerate(node)))


def _constants(part: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in list(part.items() if isinstance(part, dict) else enumerate(part)):
        if isinstance(value, dict | list):
            yield from _constants(value)
        elif isinstance(value, bool | int | float) or (isinstance(value, str) and value in _WORDS):
            yield part, key


_WORDS = ("a", "x y", "naïve", "1", "true", "multi\nline", "s3://b/x", "c", "x")


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}2"


def changed(random: Random) -> tuple[Version, Version]:
    """A sound version, and a sound one after one or two changes."""
    found: list[Version] = []
    while len(found) < _OF_SO_MANY:
        drawn = Version(Small(random).manifest(), SPECS)
        found += [drawn] if drawn.is_sound() else []
    before = max(found, key=lambda one: len([*_tasks(one.manifest["spec"])]))
    after = before
    for _ in range(random.randrange(1, 3)):
        after = _sound(Change(random), after)
    return before, after


def _sound(change: Change, version: Version) -> Version:
    after = change.of(version)
    while after == version or not after.is_sound():
        after = change.of(version)
    return after
