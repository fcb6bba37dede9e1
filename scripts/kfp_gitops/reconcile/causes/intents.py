"""Requests that may be on their way: kept before they are sent, until a list shows their run. Pure.

A list may be late, and a process may be killed before it sent what it kept. So a run that no list shows is taken for
never begun only after ten minutes and three looks: by then a request that was sent has been answered or has failed
(KFP stores the run before it answers). One over which KFP broke (HTTP 500) may run without any list ever showing it:
it is not begun again until somebody has archived the note of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from kfp_gitops.reconcile.causes.seen import Seen
from kfp_gitops.reconcile.causes.state import Intent, State

BOUND = timedelta(minutes=10)
_LOOKS = 3


def looked_for(state: State, seen: Seen) -> tuple[dict[str, datetime], State]:
    """The causes (digest → about when) whose runs are there by now, and the state after this look."""
    shown: dict[str, datetime] = {}
    left: dict[str, Intent] = {}
    for name, one in state.intents.items():
        if name in seen.by_name:
            shown[one.digest] = one.begun
        elif kept := _unseen(replace(one, looks=one.looks + 1), name, seen):
            left[name] = kept
    return shown, replace(state, intents=left)


def _unseen(one: Intent, name: str, seen: Seen) -> Intent | None:
    """What is kept of one that no list shows."""
    if one.unclear:
        noted = replace(one, unseen=one.unseen and name not in seen.noted)
        return None if name in seen.settled and not noted.unseen else noted
    over = one.looks >= _LOOKS and seen.now - one.begun >= BOUND
    return None if over else one
