"""What differs in the folder of one pipeline, by file: in the words of each kind, then what those leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kfp_gitops.language.manifest.migration import STEPS
from kfp_gitops.language.manifest.model import API_VERSION
from kfp_gitops.review.diff import components, leftover, manifest_floor, nodes, schedules, triggers
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.state import MANIFEST, Entry, Files, PipelineFiles, mapping
from kfp_gitops.review.diff.strict import ABSENT, Leaf, alike, label, unsaid
from kfp_gitops.review.diff.told import Told

Manifest = Mapping[str, Any]
_YAML = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Sides:
    """One pipeline before and after: its entries in environment.yaml, its files, and its manifests as in force.

    `folder` is where the files are in the repository. `same_ir`: the locks, made of just these files, say that they
    compile to the same.
    """

    name: str
    folder: str
    entries: tuple[Entry | None, Entry | None]
    before: PipelineFiles
    after: PipelineFiles
    in_force: tuple[Manifest, Manifest]
    same_ir: bool

    @cached_property
    def paths(self) -> list[str]:
        """The files whose texts differ."""
        left, right = self.before.texts, self.after.texts
        return sorted(path for path in {**left, **right} if left.get(path) != right.get(path))


def changes(sides: Sides) -> Iterator[Change]:
    """All that differs, but for the release."""
    found = [*_about(sides)]
    if MANIFEST in sides.paths or sides.in_force[0] != sides.in_force[1]:
        found += _manifest(sides)
    yield from found
    specs = [
        {
            name: next(iter(side.documents(path)), None)
            for name, path in side.specs().items()
            if path in sides.paths
        }
        for side in (sides.before, sides.after)
    ]
    yield from components.changes(*specs, same_ir=sides.same_ir)
    yield from _inner(sides)
    yield from _others(sides)


def place(folder: str, path: str, before: PipelineFiles, after: PipelineFiles) -> str:
    """Where a file of a pipeline's folder is in the repository; a shared spec where it is now."""
    shared = after.shared.get(path) or before.shared.get(path)
    return f"{folder.rpartition('/pipelines/')[0]}/{shared}" if shared else f"{folder}/{path}"


def file(at: str, path: str, before: Files, after: Files) -> Iterator[Change]:
    """All in which a file differs for which there are no other words."""
    if before.texts.get(path) == after.texts.get(path):
        return
    if path.endswith(_YAML):
        yield from leftover.document(at, before.whole(path), after.whole(path))
    else:
        yield from leftover.text(at, before.texts.get(path), after.texts.get(path))


def _about(sides: Sides) -> Iterator[Change]:
    """What environment.yaml and the manifest say of the pipeline as a whole."""
    old, new = sides.entries
    left, right = sides.before.manifest, sides.after.manifest
    if old and new:
        yield from _fields(Kind.PIPELINE, sides.name, old.settings, new.settings)
        yield from _fields(Kind.PIPELINE, sides.name, about(left), about(right))
    elif new:
        yield Change(
            Action.ADDED,
            Kind.PIPELINE,
            sides.name,
            after={"release": new.release, **new.settings, **about(right)},
        )


def about(manifest: Manifest) -> dict[str, Any]:
    """What a manifest says of the pipeline as a whole: metadata, settings of the spec."""
    elsewhere = ("apiVersion", "kind", "spec", "schedules", "triggers")
    own = {key: value for key, value in manifest.items() if key not in elsewhere}
    spec = mapping(manifest.get("spec"))
    return {**own, **{k: v for k, v in spec.items() if k not in ("parameters", "tasks", "outputs")}}


def _manifest(sides: Sides) -> Iterator[Change]:
    left, right = sides.before.manifest, sides.after.manifest
    found = [
        *_of_spec(left, right),
        *schedules.changes(left, right, *sides.in_force),
        *triggers.changes(left, right),
    ]
    yield from found
    told = Told([*_about(sides), *found])
    yield from _floor(sides, MANIFEST, sides.name, told)


def _of_spec(left: Manifest, right: Manifest) -> Iterator[Change]:
    yield from _each(Kind.PARAMETER, _spec(left, "parameters"), _spec(right, "parameters"))
    yield from nodes.changes(nodes.flat(left), nodes.flat(right))
    yield from _each(Kind.OUTPUT, _spec(left, "outputs"), _spec(right, "outputs"))


