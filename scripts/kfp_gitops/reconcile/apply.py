"""Apply: look, decide one step, do it, until nothing is left to do; many pipelines at once.

What a step is decided from is only what is there, so an apply that is killed anywhere is simply run again. One
pipeline's failure ends the work on that pipeline alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from kfp_gitops.base import stopping, waiting
from kfp_gitops.base.errors import NotFoundError, RemoteError, TakenError, UnclearError
from kfp_gitops.base.stopping import Stopped
from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.reconcile import inventory, safety, steps
from kfp_gitops.reconcile.api import Kfp
from kfp_gitops.reconcile.events import Event, described
from kfp_gitops.reconcile.inventory import View
from kfp_gitops.reconcile.perform import Work
from kfp_gitops.reconcile.plan import Plan
from kfp_gitops.reconcile.records import Desired, Options

T = TypeVar("T")
Tell = Callable[[Event], None]
_MOST_STEPS = 200
"""A pipeline that is not done after so many steps never will be; somebody undoes what we do."""
_MOST_SURPRISES = 3
_TO_END = 1.0
"""Seconds for what is under way when the apply is stopped."""


@dataclass(frozen=True)
class Pace:
    """How much at once, and how long a swap may wait for its moment."""

    workers: int = 8
    wait: timedelta = timedelta(minutes=5)
    sleep: Callable[[float], None] = stopping.sleep


@dataclass(frozen=True)
class Outcome:
    """What an apply did. `failed`, `postponed` and `refused` (it is not ours): (pipeline, why)."""

    events: tuple[Event, ...]
    failed: tuple[tuple[str, str], ...] = ()
    postponed: tuple[tuple[str, str], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass
class _Pipeline:
    """The work on one pipeline: mutable, and touched by one thread at a time."""

    work: Work
    view: View
    taken: int = 0
    surprises: int = 0
    waiting: steps.Wait | None = None
    error: str = ""
    refused: bool = False
    postponed: bool = False
    events: list[Event] = field(default_factory=list)
    sent: list[steps.Step] = field(default_factory=list)


def apply(
    api: Kfp,
    desired: Desired,
    plan: Plan,
    actual: Actual,
    options: Options = Options(),  # noqa: B008  # frozen
    tell: Tell = lambda _: None,
    pace: Pace = Pace(),  # frozen
    ended: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Carry out a plan that was made of `actual`; what is in conflict is left alone.

    `ended` is told the name of each pipeline on which no more is done, be it well or not.
    """
    tell, ended = _one_at_a_time(tell), _one_at_a_time(ended)
    stopped = _stop_vanished(api, desired, actual, options, tell)
    pipelines = list(_pipelines(api, desired, plan, actual, options))
    try:
        _until_done(api, pipelines, tell, pace, ended)
        left = [item for item in pipelines if item.error or item.postponed]
        safety.reach(map(_unfinished, left), api, tell, None)
    except Stopped:
        safety.reach(map(_unfinished, pipelines), api, tell, stopping.left())
        raise
    return _outcome(pipelines, stopped)


def _until_done(
    api: Kfp, pipelines: Sequence[_Pipeline], tell: Tell, pace: Pace, ended: Callable[[str], None]
) -> None:
    def run(item: _Pipeline) -> None:
        _run(item, tell)
        if not item.waiting:
            ended(item.work.wanted.name)

    deadline = api.now() + pace.wait
    todo = pipelines
    while todo:
        _each(run, todo, pace.workers)
        todo = [item for item in todo if item.waiting]
        if todo and not _sleep(api, todo, deadline, pace.sleep):
            for item in todo:
                item.postponed = True
            break


def _unfinished(item: _Pipeline) -> safety.Unfinished:
    wanted, view = item.work.wanted, item.view
    firing = item.work.firing(view)
    return safety.Unfinished(wanted.name, tuple(item.sent), view.schedules, firing)


def _one_at_a_time(tell: Callable[[T], None]) -> Callable[[T], None]:
    lock = threading.Lock()

    def told(event: T) -> None:
        with lock:
            tell(event)

    return told


def _pipelines(
    api: Kfp, desired: Desired, plan: Plan, actual: Actual, options: Options
) -> Iterable[_Pipeline]:
    changed = {change.pipeline for change in plan.to_do} - {change.pipeline for change in plan.conflicts}
    for wanted in desired.entries:
        if wanted.name in changed:
            view = inventory.view_of(desired, wanted, actual, options)
            work = Work(api, desired, wanted, options)
            yield _Pipeline(work, View(**{**vars(view), "runs": None, "in_flight": None}))


def _each(work: Callable[[_Pipeline], None], items: Sequence[_Pipeline], workers: int) -> None:
    """In threads of their own, also one alone: a signal interrupts the main thread, and may not tear a step apart."""
    pool = ThreadPoolExecutor(min(workers, len(items)))
    futures = [pool.submit(work, item) for item in items]
    try:
        for future in futures:
            future.result()
    finally:
        pool.shutdown(wait=not stopping.asked(), cancel_futures=True)
        wait([future for future in futures if not future.cancelled()], stopping.left(_TO_END))


