"""From when on causes count for a trigger. Pure.

Nothing is owed to it for what was before it. It is new where the pass before did not know it: then from that pass on.
Where nothing is known of the time before (the first pass of an environment, or what was kept is lost) its runs on the
server tell that it is old; without any the creation of its pipeline's registered version is as old as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kfp_gitops.reconcile.causes.cause import Watched, run_prefix
from kfp_gitops.reconcile.causes.seen import Known, Seen
from kfp_gitops.reconcile.causes.state import GRACE, LOOKBACK, SKEW, Kept, State


def of(one: Watched, state: State, seen: Seen) -> Kept:
    """What is kept of it; anew, where it was not known, or waited for something else."""
    found = state.triggers.get(one.key)
    if found and found.on == one.on:
        return found
    floor = state.at - SKEW if state.at else seen.now - LOOKBACK
    return Kept(one.on, seen.now, floor)


@dataclass(frozen=True)
class Beginning:
    """From `sure` on causes count; what is before that and not before `perhaps` may count: it is to be asked."""

    sure: datetime
    perhaps: datetime

    @property
    def asks(self) -> bool:
        """Whether there is something between."""
        return self.perhaps < self.sure

    def was_there(self, changed: datetime | None, *, first: bool) -> bool:
        """Whether a state of data that was changed then was there before; `first`: the first one that is seen.

        A later one is where something newer was deleted; so it counts only where it is older by a day, for a store's
        clock may be behind, and an upload in parts may be as old as its begin.
        """
        if changed is None:
            return first
        return changed < (self.perhaps if first else self.perhaps - LOOKBACK)


def resolved(one: Watched, kept: Kept, seen: Seen, known: Known) -> tuple[Kept, Beginning]:
    """When it is, and kept once it is certain."""
    if kept.since is not None:
        return kept, Beginning(kept.since, kept.since)
    floor, grace = kept.floor or kept.first - LOOKBACK, kept.first - GRACE
    if floor >= grace or run_prefix(one) in seen.prefixes:
        since = floor
    elif registered := known.registered.get(one.pipeline.name):
        since = registered.created if floor <= registered.created <= grace else grace
    else:
        return kept, Beginning(grace, floor)
    return replace(kept, since=since), Beginning(since, since)
