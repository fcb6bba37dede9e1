"""A pass takes down the asides of its repository whose time is over: previews of pull requests, and people's own."""

from __future__ import annotations

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import Marked
from kfp_gitops.operate.previews import left
from kfp_gitops.operate.triggering.also import Turn
from kfp_gitops.reconcile import aside
from kfp_gitops.reconcile.events import Event


def taken_down(turn: Turn) -> None:
    """Each of them; where no note says that one's time is over, nothing more is asked.

    Raises:
        RemoteError: the next pass goes on.
    """
    if not _any_over(turn):
        return
    for one in left.collect(turn.api, turn.desired.owner.repository):
        kept = [Event("", "delete", it.kind, it.name, "waiting", it.why) for it in one.taken.left]
        gone = [Event("", "delete", it.kind, it.name, "done", "its time is over") for it in one.taken.gone]
        for event in (*gone, *kept):
            turn.tell(event)


def _any_over(turn: Turn) -> bool:
    notes = [
        Marked("experiment", note.id, note.name, owner, ownership.facts(note.description))
        for note in turn.notes
        if (owner := ownership.owner(note.description)) is not None
    ]
    known = aside.known(notes, turn.desired.owner.repository)
    return any(one.is_over(turn.api.now()) for one in known)
