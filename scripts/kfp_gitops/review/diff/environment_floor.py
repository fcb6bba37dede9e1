"""What of environment.yaml and the lock nobody is told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.compiling.lock import version_name
from kfp_gitops.rendering import specs
from kfp_gitops.review.diff import backfills, leftover
from kfp_gitops.review.diff.model import Action, Change, Kind, PipelineDiff
from kfp_gitops.review.diff.strict import ABSENT, Item, Place, alike, held, unsaid
from kfp_gitops.review.diff.told import Told
from kfp_gitops.sources.release import FILE_VERSION

Digests = Callable[[str], tuple[str | None, str | None]]
"""The digests of a pipeline's files, before and after; None without files."""
_LOCK_HEAD: Mapping[Place, Any] = {("apiVersion",): FILE_VERSION, ("kind",): "VersionLock"}


Holds = Callable[[str, Any], bool]
"""Whether an entry that refers to a component so leads to a text of it, which is compared for itself."""


def settings(
    path: str,
    before: Any,
    after: Any,
    told: Told,
    found: Mapping[str, PipelineDiff],
    holds: tuple[Holds, Holds],
) -> Iterator[Change]:
    """What of environment.yaml nobody is told."""

    def said(place: Place, old: Any, new: Any) -> bool:
        match place:
            case (backfills.KEY, *_):  # each that differs is told by itself, whole
                return backfills.are_whole(before) and backfills.are_whole(after)
            case ("pipelines", Item(), specs.FOLDER, *name) if _follow(name, (old, new), holds):
                return True
            case ("pipelines", Item() as name, *rest):
                return _said_of_pipeline(told, found.get(name), tuple(rest), old, new)
        return told.says([Kind.SETTING], "environment", place, old, new)

    return leftover.changes(path, unsaid(before, after, said))


def _follow(name: Sequence[str], sides: tuple[Any, Any], holds: tuple[Holds, Holds]) -> bool:
    """Whether all references are true, on both sides: of one component, or of all of an entry."""
    for value, true in zip(sides, holds, strict=True):
        refs = {} if value is ABSENT else {name[0]: value} if len(name) == 1 else value
        if not isinstance(refs, Mapping) or not all(true(*ref) for ref in refs.items()):
            return False
    return len(name) <= 1


def _said_of_pipeline(told: Told, found: PipelineDiff | None, place: Place, old: Any, new: Any) -> bool:
    if found is None:
        return False
    if found.action is Action.REMOVED:
        return new is ABSENT
    if place == ("release",) and not found.action:
        return (found.release_before, found.release_after) == (old, new)
    if place == ("name",) and found.action is Action.ADDED:
        return bool(new == found.name)
    return told.says([Kind.PIPELINE], found.name, place, old, new)


def lock(
    path: str, before: Any, after: Any, found: Mapping[str, PipelineDiff], digests: Digests
) -> Iterator[Change]:
    """What of the lock nobody is told: versions are in the headlines, digests of files follow from the files."""

    def said(place: Place, old: Any, new: Any) -> bool:
        if place in _LOCK_HEAD and ABSENT in (old, new):  # of a lock that comes or goes with its environment
            without, value = (before, new) if old is ABSENT else (after, old)
            return not without and alike(_LOCK_HEAD[place], value)
        if len(place) < 2 or place[0] != "pipelines" or (diff := found.get(place[1])) is None:
            return False
        if diff.action is Action.REMOVED and new is ABSENT:
            return True
        match place[2:]:
            case ("manifest",):
                entries = (held(side, place[:2]) for side in (before, after))
                sides = zip(entries, (old, new), digests(diff.name), strict=True)
                return all(entry is ABSENT or value == digest for entry, value, digest in sides)
            case ("version" | "digest",):
                return diff.semantic and _is_headline(diff, held(before, place[:2]), held(after, place[:2]))
        return False

    return leftover.changes(path, unsaid(before, after, said))


def _is_headline(found: PipelineDiff, before: Any, after: Any) -> bool:
    """Whether the versions that are told are those of the lock, each named after what it compiles to."""
    for told, entry in ((found.version_before, before), (found.version_after, after)):
        version, digest = held(entry, ("version",)), held(entry, ("digest",))
        if version is ABSENT and digest is ABSENT and told is None:
            continue
        if version != told or not isinstance(digest, str) or version != version_name(digest):
            return False
    return True
