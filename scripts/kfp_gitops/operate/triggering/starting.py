"""Start what is due: what is about to be sent is kept first, so that whoever is killed starts nothing twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from kfp_gitops.base.errors import GitOpsError, LockLostError, NotFoundError, TemporaryError, UnclearError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate import runs
from kfp_gitops.operate.triggering import parameters
from kfp_gitops.operate.triggering.parameters import UnresolvedError
from kfp_gitops.operate.triggering.server import Server
from kfp_gitops.reconcile import unclear
from kfp_gitops.reconcile.causes import statetext
from kfp_gitops.reconcile.causes.due import Start
from kfp_gitops.reconcile.causes.seams import Results
from kfp_gitops.reconcile.causes.seen import Seen
from kfp_gitops.reconcile.causes.standing import Missed, Started, Waiting
from kfp_gitops.reconcile.causes.state import MOST_MISSED, MOST_WAITING, WHY, Intent, State
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.records import experiment_name

MOST = 100
"""Runs that one pass starts; the others wait for the next one."""
_ASKED = 50
"""Names in one question: as many as its answer holds."""
_FEW = 5
"""Experiments that are asked for one by one; of more, all are listed, 200 a request."""
_PATIENCE = timedelta(hours=1)
"""How long the output of a run may not be there: KFP's metadata are written a little after its end."""


class Keeping(Protocol):
    """The lock of a pass, and what is kept in it."""

    @property
    def kept(self) -> str: ...
    def keep_text(self, text: str) -> None: ...


@dataclass(frozen=True)
class Means:
    """By what runs are started."""

    api: Server
    owner: Owner
    keeping: Keeping
    host: str = ""
    results: Results | None = None
    tell: Callable[[Event], None] = lambda _: None


@dataclass
class Work:
    """The state as it becomes, and how it went."""

    state: State
    started: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """(pipeline, what went wrong)."""

    def waits(self, start: Start, why: str, *, failed: bool = True) -> None:
        """It is not started in this pass."""
        tries = start.tries + failed
        waiting = Waiting(start.cause.id, start.digest, start.cause.moment, why[:WHY], tries)
        kept = self.state.triggers[start.one.key]
        all_of_them = sorted((*kept.waiting, waiting), key=lambda one: (one.moment, one.digest))
        self._keep(start, waiting=tuple(all_of_them[:MOST_WAITING]))

    def misses(self, start: Start, why: str) -> None:
        """It is never started."""
        kept = self.state.triggers[start.one.key]
        assert self.state.at is not None
        missed = (Missed(start.cause.id, start.cause.moment, why[:WHY], self.state.at), *kept.missed)
        self._keep(start, missed=missed[:MOST_MISSED])
        self.done(start)

    def done(self, start: Start) -> None:
        """Nothing more is owed for its cause."""
        self.state = self.state.with_handled({start.digest: start.cause.moment})
        kept = self.state.triggers[start.one.key]
        self._keep(start, data=tuple(one for one in kept.data if one.cause != start.cause.id))

    def intends(self, starts: Iterable[Start]) -> None:
        """Their requests are about to be sent."""
        at = self.state.at
        assert at is not None
        begun = {one.name: Intent(one.cause.id, one.digest, at) for one in starts}
        self.state = replace(self.state, intents={**self.state.intents, **begun})

    def forgets(self, start: Start) -> None:
        """Its request made nothing, for certain."""
        left = {name: one for name, one in self.state.intents.items() if name != start.name}
        self.state = replace(self.state, intents=left)

    def is_unclear(self, start: Start, *, noted: bool) -> None:
        """KFP broke over it."""
        intent = replace(self.state.intents[start.name], unclear=True, unseen=not noted)
        self.state = replace(self.state, intents={**self.state.intents, start.name: intent})

    def has(self, start: Start, run_id: str) -> None:
        """KFP made the run."""
        self.done(start)
        self.started += 1
        assert self.state.at is not None
        self._keep(start, last=Started(start.cause.id, start.name, run_id, self.state.at))
        intent = replace(self.state.intents[start.name], made=True)
        self.state = replace(self.state, intents={**self.state.intents, start.name: intent})

    def _keep(self, start: Start, **more: Any) -> None:
        key = start.one.key
        kept = replace(self.state.triggers[key], **more)
        self.state = replace(self.state, triggers={**self.state.triggers, key: kept})


def started(means: Means, starts: Sequence[Start], state: State) -> Work:
    """All of them that can be; what could not be is told, and waits.

    Raises:
        LockLostError: another pass may be at work by now.
        RemoteError: KFP does not tell which of them are there already; nothing was sent then.
    """
    work = Work(state)
    for later in starts[MOST:]:
        work.waits(later, f"{MOST} runs are started in one pass", failed=False)
    ready = _with_parameters(means, starts[:MOST], work)
    there = _there(means.api, [start.name for start, _ in ready])
    for start, _ in ready:
        if start.name in there:
            work.done(start)
    ready = [(start, values) for start, values in ready if start.name not in there]
    experiments = _experiments(means, [start for start, _ in ready], work)
    ready = [(start, values) for start, values in ready if start.one.pipeline.name in experiments]
    if not ready:
        return work
    work.intends(start for start, _ in ready)
    means.keeping.keep_text(statetext.text(work.state))
    sends = [
        partial(_sent, means, start, values, experiments[start.one.pipeline.name]) for start, values in ready
    ]
    for (start, _), (answer, seconds) in zip(ready, means.api.together(sends), strict=True):
        _answered(means, start, answer, seconds, work)
    return work


