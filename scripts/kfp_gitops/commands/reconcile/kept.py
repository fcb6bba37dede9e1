"""What the lock of an environment keeps of KFP's database: read before something is decided, and kept after it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from kfp_gitops.base import replies
from kfp_gitops.base.errors import LockLostError, RemoteError
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile import options
from kfp_gitops.reconcile import locking
from kfp_gitops.reconcile.locking import Kept
from kfp_gitops.reconcile.locking.memory import Memory
from kfp_gitops.reconcile.locking.witness import Witness

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.ownership import Owner
    from kfp_gitops.operate.status.triggers import Standings
    from kfp_gitops.reconcile.apply import Outcome
    from kfp_gitops.reconcile.locking import Held
    from kfp_gitops.reconcile.plan import Plan
    from kfp_gitops.reconcile.records import Desired


_SECONDS = 10.0
"""That a Lease may take to be read, and at most half of the time that is left."""


def add(parser: ArgumentParser) -> None:
    """Declare where it is read, for commands that take no lock."""
    parser.add_argument(
        "--lease", metavar="NAMESPACE/NAME",
        help="the Kubernetes Lease of the reconciler, which keeps by what a lost database is told; it is read, not "
        "taken (default: what this user's own applies kept on this machine)",
    )  # fmt: skip


def read(arguments: Namespace, api: KfpApi, owner: Owner) -> Kept:
    """What is kept; nothing, and that is said, where it cannot be read."""
    try:
        with replies.within(min(_SECONDS, api.budget.seconds / 2)):  # the rest is for what was asked
            return locking.peek(getattr(arguments, "lease", None), options.key(api, owner))
    except RemoteError as error:
        console.note(f"lease {arguments.lease}: what it keeps of KFP's database cannot be read: {error}")
        return Kept()


def of_passes(arguments: Namespace, api: KfpApi, owner: Owner) -> str:
    """What passes over triggers and backfills keep: in a Lease beside the reconciler's, or on this machine.

    Empty where nothing is kept, or it cannot be read, which is said: then nobody knows here whether a pass looks.
    """
    lease = getattr(arguments, "lease", None)
    try:
        with replies.within(min(_SECONDS, api.budget.seconds / 2)):
            return locking.peek(
                f"{lease}-triggers" if lease else None, (*options.key(api, owner), "triggers")
            ).text
    except RemoteError as error:
        console.note(f"lease {lease}-triggers: what passes keep cannot be read: {error}")
        return ""


def standings(text: str) -> Standings | None:
    """How triggers stand, as the newest pass kept it; None where nobody knows."""
    from kfp_gitops.reconcile.causes import state, statetext

    found = statetext.read(text)
    return {(one.pipeline, one.trigger): one for one in state.standings(found)} if found else None


def lost_pauses_again(held: Held, api: KfpApi, owner: Owner) -> None:
    """Set what KFP has lost of the pauses in force once more, before anything is turned on."""
    from kfp_gitops.operate.operations import database, pause

    if not held.witness or not held.witness.pauses:
        return
    for one in database.lost(held.witness, pause.notes(api), owner, api.now()):
        database.again(api, owner, one)
        console.note(
            f"KFP had lost that {owner.environment} is {one}; it is set again, so nothing of it is turned on"
        )


def pauses(held: Held, api: KfpApi, owner: Owner) -> None:
    """Keep those in force, after somebody paused or resumed."""
    from kfp_gitops.operate.operations import database, pause

    with _told():
        _keep(held, database.with_pauses(held.witness, pause.notes(api), owner, api.now()))


def after(held: Held, api: KfpApi, plan: Plan, wanted: Desired, actual: Actual, done: Outcome) -> None:
    """Keep what an apply left; the first that left anything also leaves the mark, a refused one leaves none."""
    from kfp_gitops.operate.operations import database, pause

    owner, before = wanted.owner, held.witness
    with _told():
        notes, now = pause.notes(api), api.now()
        mark = database.mark_of(notes, owner)
        did = any(event.outcome == "done" for event in done.events)
        if not mark and held.memory is Memory.APPLIED and (did or not plan.conflicts):
            mark = database.leave_mark(api, owner)
        version = database.version_of(before, wanted, actual, done)
        old = before.mark if before else ""
        _keep(held, Witness(now, mark or old, version, database.kept_pauses(notes, owner, now)))


@contextmanager
def _told() -> Iterator[None]:
    """What is kept is for a bad day: that it could not be does not fail what was done."""
    try:
        yield
    except LockLostError:
        raise
    except RemoteError as error:
        console.note(f"by what a lost database would be told could not be kept: {error}")


def _keep(held: Held, found: Witness) -> None:
    if held.witness is None or replace(held.witness, at=found.at) != found:
        held.keep(found)
