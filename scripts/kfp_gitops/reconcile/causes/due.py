"""Which runs are due: decided from what was seen and what is kept. Pure.

At most one run for each cause: one that was dealt with, that has a run by its name on the server, or whose request may
be on its way is never due. None is lost: what cannot be started yet waits, in the order of the causes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kfp_gitops.reconcile.causes import closing, intents
from kfp_gitops.reconcile.causes.cause import Cause, Watched, is_run_of, run_name
from kfp_gitops.reconcile.causes.seen import Registered
from kfp_gitops.reconcile.causes.sorting import Candidate, Sorted, World, sort
from kfp_gitops.reconcile.causes.standing import Missed
from kfp_gitops.reconcile.causes.state import MOST_WAITING, State, begun, version_digits


@dataclass(frozen=True)
class Start:
    """A run that is due."""

    one: Watched
    cause: Cause
    digest: str
    registered: Registered
    tries: int = 0
    """How many passes tried it before."""

    @property
    def name(self) -> str:
        """The run's."""
        return run_name(self.one, self.digest)


@dataclass(frozen=True)
class Decision:
    """What is decided of all triggers; `state` holds all of it but the starts."""

    state: State
    starts: tuple[Start, ...]
    missed: tuple[tuple[Watched, Missed], ...]
    """What this look found to be missed."""
    registered: tuple[Watched, ...]
    """Of the pipelines of these it must be known what is registered."""
    versions: frozenset[tuple[str, str]]
    """Of these (pipeline's id, version's id) it must be known whose they are."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be asked for it."""
        return not self.registered and not self.versions


def decide(triggers: Sequence[Watched], state: State, world: World) -> Decision:
    """For all triggers of an environment; what it asks for is to be put into `world.known`, and decided again."""
    shown, before = intents.looked_for(begun(state, world.seen.now), world.seen)
    found = [(one, sort(one, before, world)) for one in triggers]
    chosen = [(one, out, _chosen(one, out, before, world)) for one, out in found]
    handled = dict(shown)
    for _, out in found:
        handled |= out.handled
    return Decision(
        _after(before.with_handled(handled), found, world),
        tuple(start for *_, starts in chosen for start in starts),
        tuple((one, missed) for one, out in found for missed in out.missed),
        tuple(one for one, out in found if out.asks_registered),
        frozenset(ask for _, out in found for ask in out.asks_versions),
    )


def _after(state: State, found: Sequence[tuple[Watched, Sorted]], world: World) -> State:
    ours = {version_digits(version) for (_, version), its in world.known.versions.items() if its}
    return replace(
        state,
        at=world.seen.now,
        triggers={one.key: out.kept for one, out in found},
        ours=frozenset([*sorted(state.ours)[-_MOST_OURS:], *ours]),
    )


_MOST_OURS = 4_000


def _chosen(one: Watched, out: Sorted, state: State, world: World) -> list[Start]:
    """The runs that are started now; of the others it is noted why they wait."""
    tries = {waits.digest: waits.tries for waits in out.kept.waiting}
    queue = sorted(out.due, key=lambda c: (tries.get(c.digest, 0), *c.order))
    why = held = closing.held(one, world.seen.now, disabled=world.disabled)
    registered, starts = world.known.registered.get(one.pipeline.name), list[Candidate]()
    if not queue or held:
        pass
    elif one.pipeline.called not in world.seen.ids:
        why = f"pipeline {one.pipeline.called} is not registered yet; an apply does it"
    elif broken := world.known.broken.get(one.pipeline.name):
        out.problem = why = broken
    elif one.pipeline.name not in world.known.registered:
        out.asks_registered, why = True, "what is registered is to be asked"
    elif registered is None:
        why = f"version {one.pipeline.version} is not registered yet; an apply does it"
    else:
        starts = queue[: _room(one, state, world)]
        most = one.trigger.max_concurrency
        why = f"{most} of its runs {'is' if most == 1 else 'are'} not over yet (maxConcurrency)"
    out.waiting += [c.waits(why, tries.get(c.digest, 0)) for c in queue[len(starts) :]]
    waiting = sorted(out.waiting, key=lambda its: (its.moment, its.digest))[:MOST_WAITING]
    out.kept = replace(out.kept, waiting=tuple(waiting), held=held, problem=out.problem)
    if registered is None:
        return []
    return [Start(one, c.cause, c.digest, registered, tries.get(c.digest, 0)) for c in starts]


def _room(one: Watched, state: State, world: World) -> int:
    """How many more of its runs may be active: those that no list shows yet count too."""
    pipeline = world.seen.ids.get(one.pipeline.called, "")
    active = sum(is_run_of(one, run.name) for run in world.seen.active_of.get(pipeline, ()))
    coming = sum(is_run_of(one, name) and not its.unclear for name, its in state.intents.items())
    return max(0, one.trigger.max_concurrency - active - coming)
