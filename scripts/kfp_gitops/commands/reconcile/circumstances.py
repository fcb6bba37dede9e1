"""Under which circumstances something is planned: what the command line decides, and a pause that somebody left."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.reconcile.options import decisions

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
    from kfp_gitops.operate.operations.pause import Pause
    from kfp_gitops.reconcile.locking.witness import Witness
    from kfp_gitops.reconcile.records import Desired, Options


def circumstances(
    arguments: Namespace, api: KfpApi, wanted: Desired, kept: Witness | None = None
) -> tuple[Options, Desired]:
    """`decisions` and the pauses in force, asked for at once; what is wrong with the first is told before the second.

    A pause of which nobody but a lock knows any more (`kept`) holds too: an apply with that lock sets it again.
    """
    from kfp_gitops.kfpserver.kfpapi.transport import at_once
    from kfp_gitops.operate.operations import database, pause

    if beside := sorted(wanted.beside.intersection(arguments.adopt)):
        raise UsageError(f"--adopt {beside[0]}: it is not selected; select it, or leave this out")
    with at_once() as pool:
        noted = pool.submit(pause.notes, api)
        decided = decisions(arguments, api)
        notes = noted.result()
    standing = [one for one in pause.read(notes, wanted.owner) if not one.ended]
    lost = database.lost(kept, notes, wanted.owner, api.now())
    for one in lost:
        console.note(f"KFP has lost that {wanted.owner.environment} is {one}; apply sets it again first")
    return decided, _paused(wanted, pause.in_force([*standing, *lost], api.now()))


def with_pause(api: KfpApi, wanted: Desired) -> Desired:
    """Desired state under the pause that somebody has left on the server, if one is in force; it is said."""
    from kfp_gitops.operate.operations import pause

    return _paused(wanted, pause.in_force(pause.standing(api, wanted.owner), api.now()))


def with_notes(wanted: Desired, notes: Iterable[NamedExperiment], now: datetime) -> Desired:
    """The same by notes that were read already."""
    from kfp_gitops.operate.operations import pause

    standing = [one for one in pause.read(notes, wanted.owner) if not one.ended]
    return _paused(wanted, pause.in_force(standing, now))


def _paused(wanted: Desired, found: Sequence[Pause]) -> Desired:
    from kfp_gitops.operate.operations import pause

    whole = [one for one in found if not one.only]
    for one in found:
        if pause.concerns(wanted, one) or one in whole:
            console.note(f"{wanted.owner.environment} is {one}; `reconcile.py resume` ends it")
            wanted = pause.over(wanted, one)
    return wanted
