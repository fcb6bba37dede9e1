"""KFP's database as a lock keeps it: the mark on it, and the pauses that go with it when it is lost.

The mark is an archived experiment without runs, made once: its id is of this database alone. People cannot delete an
experiment in KFP's UI.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.kfpapi.client import NOTE, KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.operations import pause
from kfp_gitops.operate.operations.pause import Pause
from kfp_gitops.reconcile.apply import Outcome
from kfp_gitops.reconcile.locking.witness import KeptPause, Witness
from kfp_gitops.reconcile.records import Desired
from kfp_gitops.sources.selection import Selection

_ABOUT = "By this kfp-gitops tells whether the database is the same; leave it."


def mark_of(notes: Iterable[NamedExperiment], owner: Owner) -> str:
    """The id of the mark; "": there is none."""
    name = _name(owner)
    return next((note.id for note in notes if note.name == name), "")


def leave_mark(api: KfpApi, owner: Owner) -> str:
    """Make the mark, or find it; its id. It is archived, so that it stands in nobody's way in KFP's UI."""
    made = api.create_experiment(_name(owner), ownership.describe(owner, _ABOUT))
    if not made.archived:
        api.archive_experiment(made.id)
    return made.id


def _name(owner: Owner) -> str:
    text = "\0".join((owner.repository, owner.environment))
    return f"{NOTE}server-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def lost(kept: Witness | None, notes: Sequence[NamedExperiment], owner: Owner, now: datetime) -> list[Pause]:
    """Pauses that were in force and would be, of which KFP knows nothing any more; who took one back archived it."""
    if kept is None or not kept.pauses:
        return []
    known, read = {note.id for note in notes}, pause.read(notes, owner)
    gone = [one for one in map(_pause, kept.pauses) if one.until > now and one.id not in known]
    return [one for one in gone if not any(_settles(found, one) for found in read)]


def _settles(found: Pause, lost: Pause) -> bool:
    """Whether somebody who held another lock has set it again by hand, or has paused the same since, and resumed it."""
    if found.only != lost.only:
        return False
    if found.ended:  # one from before tells nothing: a backup has it, too
        return bool(found.since and lost.since and found.since > lost.since)
    return found.until.replace(microsecond=0) == lost.until.replace(microsecond=0)


def _pause(kept: KeptPause) -> Pause:
    return Pause(kept.id, kept.until, kept.by, kept.why, Selection.read(kept.only), kept.since)


def again(api: KfpApi, owner: Owner, found: Pause) -> None:
    """Leave the note of a pause that was lost once more, with the same end."""
    name = f"{pause.PREFIX}{owner.environment}-again-{found.id[:8]}-{found.until:%Y%m%dT%H%M%SZ}"
    api.create_experiment(name, pause.note_of(owner, found))


def kept_pauses(notes: Iterable[NamedExperiment], owner: Owner, now: datetime) -> tuple[KeptPause, ...]:
    """Those in force."""
    standing = (one for one in pause.read(notes, owner) if not one.ended)
    return tuple(
        KeptPause(one.id, one.until, one.by, one.why, tuple(one.only.texts), one.since)
        for one in pause.in_force(standing, now)
    )


def with_pauses(
    kept: Witness | None, notes: Sequence[NamedExperiment], owner: Owner, now: datetime
) -> Witness:
    """What is kept after somebody paused or resumed."""
    return replace(kept or Witness(now), pauses=kept_pauses(notes, owner, now))


def version_of(
    kept: Witness | None, wanted: Desired, actual: Actual, done: Outcome
) -> tuple[str, str] | None:
    """A version that is there as long as its pipeline is delivered as it is now: the newest one if it can be told."""
    current = {(pipeline.name, pipeline.version) for pipeline in wanted.pipelines}
    made = [(e.pipeline, e.name) for e in done.events if (e.action, e.kind, e.outcome) == _MADE]
    for version in reversed(made):
        if version in current:
            return version
    there = {
        (name, version.name): version.created
        for name, found in actual.pipelines.items()
        if found.owner == wanted.owner
        for version in found.versions.values()
        if (name, version.name) in current
    }
    if there:
        return max(there, key=lambda version: (there[version], version))
    before = kept.version if kept else None
    return before if before and before[0] in wanted.beside else None


_MADE = ("create", "version", "done")