def _run(item: _Pipeline, tell: Tell) -> None:
    """Step by step, until nothing is left to do, or a moment must be waited for, or it fails."""
    item.waiting = None
    while not item.error:
        step = item.work.next_step(item.view)
        if step is None or isinstance(step, steps.Wait):
            _note_wait(item, step, tell)
            return
        item.taken += 1
        if item.taken > _MOST_STEPS:
            item.error = f"not done after {_MOST_STEPS} steps: something undoes what is done"
            return
        _take(item, step, tell)


def _note_wait(item: _Pipeline, wait: steps.Wait | None, tell: Tell) -> None:
    item.waiting = wait
    if wait:
        tell(described(item.work.wanted.name, wait).ended("waiting", wait.why, 0))


def _take(item: _Pipeline, step: steps.Step, tell: Tell) -> None:
    name, began = item.work.wanted.name, time.monotonic()
    event, writes, sent = described(name, step), stopping.sent(), len(item.sent)
    try:
        item.view, agreed = item.work.second_look(step, item.view)
        if not agreed:
            return
        item.sent.append(step)
        item.view = item.work.perform(step, item.view)
    except Stopped:
        if stopping.sent() == writes:
            del item.sent[sent:]
        raise
    except NotFoundError as error:
        _surprise(item, event, error, tell)
    except RemoteError as error:
        item.error = f"{event.action} {event.kind} {event.name}: {error}"
        item.refused = isinstance(error, TakenError)
        if isinstance(step, steps.StartRun) and not isinstance(error, UnclearError):
            del item.sent[sent:]  # it runs for certain not
        _record(item, event.ended("failed", str(error), time.monotonic() - began), tell)
    else:
        if not isinstance(step, steps.LookAtRuns | steps.LookAtRunsInFlight):
            _record(item, event.ended("done", event.detail, time.monotonic() - began), tell)


def _surprise(item: _Pipeline, event: Event, error: NotFoundError, tell: Tell) -> None:
    """Somebody removed what we were about to change: look again, but not for ever."""
    item.surprises += 1
    if item.surprises > _MOST_SURPRISES:
        item.error = f"{event.action} {event.kind} {event.name}: {error}"
        _record(item, event.ended("failed", str(error), 0), tell)
        return
    try:
        item.view = item.work.look(item.view)
    except RemoteError as again:
        item.error, item.refused = str(again), isinstance(again, TakenError)


def _record(item: _Pipeline, event: Event, tell: Tell) -> None:
    item.events.append(event)
    tell(event)


def _sleep(
    api: Kfp, waiters: Sequence[_Pipeline], deadline: datetime, sleep: Callable[[float], None]
) -> bool:
    """Until the first moment that is waited for; false when it is past the deadline."""
    until = min(item.waiting.until for item in waiters if item.waiting)
    now = api.now()
    if until > deadline:
        return False
    seconds = max((until - now).total_seconds(), 1.0)
    with waiting.on(f"a good moment to replace schedules of {len(waiters):,} pipelines", seconds):
        sleep(seconds)
    for item in waiters:
        item.view = View(
            **{**vars(item.view), "runs": None, "in_flight": None, "now": max(item.view.now, until)}
        )
    return True


def _stop_vanished(
    api: Kfp, desired: Desired, actual: Actual, options: Options, tell: Tell
) -> list[tuple[Event, str]]:
    """First of all: one that has another name now must not fire under both."""
    done = []
    for found in inventory.vanished(desired, actual, options):
        if found.enabled:
            event = described(found.name, steps.DisableSchedule(found.id, found.name))
            try:
                api.disable_schedule(found.id)
                ended, error = event.ended("done", "its pipeline is in no manifest any more", 0), ""
            except NotFoundError:
                continue
            except RemoteError as failure:
                ended, error = event.ended("failed", str(failure), 0), str(failure)
            done.append((ended, error))
            tell(ended)
    return done


def _outcome(pipelines: Sequence[_Pipeline], stopped: Sequence[tuple[Event, str]]) -> Outcome:
    events = [event for event, _ in stopped] + [event for item in pipelines for event in item.events]
    failed = [(event.name, error) for event, error in stopped if error]
    ended = [(item.work.wanted.name, item.error, item.refused) for item in pipelines if item.error]
    failed += [(name, error) for name, error, refused in ended if not refused]
    postponed = [
        (item.work.wanted.name, item.waiting.why) for item in pipelines if item.postponed and item.waiting
    ]
    taken = tuple((name, error) for name, error, refused in ended if refused)
    return Outcome(tuple(events), tuple(failed), tuple(postponed), taken)
