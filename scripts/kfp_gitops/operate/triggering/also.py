"""What a pass does beside the runs of triggers: each is a function of a turn, and none stops another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kfp_gitops.base.errors import GitOpsError, LockLostError
from kfp_gitops.base.places import Place
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.locking.parted import Keeping
from kfp_gitops.reconcile.records import Desired


@dataclass(frozen=True)
class Turn:
    """What it is done with; the lock of the pass is held."""

    api: KfpApi
    desired: Desired
    """As the manifests say, under the pauses in force."""
    manifests: Place
    """Where they stand."""
    notes: Sequence[NamedExperiment]
    """Our notes on the server, such as pauses (`operations.pause.notes`)."""
    tell: Callable[[Event], None] = lambda _: None
    keeping: Keeping | None = None
    """The lock of the pass, in which each keeps its part of a text; None: nothing is kept."""


Also = tuple[str, Callable[[Turn], None]]
"""What it is, for people (`backfills`), and what does it; what it raises as GitOpsError is told and fails the pass."""


def done(every: Sequence[Also], turn: Turn) -> list[tuple[str, str]]:
    """Each of them; (what, why) of those that failed.

    Raises:
        LockLostError: another pass may be at work by now.
    """
    failed: list[tuple[str, str]] = []
    for what, do in every:
        try:
            do(turn)
        except LockLostError:
            raise
        except GitOpsError as error:
            failed.append((what, str(error)))
    return failed