def _inner(sides: Sides) -> Iterator[Change]:
    was, is_ = sides.before.inner(), sides.after.inner()
    for name in sorted({**was, **is_}):
        path = was.get(name) or is_[name]
        if path not in sides.paths:
            continue
        left, right = (mapping(side.document(path)) for side in (sides.before, sides.after))
        found = [*_fields(Kind.PIPELINE, sides.name, about(left), about(right)), *_of_spec(left, right)]
        found = [replace(change, name=f"{name} › {change.name}") for change in found]
        yield from found
        yield from _floor(sides, path, sides.name, Told(found), inside=f"{name} › ")


def _floor(sides: Sides, path: str, name: str, told: Told, *, inside: str = "") -> Iterator[Change]:
    """What of a manifest's file is in none of the records."""
    at = f"{sides.folder}/{path}"
    pair = [side.documents(path) for side in (sides.before, sides.after)]
    before, after = (found[0] if found else ABSENT for found in pair)
    if not (sides.same_ir and _is_migrated(sides, path, before, after)):
        yield from manifest_floor.unsaid_of(at, name, before, after, told, inside=inside)
    yield from leftover.document(at, *_further(*pair))


def _is_migrated(sides: Sides, path: str, before: Any, after: Any) -> bool:
    """Whether a manifest is the same in a later version of the language."""
    old, new = (mapping(side).get("apiVersion") for side in (before, after))
    return (
        str(old) in STEPS
        and new == API_VERSION
        and alike(sides.before.document(path), sides.after.document(path))
    )


def _further(before: list[Any], after: list[Any]) -> tuple[Any, Any]:
    """What a file has beside the one document that is read; that it has none at all is no null."""
    if before and after:
        return [{}, *before[1:]], [{}, *after[1:]]
    rest = before[1:] or after[1:] or before == [None] or after == [None]
    return (before, after) if rest else (ABSENT, ABSENT)


def _others(sides: Sides) -> Iterator[Change]:
    """A compiled pipeline that was brought along, and whatever else lies there."""
    both = (sides.before, sides.after)
    known = {MANIFEST, *(path for side in both for path in (*side.specs().values(), *side.inner().values()))}
    for path in sides.paths:
        if path.startswith("components/") and path in known:
            at = place(sides.folder, path, *both)
            yield from leftover.document(at, *_further(*(side.documents(path) for side in both)))
        elif path not in known and path.endswith(_YAML):
            yield from _document(sides, path)
        elif path not in known:
            yield from file(f"{sides.folder}/{path}", path, *both)


def _document(sides: Sides, path: str) -> Iterator[Change]:
    """By field; without the version of the SDK where the pipeline compiles to the same all the same."""
    left, right = (
        side.documents(path) if path in side.texts else ABSENT for side in (sides.before, sides.after)
    )
    if sides.same_ir:
        left, right = (
            [components.without_version(found[0]), *found[1:]] if found and found is not ABSENT else found
            for found in (left, right)
        )
    for leaf in unsaid(left, right, lambda *_: False):
        code, others = components.in_ir(path, leaf)
        yield from code
        yield from (_of_leaf(sides.name, path, other) for other in others)


def _of_leaf(name: str, path: str, leaf: Leaf) -> Change:
    place, old, new = leaf
    action = Action.ADDED if old is ABSENT else Action.REMOVED if new is ABSENT else Action.CHANGED
    before, after = (None if side is ABSENT else side for side in (old, new))
    if not (before is None and after is None):
        action = Action.CHANGED
    return Change(action, Kind.PIPELINE, name, f"{path}: {label(place)}" if place else path, before, after)


def _fields(kind: Kind, name: str, before: Any, after: Any) -> Iterator[Change]:
    for field, old, new in differences(before, after):
        yield Change(Action.CHANGED, kind, name, field, old, new)


def _each(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Change(Action.ADDED, kind, name, after=after[name])
        elif name not in after:
            yield Change(Action.REMOVED, kind, name, before=before[name])
        else:
            yield from _fields(kind, name, before[name], after[name])


def _spec(manifest: Manifest, key: str) -> Manifest:
    return mapping(mapping(manifest.get("spec")).get(key))