def noted_again(means: Means, state: State, seen: Seen) -> None:
    """Leave the notes of runs over which KFP broke that could not be left at once: by them people settle it."""
    for name, one in sorted(state.intents.items()):
        if one.unclear and name not in (seen.noted if one.unseen else seen.noted | seen.settled):
            unclear.note(means.api, means.owner, name)


def _with_parameters(
    means: Means, starts: Sequence[Start], work: Work
) -> list[tuple[Start, Mapping[str, Any]]]:
    """Those whose parameters are known, and such as KFP can take."""
    found = means.api.together(partial(_parameters, means, start) for start in starts)
    ready: list[tuple[Start, Mapping[str, Any]]] = []
    for start, values in zip(starts, found, strict=True):
        if isinstance(values, dict):
            ready.append((start, values))
            continue
        _tell(means, start, "failed", str(values), 0.0)
        work.failed.append((start.one.pipeline.name, f"{start.name}: {values}"))
        assert work.state.at is not None
        never = isinstance(values, UnresolvedError | NotFoundError)
        given_up = never and work.state.at - start.cause.moment > _PATIENCE
        (work.misses if given_up else work.waits)(start, str(values))
    return ready


def _parameters(means: Means, start: Start) -> dict[str, Any] | GitOpsError:
    try:
        values = parameters.of(start.one.trigger, start.cause, means.results, means.host)
    except GitOpsError as error:
        return error
    return values


def _there(api: Server, names: Sequence[str]) -> set[str]:
    """Those that KFP has, by another question than the one that decided: by another answer."""
    portions = [names[at : at + _ASKED] for at in range(0, len(names), _ASKED)]
    answers = api.together(partial(api.runs_with_names, {*portion}) for portion in portions)
    return {run.name for answer in answers for run in answer}


def _experiments(means: Means, starts: Sequence[Start], work: Work) -> dict[str, str]:
    """Pipeline → the id of the experiment of its runs; made where no schedule has made it yet."""
    pipelines = sorted({start.one.pipeline.name for start in starts})
    names = [experiment_name(pipeline, means.owner.environment) for pipeline in pipelines]
    if len(names) > _FEW:
        there = means.api.experiments(names)
        known = [there.get(name) for name in names]
    else:
        known = means.api.together(partial(means.api.experiment, name) for name in names)
    found = means.api.together(
        partial(_experiment, means, *one) for one in zip(pipelines, names, known, strict=True)
    )
    failed = {name: one for name, one in zip(pipelines, found, strict=True) if not isinstance(one, str)}
    for start in starts:
        if error := failed.get(start.one.pipeline.name):
            _tell(means, start, "failed", str(error), 0.0)
            work.failed.append((start.one.pipeline.name, str(error)))
            work.waits(start, str(error))
    return {name: one for name, one in zip(pipelines, found, strict=True) if isinstance(one, str)}


def _experiment(means: Means, pipeline: str, name: str, known: ActualExperiment | None) -> str | GitOpsError:
    if known:
        return known.id
    try:
        text = ownership.describe(means.owner, f"Runs of {pipeline}.")
        return means.api.create_experiment(name, text).id
    except LockLostError:
        raise
    except GitOpsError as error:
        return error


def _sent(
    means: Means, start: Start, values: Mapping[str, Any], experiment: str
) -> tuple[str | GitOpsError, float]:
    began = time.monotonic()
    try:
        answer: str | GitOpsError = means.api.create_run(
            name=start.name,
            pipeline_id=start.registered.pipeline_id,
            version_id=start.registered.version_id,
            experiment_id=experiment,
            parameters=values,
            description=description(start),
        )
    except GitOpsError as error:
        answer = error
    return answer, time.monotonic() - began


def description(start: Start) -> str:
    """Of the run, so that everybody sees why it runs; the facts of `operate.runlook.origin`."""
    trigger, facts = start.one.trigger.name, start.cause.facts
    if start.cause.run:
        return runs.started(trigger=trigger, cause=start.cause.run, upstream=facts["name"])
    return runs.started(trigger=trigger, cause=facts["etag"], data=facts["uri"])


def _answered(means: Means, start: Start, answer: str | GitOpsError, seconds: float, work: Work) -> None:
    if isinstance(answer, str):
        work.has(start, answer)
        _tell(means, start, "done", because(start), seconds)
        return
    said = str(answer)
    if isinstance(answer, UnclearError):
        noted, told = unclear.noted(means.api, means.owner, start.name)
        work.is_unclear(start, noted=noted)
        said += told
    elif not isinstance(answer, TemporaryError) or answer.untouched:
        work.forgets(start)
    work.failed.append((start.one.pipeline.name, f"{start.name}: {said}"))
    _tell(means, start, "failed", said, seconds)
    if start.name not in work.state.intents:
        work.waits(start, said)


def because(start: Start) -> str:
    """Of what it is the run, for people."""
    facts = start.cause.facts
    return f"after run {facts['name']}" if start.cause.run else f"{facts['uri']} changed"


def _tell(means: Means, start: Start, outcome: str, detail: str, seconds: float) -> None:
    means.tell(Event(start.one.pipeline.name, "start", "run", start.name, outcome, detail, round(seconds, 3)))
