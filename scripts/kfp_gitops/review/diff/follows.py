"""What in the delivery follows from other files, so that it says nothing that those do not say. Pure.

Digests of files, and lists of the pipelines' files: taken out where they are exactly what they have to be, on both
sides. A wrong digest, a file that is left out, listed twice or under another key: all that stays, and is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kfp_gitops.rendering import repacked, specs
from kfp_gitops.rendering.delivery import key
from kfp_gitops.review.diff.state import State
from kfp_gitops.sources.release import sha256

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the lists of one state have to be."""

    environment: str
    state: State

    @cached_property
    def files(self) -> dict[str, dict[str, str]]:
        """ConfigMap → what it holds: key → path below manifests/<env>/; shared specs are in one of their own."""
        found: dict[str, dict[str, str]] = {}
        for path in (path for path in self.state.texts if path not in self.state.strays):
            match path.split("/"):
                case ["pipelines", pipeline, _, *_] if pipeline in self.pipelines:
                    found.setdefault(f"pipeline {pipeline}", {})[key(path)] = path
                case [specs.FOLDER, *_]:
                    found.setdefault(specs.FOLDER, {})[key(path)] = path
        return found

    @cached_property
    def pipelines(self) -> Mapping[str, Any]:
        """Pipeline of environment.yaml → its folder."""
        folders = self.state.pipelines()
        return {name: folders[name] for name in self.state.entries() if name in folders}

    def is_digest(self, entry: Entry) -> bool:
        """Whether an entry of content.yaml names the digest of what it is about, perhaps but for a first line."""
        match entry:
            case {"pipeline": str(name), "is": found, **rest} if not rest:
                return name in self.pipelines and found == self.pipelines[name].digest(name)
            case {"file": str(path), "is": found, **rest} if not rest and path in self.state.texts:
                text = self.state.texts[path]
                if repacked.is_archive(path):
                    return bool(f"archive {found}\n" == text)
                return found in (f"sha256:{sha256(text)}", f"sha256:{sha256(text.partition(chr(10))[2])}")
        return False

    @cached_property
    def packed(self) -> dict[str, str]:
        """Path → what has to stand in `packed/`."""
        return repacked.wanted(self.state.texts)

    def is_repacked(self, path: str) -> bool:
        """Whether a file of `packed/` is just what it has to be, or is not there and need not be."""
        return self.state.texts.get(path) == self.packed.get(path)

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of a ConfigMap → what it is about, as in `files`."""
        return {f"kfp-gitops-{self.environment}-{about.replace(' ', '-')}": about for about in self.files}


def without(before: Any, after: Any, left: Facts, right: Facts) -> tuple[Any, Any]:
    """The documents of a file of both states, without what follows from the others."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        shared = {name: without(before[name], after[name], left, right) for name in before if name in after}
        return (
            {name: shared[name][0] if name in shared else value for name, value in before.items()},
            {name: shared[name][1] if name in shared else value for name, value in after.items()},
        )
    if not (isinstance(before, list) and isinstance(after, list)):
        return before, after
    for form in (_digest, _generator, _mount):
        before, after = _lists(before, after, left, right, form)
    if len(before) == len(after):
        pairs = [without(*pair, left, right) for pair in zip(before, after, strict=True)]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return before, after


@dataclass(frozen=True)
class Follower:
    """An entry of a list that is just what it has to be; `bare` is what of it does not follow, if the thing stays."""

    about: str
    bare: Any


Form = Callable[[Any, Facts, Facts], Follower | None]


def _lists(
    before: list[Any], after: list[Any], left: Facts, right: Facts, form: Form
) -> tuple[list[Any], list[Any]]:
    """Both lists, followers bare where they follow on both sides, and left out where the thing is on one side only."""
    was, is_ = _followers(before, left, right, form), _followers(after, right, left, form)
    return _bare(before, was, is_, right), _bare(after, is_, was, left)


def _followers(items: Sequence[Any], own: Facts, other: Facts, form: Form) -> dict[int, Follower]:
    found = {
        index: follower
        for index, item in enumerate(items)
        if isinstance(item, Mapping) and (follower := form(item, own, other))
    }
    times = Counter(follower.about for follower in found.values())
    return {index: follower for index, follower in found.items() if times[follower.about] == 1}


def _bare(
    items: list[Any], own: Mapping[int, Follower], others: Mapping[int, Follower], other: Facts
) -> list[Any]:
    twins = {follower.about for follower in others.values()}
    return [*_kept(items, own, twins, other)]


def _kept(items: list[Any], own: Mapping[int, Follower], twins: set[str], other: Facts) -> Iterator[Any]:
    namespaces = [item.get("namespace") for item in items if isinstance(item, Mapping)]
    usual = all(namespace == namespaces[0] for namespace in namespaces)
    for index, item in enumerate(items):
        follower = own.get(index)
        if follower is None:
            yield item
        elif follower.about in twins:
            yield follower.bare
        elif not usual or _is_there(follower.about, other):
            yield item


def _is_there(about: str, facts: Facts) -> bool:
    kind, _, name = about.partition(" ")
    return about in facts.files if kind in ("pipeline", specs.FOLDER) else name in facts.state.texts


def _digest(entry: Entry, own: Facts, _: Facts) -> Follower | None:
    if not own.is_digest(entry):
        return None
    bare = {name: value for name, value in entry.items() if name != "is"}
    return Follower(" ".join(*bare.items()), bare)


def _generator(entry: Entry, own: Facts, other: Facts) -> Follower | None:
    """`{name: …, namespace: …, files: [key=path, …]}` of a kustomization."""
    files = entry.get("files")
    if entry.keys() - {"namespace"} != {"name", "files"} or not isinstance(files, list):
        return None
    pairs = [tuple(item.partition("=")[::2]) for item in files if isinstance(item, str)]
    return _listing(entry, "files", pairs, own, other)


def _mount(entry: Entry, own: Facts, other: Facts) -> Follower | None:
    """`{configMap: {name: …, items: [{key: …, path: …}, …]}}` of a projected volume."""
    source = entry.get("configMap")
    if len(entry) != 1 or not isinstance(source, Mapping) or source.keys() != {"name", "items"}:
        return None
    items = source["items"]
    if not isinstance(items, list) or not all(map(_is_item, items)):
        return None
    found = _listing(source, "items", [(item["key"], item["path"]) for item in items], own, other)
    return found and Follower(found.about, {"configMap": found.bare})


def _is_item(item: Any) -> bool:
    if not isinstance(item, Mapping) or item.keys() != {"key", "path"}:
        return False
    return all(isinstance(value, str) for value in item.values())


def _listing(
    entry: Entry, field: str, pairs: Sequence[tuple[Any, ...]], own: Facts, other: Facts
) -> Follower | None:
    """That it lists each file of what it is about once and no other; bare it has those that both states have."""
    about = own.names.get(str(entry["name"]))
    if about is None:
        return None
    wanted = set(own.files[about].items())
    if not len(pairs) == len(entry[field]) == len(wanted) or set(pairs) != wanted:
        return None
    both = other.files.get(about, {})
    kept = [item for item, (label, _) in zip(entry[field], pairs, strict=True) if label in both]
    return Follower(about, {**entry, field: kept})
