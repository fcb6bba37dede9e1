"""Whether a promotion is what its entry in release.yaml says: that environment's release, at that commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.review.promotion.history import History, history
from kfp_gitops.sources import environment, way
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.sources.release import Release

NOWHERE = "none"
"""In place of a commit: what was promoted was committed nowhere."""


_UNSHALLOW = "it cannot be verified in a shallow clone: `git fetch --unshallow` (in CI: fetch-depth 0)"


@dataclass(frozen=True)
class Entry:
    """What release.yaml says of one promoted pipeline."""

    environment: Environment
    pipeline: str
    said: Mapping[str, Any]

    @property
    def source(self) -> str:
        """The environment that it says it came from; empty when it does not say."""
        return str(self.said.get("from", ""))

    @property
    def commit(self) -> str:
        """The commit that it names; empty when it names none."""
        return str(self.said.get("commit", ""))

    @property
    def digest(self) -> str:
        """The release that the pinned copy is: reading the environment has compared them."""
        return str(self.said["digest"])

    def problem(self, key: str, what: str, todo: str) -> Problem:
        """At a key of the entry, or at the entry when it lacks the key."""
        at = ("pipelines", self.pipeline, key) if key in self.said else ("pipelines", self.pipeline)
        return self.environment.release_file.problem(at, what, todo, key=key not in self.said)


@dataclass(frozen=True)
class Verdict:
    """What is refused, and what could not be verified and says so itself."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def verify(root: Path, environments: Iterable[Environment]) -> Verdict:
    """Every promotion of the environments that follow pinned copies.

    Raises:
        RemoteError: there is a repository, and git does not read it.
        UsageError: there is one, and no git.
    """
    entries = [entry for each in environments if not each.follows_sources for entry in _entries(each)]
    if not entries:
        return Verdict()
    with history(root) as found:
        if found is None:
            skipped = (
                _past_the_way(root, entry, shallow=False) for entry in entries if is_past_the_way(entry)
            )
            return Verdict(warnings=(*_unverified(entries), *skipped))
        problems = tuple(problem for entry in entries for problem in _problems(found, entry))
        return Verdict(problems, tuple(entry for each in entries for entry in _uncommitted(each)))


def skipped(root: Path, environments: Iterable[Environment]) -> list[Problem]:
    """Every promotion that went past the environment from which its own is promoted; see `verify`.

    Where nothing is committed, nothing can say that it was the way once.
    """
    each = [env for env in environments if not env.follows_sources]
    entries = [entry for env in each for entry in _entries(env) if is_past_the_way(entry)]
    if not entries:
        return []
    with history(root) as found:
        past = [entry for entry in entries if not (found and _was_the_way(found, entry))]
        return [_past_the_way(root, entry, shallow=bool(found and found.shallow)) for entry in past]


@dataclass(frozen=True)
class Origins:
    """What release.yaml is to say of where releases come from.

    `new`: pipeline → commit, of those that have another release than before, or an entry that is not borne out.
    """

    new: Mapping[str, str]
    reconciler_committed: bool

    @property
    def uncommitted(self) -> list[str]:
        """The pipelines of `new` whose release no commit has."""
        return sorted(name for name, commit in self.new.items() if not is_committed(commit))


def is_committed(commit: str) -> bool:
    """Whether it is a commit, and what was promoted is what that commit has."""
    return commit != NOWHERE and not commit.endswith(CHANGED)


def origins(root: Path, giver: Environment, taker: Environment, given: Mapping[str, Release]) -> Origins:
    """From where the releases of an environment would be promoted to another one now."""
    with history(root) as found:
        new = {
            name: _origin(found, giver, taker.name, name, release)
            for name, release in given.items()
            if not _stands(found, giver, taker, name, release)
        }
        image = giver.images.get(RECONCILER_IMAGE)
        same = image == taker.images.get(RECONCILER_IMAGE)
        committed = same or (
            found is not None and found.images(found.head, giver.name).get(RECONCILER_IMAGE) == image
        )
        return Origins(new, committed)


def _stands(
    found: History | None, giver: Environment, taker: Environment, name: str, release: Release
) -> bool:
    """Whether the entry that is there says of this very release what is so, or nothing better can be said of it."""
    entry = Entry(taker, name, taker.promoted.get(name, {}))
    if entry.said.get("digest") != release.digest:
        return False
    if found is None:
        return True
    if not is_committed(entry.commit):
        return not is_committed(_origin(found, giver, taker.name, name, release))
    return not any(_problems(found, entry))


def _origin(found: History | None, giver: Environment, taker: str, name: str, release: Release) -> str:
    if found is None:
        return NOWHERE
    same = found.bears_out(found.head, giver.name, name, release.digest, (taker,))
    return found.head if same else f"{found.head}{CHANGED}"


def _entries(found: Environment) -> Iterator[Entry]:
    """Those of its pipelines; what release.yaml says of others is of no effect."""
    return (Entry(found, name, found.promoted[name]) for name in found.pipelines if name in found.promoted)


def is_past_the_way(entry: Entry) -> bool:
    """Whether it came from another environment than the one that its own is promoted from, where that says so."""
    return bool(entry.environment.promotes_from) and entry.source != entry.environment.promotes_from


