"""A tree of patches as it stands: which value each patch sets, read from whatever people made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from predictive_scaling.base.errors import InputError
from predictive_scaling.proposals.editing import Step
from predictive_scaling.proposals.ground import Amount
from predictive_scaling.proposals.kustomization import Entry, Target, entries, fits
from predictive_scaling.proposals.over import amount
from predictive_scaling.proposals.placing import NAMES
from predictive_scaling.proposals.yamltext import Seen, composed

Files = Mapping[str, str]
"""Path in the tree -> text."""


@dataclass(frozen=True)
class Patch:
    """A patch of the tree; `entry` is None where the kustomization does not list its file."""

    file: str
    text: str
    entry: Entry | None

    @property
    def generated(self) -> bool:
        """Whether its file is where this command puts one: [namespace/]service/what.yaml."""
        return is_generated(self.file)

    @property
    def service(self) -> str:
        """The folder that it is in."""
        return self.file.split("/")[-2] if "/" in self.file else ""

    @property
    def namespace(self) -> str:
        """The namespace that its path, its target or its own text names; empty where none does."""
        parts = self.file.split("/")
        path = parts[0] if self.generated and len(parts) == 3 else ""
        target = self.entry.target.namespace if self.entry and self.entry.target else ""
        return path or target or next((each.said("metadata", "namespace") for each in self.documents()), "")

    def documents(self) -> list[Seen]:
        """What it holds. Raises InputError."""
        return composed(self.file, self.text)


@dataclass(frozen=True)
class Slot:
    """A value that a patch may set: how it is called, and where it is in a merge patch and in a JSON patch."""

    label: str
    steps: tuple[Step, ...]
    pointer: tuple[str, ...]


@dataclass(frozen=True)
class Stand:
    """A value that a patch sets, and how to write another in its place."""

    patch: Patch
    amount: Amount
    document: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Known:
    """An object's names, and its namespaces: of each the first holds where the tree is laid, and goes into a target.

    An empty namespace is none that is written: kustomize matches it as `default`.
    """

    kind: str
    names: tuple[str, ...]
    namespaces: tuple[str, ...]

    @property
    def target(self) -> Target:
        """How a patch names it."""
        return Target(self.kind, self.names[0], self.namespaces[0])


def is_generated(path: str) -> bool:
    """Whether this command puts a file there."""
    return re.fullmatch(r"([^/]+/)?[^/]+/(hpa|scaledobject|maximum|memory|vpa)\.yaml", path) is not None


def read_tree(folder: Path) -> dict[str, str]:
    """The tree as it stands in a folder, line ends as they are; empty when there is none. Raises InputError."""
    found = [path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"} or path.name in NAMES]
    try:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes().decode()
            for path in sorted(found)
            if path.is_file()
        }
    except UnicodeDecodeError as error:
        raise InputError(f"{folder}: a file of the tree is not UTF-8; mend it, or delete the file") from error


def kustomization_of(files: Files) -> str:
    """The name of the tree's kustomization, there or to be."""
    return next((name for name in NAMES if name in files), NAMES[0])


def patches(files: Files) -> list[Patch]:
    """All patches in the order in which they are laid; files of ours that are not listed come last."""
    name = kustomization_of(files)
    listed = entries(name, files.get(name, ""))
    found = [
        Patch(each.path or name, files.get(each.path, "") if each.path else each.inline, each)
        for each in listed
    ]
    paths = {each.file for each in found}
    return found + [
        Patch(path, text, None) for path, text in files.items() if is_generated(path) and path not in paths
    ]


def check(files: Files) -> None:
    """Raise InputError with each file that is no YAML, all at once."""
    faults = []
    for path, text in files.items():
        try:
            composed(path, text)
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError("\n".join(faults))


def of(known: Known, service: str, listed: list[Patch]) -> list[Patch]:
    """The patches for an object: by target, by their own names, or by the file that this command gave them before."""
    return [each for each in listed if _is_of(each, known, service)]


def _is_of(patch: Patch, known: Known, service: str) -> bool:
    target = patch.entry.target if patch.entry else None
    if target:
        spaces = (*known.namespaces, "default") if "" in known.namespaces else known.namespaces
        return (
            fits(target.kind, known.kind)
            and fits(target.name, *known.names)
            and fits(target.namespace, *spaces)
        )
    if patch.entry is None and patch.service != service:
        return False  # a file of ours for another service
    if patch.namespace and patch.namespace not in known.namespaces:
        return False
    if patch.generated and patch.service == service:
        return _made_for(patch.file) == _what(known.kind)
    return any(
        each.said("kind") == known.kind and each.said("metadata", "name") in known.names
        for each in patch.documents()
    )


def _made_for(file: str) -> str:
    return {
        "hpa.yaml": "least",
        "scaledobject.yaml": "least",
        "maximum.yaml": "least",
        "vpa.yaml": "vpa",
    }.get(file.rsplit("/", maxsplit=1)[-1], "pods")


def _what(kind: str) -> str:
    kinds = {"HorizontalPodAutoscaler": "least", "ScaledObject": "least", "VerticalPodAutoscaler": "vpa"}
    return kinds.get(kind, "pods")


def stands(listed: list[Patch], slot: Slot) -> list[Stand]:
    """What these patches set in a slot, in order. Raises InputError where a value is no quantity."""
    return [found for patch in listed for found in _stands(patch, slot)]


def _stands(patch: Patch, slot: Slot) -> Iterator[Stand]:
    for at, document in enumerate(patch.documents()):
        if document.items():
            yield from _in_operations(patch, at, document, slot)
        elif seen := follow(document, slot.steps):
            found = amount(seen)
            if found:
                yield Stand(patch, found, at, slot.steps)


def follow(seen: Seen | None, steps: tuple[Step, ...]) -> Seen | None:
    """The value at the end of these steps."""
    for step in steps:
        if seen is None:
            return None
        if isinstance(step, str):
            seen = seen.at(step)
        elif isinstance(step, int):
            seen = seen.items()[step]
        else:
            seen = next((each for each in seen.items() if each.said(step[0]) == step[1]), None)
    return seen


def _in_operations(patch: Patch, at: int, document: Seen, slot: Slot) -> Iterator[Stand]:
    """Values of a JSON patch, be they given alone or within something larger."""
    for index, operation in enumerate(document.items()):
        path = tuple(
            each.replace("~1", "/").replace("~0", "~") for each in operation.said("path").split("/")[1:]
        )
        if (
            operation.said("op") not in {"add", "replace"}
            or slot.pointer[: len(path)] != path
            or not slot.pointer
        ):
            continue
        rest = slot.pointer[len(path) :]
        found = amount(operation.at("value", *rest))
        if found:
            yield Stand(patch, found, at, (index, "value", *rest))
