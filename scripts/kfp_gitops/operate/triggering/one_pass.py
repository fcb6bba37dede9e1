"""One pass: one look, what is due is started, and what others do beside it (backfills go on, what is over goes)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.operate.triggering import asking, looking, starting
from kfp_gitops.operate.triggering.server import Server
from kfp_gitops.operate.triggering.starting import Keeping, Means
from kfp_gitops.reconcile.causes import closing, statetext
from kfp_gitops.reconcile.causes.cause import watched
from kfp_gitops.reconcile.causes.seams import DataStates, Results
from kfp_gitops.reconcile.causes.seen import Seen
from kfp_gitops.reconcile.causes.sorting import World
from kfp_gitops.reconcile.causes.standing import Missed, Standing
from kfp_gitops.reconcile.causes.state import State, standings, without_triggers
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Sources:
    """Where a pass looks beside KFP's API."""

    data: DataStates | None = None
    results: Results | None = None


@dataclass(frozen=True)
class Passed:
    """What a pass found and did."""

    started: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    """(pipeline, what went wrong)."""
    missed: tuple[tuple[str, str, Missed], ...] = ()
    """(pipeline, trigger, what): found to be missed by this pass."""
    standings: tuple[Standing, ...] = ()
    lost: bool = False
    """Whether nothing was kept of a pass before."""
    alarming: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(pipeline, trigger) → causes of the last day that were missed, that nobody held back, and made up for."""

    @property
    def waiting(self) -> int:
        """How many causes wait for their run."""
        return sum(len(one.waiting) for one in self.standings)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(trigger, why) of those of which it cannot be told what is due."""
        return [(f"{one.pipeline}/{one.trigger}", one.problem) for one in self.standings if one.problem]


def run(
    api: Server,
    desired: Desired,
    notes: Sequence[NamedExperiment],
    keeping: Keeping,
    sources: Sources = Sources(),
    tell: Tell = lambda _: None,
) -> Passed:
    """Over all triggers of an environment; `desired` is under the pauses of the notes already.

    Raises:
        RemoteError: KFP does not tell what is there; nothing was started.
        LockLostError: another pass may be at work by now.
    """
    triggers = watched(desired.pipelines)
    before = statetext.read(keeping.kept)
    state = before or State()
    if not triggers and not state.intents:
        if before is not None or any(one.on_causes for one in desired.pipelines):
            keeping.keep_text(statetext.text(without_triggers(state, api.now())))
        return Passed()
    ground = looking.Ground(desired.owner, triggers, sources.data, desired.disabled)
    seen = looking.look(api, ground, state, notes)
    pipelines = {one.name: one for one in desired.pipelines}
    world = World(desired.owner, seen, pipelines=pipelines, disabled=desired.disabled)
    decision, world = asking.decided(api, triggers, state, world)
    after = decision.state
    if looking.is_deep(state, triggers, seen.now):
        after = looking.looked_deep(after)
    means = Means(api, desired.owner, keeping, desired.host, sources.results, tell)
    starting.noted_again(means, after, seen)
    work = starting.started(means, decision.starts, after)
    keeping.keep_text(statetext.text(work.state))
    missed = tuple((one.pipeline.name, one.trigger.name, its) for one, its in decision.missed)
    for pipeline, trigger, its in missed:
        tell(Event(pipeline, "miss", "cause", f"{pipeline}/{trigger}", "missed", f"{its.cause}: {its.why}"))
    stand = tuple(standings(work.state))
    alarming = {(one.pipeline, one.trigger): _alarming(one, pipelines, seen) for one in stand}
    return Passed(work.started, tuple(work.failed), missed, stand, before is None, alarming)


def _alarming(stands: Standing, pipelines: Mapping[str, DesiredPipeline], seen: Seen) -> int:
    """As status counts them: a later run of the pipeline that succeeded, or goes on, makes up for what was missed."""
    key = seen.ids.get(pipelines[stands.pipeline].called, "")
    good = [run for run in seen.ended_of.get(key, ()) if run.state == "SUCCEEDED"]
    newest = max((run.created for run in (*good, *seen.active_of.get(key, ())) if run.created), default=None)
    left = [one for one in stands.missed if not closing.is_held(one.why)]
    return sum(newest is None or newest <= one.moment for one in left)
