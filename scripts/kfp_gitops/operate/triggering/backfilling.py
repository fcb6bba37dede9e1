"""A pass carries the backfills on that stand in Git."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.operate.operations.continuing import Continued, InMemory, continue_backfills
from kfp_gitops.operate.triggering.also import Turn
from kfp_gitops.reconcile import backfills
from kfp_gitops.reconcile.backfilltext import InLock
from kfp_gitops.reconcile.events import Event


def carried_on(turn: Turn, into: list[Continued] | None = None) -> None:
    """Each of them, by as many runs as there is room for, none where the environment is turned off.

    `into` gets what came of each.

    Raises:
        RemoteError: what of them failed; it was told, and the others went on.
        LockLostError: another pass may be at work by now.
    """
    if turn.desired.disabled:  # all are held, and the pass of such an environment has no rights to end one
        return
    kept = InLock(turn.keeping) if turn.keeping else InMemory()
    tell = said(turn.tell)
    done = continue_backfills(turn.api, turn.desired, kept, tell, notes=turn.notes)
    if into is not None:
        into += done
    for one in done:
        for event in events(one):
            turn.tell(event)
    if failed := [f"{one.id}: {one.error}" for one in done if one.error]:
        raise RemoteError("; ".join(failed))


def said(tell: Callable[[Event], None]) -> Callable[[str, str], None]:
    """What is told of backfills in words, as events."""
    return lambda name, text: tell(Event("", "carry on", "backfill", name, "done", text))


def events(found: Continued) -> Sequence[Event]:
    """What was done of one, as an apply tells its steps."""
    pipeline = found.progress.pipeline
    started = [
        Event(pipeline, "start", "run", name, "done", f"backfill {found.id}") for name in found.started
    ]
    held = [Event(pipeline, "carry on", "backfill", found.id, "waiting", found.held)] if found.held else []
    if not started:
        return held
    told = f"{len(started):,} runs started; {backfills.told(found.progress)}"
    return [*started, Event(pipeline, "carry on", "backfill", found.id, "done", told)]