def _was_the_way(found: History, entry: Entry) -> bool:
    """Whether the environment had that release already when its way was another one, or none was said.

    Who puts an environment between two others need not promote anew what went from the one to the other before.
    """
    target = entry.environment.name
    commits = filter(found.is_merged, found.released(target).get(entry.digest, ()))
    return any(found.way(commit, target) in ("", entry.source) for commit in commits)


def _past_the_way(root: Path, entry: Entry, *, shallow: bool) -> Problem:
    target, before = entry.environment.name, entry.environment.promotes_from
    what = f"{entry.pipeline} came from {entry.source}, and {target} is promoted from {before}"
    todo = _UNSHALLOW if shallow else way.instead(way.to(root, target), entry.source, entry.pipeline)
    return entry.problem("from", f"{what}: {way.shown(way.to(root, target))}", todo)


def _unverified(entries: Iterable[Entry]) -> Iterator[Problem]:
    for entry in {each.environment.name: each for each in entries}.values():
        path = environment.release_path(entry.environment.name)
        what = "where these releases come from is not verified: nothing here is committed"
        yield Problem(path, 0, 0, what, "commit it to a Git repository, and run this again")


def _uncommitted(entry: Entry) -> Iterator[Problem]:
    if not is_committed(entry.commit):
        what = f"{entry.pipeline} was promoted from what no commit has, so it is not verified"
        yield entry.problem("commit", what, _again(entry, "commit, and "))


def _problems(found: History, entry: Entry) -> Iterator[Problem]:
    if not entry.source:
        yield entry.problem("from", f"{entry.pipeline} names no environment it came from", _again(entry))
    elif is_past_the_way(entry) and not _was_the_way(found, entry):
        yield _past_the_way(found.root, entry, shallow=found.shallow)
    elif not entry.commit:
        if _where(found, entry) is None:
            what = f"no commit of this history has that release of {entry.pipeline} in {entry.source}"
            yield _told(found, entry, "digest", what)
    elif is_committed(entry.commit):
        yield from _at_commit(found, entry)


def _at_commit(found: History, entry: Entry) -> Iterator[Problem]:
    short, source = entry.commit[:12], entry.source
    if not found.is_whole(entry.commit):
        yield _told(found, entry, "commit", f"{entry.commit} is the beginning of a commit's name, or none")
    elif not found.knows(entry.commit):
        yield _told(found, entry, "commit", f"there is no commit {entry.commit}")
    elif not found.has(entry.commit):
        yield _told(found, entry, "commit", f"commit {short} is not in the history of HEAD")
    elif (there := found.digest(entry.commit, source, entry.pipeline)) != entry.digest:
        has = f"release {there}" if there else "no release"
        what = f"at commit {short} {source} has {has} of {entry.pipeline}, and not what is pinned here"
        yield _told(found, entry, "commit", what)
    elif not found.bears_out(entry.commit, source, entry.pipeline, entry.digest, (entry.environment.name,)):
        what = f"at commit {short} {source} had that release of {entry.pipeline} from nowhere that Git knows"
        yield _told(found, entry, "from", what)
    elif not _was_released(found, entry):
        what = f"{source} never released {entry.digest[:19]}… of {entry.pipeline}: no merged state of it has that"
        yield _told(found, entry, "digest", what)
    elif (said := entry.said.get("sources")) and said != (had := _sources(found, entry)):
        what = (
            f"at commit {short} {source} had {entry.pipeline} from {had or 'no commit'}, and not from {said}"
        )
        yield entry.problem("sources", what, f"write `sources: '{had}'`" if had else "take the line out")
    else:
        yield from _template(found, entry)


def _template(found: History, entry: Entry) -> Iterator[Problem]:
    """No digest holds a template's name, and limits of teams go by it."""
    said = entry.said.get("template", entry.pipeline)
    was = found.template(entry.commit, entry.source, entry.pipeline)
    if said != was:
        what = f"at commit {entry.commit[:12]} {entry.source} made {entry.pipeline} from the template {was!r}"
        todo = "take the line out" if was == entry.pipeline else f"write `template: {was}`"
        yield entry.problem("template", f"{what}, and not from {said!r}", todo)


def _sources(found: History, entry: Entry) -> str:
    return found.sources(entry.commit, entry.source, entry.pipeline)


def _where(found: History, entry: Entry) -> str | None:
    return found.where(entry.source, entry.pipeline, entry.digest, (entry.environment.name,))


def _was_released(found: History, entry: Entry) -> bool:
    """A commit of a branch may hold anything; what an environment's manifests named after a merge was its release."""
    here = found.digest(found.head, entry.source, entry.pipeline)
    return entry.digest in (here, *found.released(entry.source))


def _told(found: History, entry: Entry, key: str, what: str) -> Problem:
    if found.shallow:
        return entry.problem(key, what, _UNSHALLOW)
    where = _where(found, entry)
    if where:
        return entry.problem(key, what, f"{entry.source} has that release at {where[:12]}: {_again(entry)}")
    return entry.problem(key, what, f"restore the entry and its pinned copy with git, or {_again(entry)}")


def _again(entry: Entry, before: str = "") -> str:
    command = f"--from {entry.source or 'ENV'} --to {entry.environment.name} --pipeline {entry.pipeline}"
    return f"{before}promote again: `python scripts/promote.py {command}`"
