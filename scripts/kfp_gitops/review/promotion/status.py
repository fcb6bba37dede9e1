"""What one environment has that another has not: by pipeline, what differs in the release, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from kfp_gitops.base import git
from kfp_gitops.language.gates import Gate
from kfp_gitops.review.promotion.provenance import is_committed
from kfp_gitops.sources import environment, released
from kfp_gitops.sources.environment import RECONCILER_IMAGE
from kfp_gitops.sources.release import Release

Log = Callable[[str], Sequence[tuple[str, frozenset[str]]]]
"""A commit → what each one after it touched."""


@dataclass(frozen=True)
class Pending:
    """One pipeline's release in both environments; `differs` names what is not the same, in words.

    `after` is None for a pipeline that only the target has, `wanted` is False for one that only the source has.
    `requires` is what the release must have measured in the source.
    """

    pipeline: str
    before: str | None
    after: str | None
    wanted: bool = True
    differs: Sequence[str] = ()
    commits: Sequence[str] = ()
    requires: Sequence[Gate] = ()

    @property
    def pending(self) -> bool:
        """Whether a promotion would change the target."""
        return self.wanted and self.after is not None and self.before != self.after

    @property
    def is_the_same(self) -> bool:
        """Whether both have the very same."""
        return self.wanted and self.after is not None and self.before == self.after


def status(root: Path, source: str, target: str) -> list[Pending]:
    """Every pipeline of either environment, and the reconciler's image, in order of name.

    Raises:
        UsageError: no such environment.
        InputError: an environment's inputs are broken, or a pinned copy is not what was promoted.
    """
    giver, taker = environment.load(root, source), environment.load(root, target)
    given = released.releases(root, giver)
    promoted = [name for name in taker.pipelines if name in taker.promoted]
    taken = released.releases(root, taker, promoted)
    log = cache(partial(git.log, root, folders=("templates", "components", "environments")))
    found = [
        replace(
            _pending(log, name, given.get(name), taken.get(name), taker.promoted.get(name, {}).get("commit")),
            requires=taker.gates(name),
        )
        if taker.has(name)
        else Pending(name, None, given[name].digest, wanted=False)
        for name in sorted({*given, *taker.pipelines})
    ]
    before, after = (env.images.get(RECONCILER_IMAGE) for env in (taker, giver))
    return [*found, Pending(f"image {RECONCILER_IMAGE}", before, after)]


def _pending(log: Log, name: str, new: Release | None, old: Release | None, commit: str | None) -> Pending:
    if new is None:
        return Pending(name, old.digest if old else None, None)
    if old is None:
        return Pending(name, None, new.digest, differs=("never promoted",))
    same = old.digest == new.digest
    return Pending(
        name,
        old.digest,
        new.digest,
        differs=() if same else tuple(_differences(old, new)),
        commits=() if same else tuple(_commits(log, new, commit)),
    )


def _differences(old: Release, new: Release) -> Iterator[str]:
    yield from _changed("", old.files, new.files)
    yield from _changed("component ", old.specs, new.specs)
    yield from _changed("image ", old.used_images, new.used_images)


def _changed(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({**before, **after}):
        if name not in before:
            yield f"{what}{name} is new"
        elif name not in after:
            yield f"{what}{name} is gone"
        elif before[name] != after[name]:
            yield f"{what}{name} differs"


def _commits(log: Log, new: Release, since: str | None) -> Iterator[str]:
    """The commits since the promoted one that touched what the release is made of; none when that is not known."""
    specs, folder = frozenset(new.spec_paths.values()), f"{new.folder}/"
    for line, files in log(since) if since and is_committed(since) else ():
        if not specs.isdisjoint(files) or any(name.startswith(folder) for name in files):
            yield line
