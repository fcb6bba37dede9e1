"""Backfills that stand in Git, in the commands that look and in the one that applies."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import LockedError, LockLostError, RemoteError
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.reconcile import options
from kfp_gitops.commands.reconcile.kept import of_passes
from kfp_gitops.reconcile import locking

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualExperiment
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment, RunState
    from kfp_gitops.kfpserver.ownership import Owner
    from kfp_gitops.operate.operations.continuing import Continued
    from kfp_gitops.operate.status.backfills import Kept
    from kfp_gitops.operate.status.model import BackfillStatus
    from kfp_gitops.reconcile.events import Event
    from kfp_gitops.reconcile.records import Desired, DesiredPipeline

_LOCK = 10.0
"""Seconds that an apply waits for a pass, which would do the same."""


def kept(text: str, notes: Sequence[NamedExperiment], owner: Owner) -> Kept:
    """What passes kept of them, and which are finished by the notes on the server."""
    from kfp_gitops.operate.operations import finished
    from kfp_gitops.operate.status.backfills import Kept
    from kfp_gitops.reconcile import backfilltext

    return Kept(backfilltext.read(text), finished.read(notes, owner))


def standing(
    api: KfpApi,
    desired: Desired,
    pipeline: DesiredPipeline,
    experiment: ActualExperiment | None,
    runs: Sequence[RunState],
    known: Kept,
) -> tuple[BackfillStatus, ...]:
    """How those of a pipeline stand; where nothing was kept of one its runs are asked for by name, 200 a request."""
    from kfp_gitops.operate.status import backfills as status
    from kfp_gitops.reconcile.records import backfill_prefix

    found = []
    for one in (one for one in desired.backfills if one.pipeline == pipeline.name):
        progress = known.progress(one)
        if progress is None:
            named = api.runs_named(experiment.id, backfill_prefix(one.called)) if experiment else ()
            progress = status.counted(one, named)
        found.append(status.of(pipeline, one, progress, runs, api.now()))
    return tuple(found)


def noted(arguments: Namespace, wanted: Desired, actual: Actual) -> list[str]:
    """What a plan says of them: how far each is, and what of those that were deleted will not be run."""
    from kfp_gitops.operate.operations import continuing, pause
    from kfp_gitops.operate.status import backfills as status
    from kfp_gitops.reconcile import backfills, backfilltext
    from kfp_gitops.reconcile.records import experiment_name

    if wanted.aside is not None:
        return []
    api = connection.api(arguments, wanted.host, wanted.namespace)
    text = of_passes(arguments, api, wanted.owner)
    there = {one.id for one in wanted.backfills}
    gone = (
        {}
        if wanted.selected
        else {
            key: found
            for key, one in backfilltext.read(text).items()
            if key not in there and (found := backfills.read(one)) and not found.finished
        }
    )
    lines = [f"backfill {key} {continuing.deleted(found)}" for key, found in sorted(gone.items())]
    if not wanted.backfills:
        return lines
    known = kept(text, pause.notes(api), wanted.owner)
    for pipeline in wanted.pipelines:
        experiment = actual.experiments.get(experiment_name(pipeline.name, wanted.owner.environment))
        for one in standing(api, wanted, pipeline, experiment, (), known):
            more = "" if one.finished or one.held else f"; up to {one.parallel:,} at once"
            days = f"{one.first:%Y-%m-%d %H:%M} to {one.last:%Y-%m-%d %H:%M}" if one.first else "no firing"
            told = status.words(one, actual.now)
            lines.append(f"backfill {one.name} of {pipeline.name}, {days}: {told}{more} ({one.reason})")
    return lines


def after_apply(
    arguments: Namespace, api: KfpApi, wanted: Desired, tell: Callable[[Event], None], *, starts: bool
) -> Sequence[Continued]:
    """Carry them on once, as a pass does: as many runs as there is room for, and nobody waits for their ends.

    In a cluster that is left to the pass, which comes each minute and has the Lease in which it is kept what was begun.
    """
    if not wanted.backfills and not getattr(arguments, "lease", None) and wanted.aside is None:
        return _forgotten(api, wanted, tell)
    if not wanted.backfills or wanted.aside is not None:
        return ()
    if getattr(arguments, "lease", None):
        console.note(f"backfills: {len(wanted.backfills):,} in Git; the pass each minute carries them on")
        return ()
    return _carried_on(api, wanted, tell, starts=starts)


def _forgotten(api: KfpApi, wanted: Desired, tell: Callable[[Event], None]) -> Sequence[Continued]:
    """Where the last one was deleted before its end, that is told."""
    from kfp_gitops.reconcile import backfilltext

    found = locking.peek(None, (*options.key(api, wanted.owner), "triggers")).text
    return _carried_on(api, wanted, tell, starts=False) if backfilltext.read(found) else ()


def _carried_on(
    api: KfpApi, wanted: Desired, tell: Callable[[Event], None], *, starts: bool
) -> Sequence[Continued]:
    from kfp_gitops.operate.operations.continuing import continue_backfills
    from kfp_gitops.operate.triggering import backfilling
    from kfp_gitops.reconcile.backfilltext import InLock

    key = (*options.key(api, wanted.owner), "triggers")
    try:
        with locking.hold(None, key, _LOCK, console.note) as held:
            said = backfilling.said(tell)
            done = continue_backfills(api, wanted, InLock(held), said, starts=starts)
    except LockedError:
        console.note("backfills: a pass is at work, and carries them on")
        return ()
    except LockLostError:
        raise
    except RemoteError as error:
        console.note(f"backfills: {error}; the next apply or pass goes on with them")
        return ()
    for one in done:
        for event in backfilling.events(one):
            tell(event)
    return done
