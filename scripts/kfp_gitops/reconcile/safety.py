"""An apply that ends in the middle of a swap, stopped or failed: its schedule fires again. Pure but for `reach`.

Between the end of the old one and «enable the new» nobody fires. What was sent last of a name decides: where the old
one was disabled it is enabled again, which makes up for a firing that fell in between and doubles none, for KFP knows
what it has fired; where it is deleted, or a run makes up for what it missed, or the enabling of the new one was never
heard of, the new one is enabled. What is left over is converged by the next apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from kfp_gitops.base import stopping
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile.api import Kfp
from kfp_gitops.reconcile.events import Event, described
from kfp_gitops.reconcile.steps import DeleteSchedule, DisableSchedule, EnableSchedule, StartRun, Step

Way = tuple[DeleteSchedule | EnableSchedule, ...]
"""One after the other, each only when the one before it was done."""


@dataclass(frozen=True)
class Unfinished:
    """One pipeline: the steps that were sent, and the schedules as last seen."""

    pipeline: str
    sent: Sequence[Step]
    schedules: Sequence[ActualSchedule]
    firing: Mapping[str, str]
    """The names that shall fire; for each the id of the successor that may, "" where none is."""


def ways_to_safety(found: Unfinished) -> list[Way]:
    """What makes each schedule fire again whose swap has begun; nothing where one fires, or may."""
    ways = (_way(name, found) for name in sorted(found.firing))
    return [way for way in ways if way]


def _way(name: str, found: Unfinished) -> Way:
    last = next((step for step in reversed(found.sent) if _concerns(step, name)), None)
    enabled = {item.id for item in found.schedules if item.name == name and item.enabled}
    match last:
        case EnableSchedule():
            return () if last.id in enabled else (EnableSchedule(last.id, name),)
        case DisableSchedule() if not enabled - {last.id}:  # unheard, it is still seen as enabled
            return (EnableSchedule(last.id, name),)
        case DeleteSchedule() if not enabled - {last.id} and found.firing[name]:
            # Unheard, it may fire still: it goes before another one does.
            gone = all(item.id != last.id for item in found.schedules)
            new = EnableSchedule(found.firing[name], name)
            return (new,) if gone else (last, new)
        case StartRun() if not enabled and found.firing[name]:
            return (EnableSchedule(found.firing[name], name),)
    return ()


def _concerns(step: Step, name: str) -> bool:
    """A run that makes up for a firing stands for it: the old one would run it again."""
    match step:
        case DisableSchedule() | EnableSchedule() | DeleteSchedule():
            return step.name == name
        case StartRun():
            return step.name.startswith(f"{name}-missed-")
    return False


def reach(
    unfinished: Iterable[Unfinished], api: Kfp, tell: Callable[[Event], None], within: float | None
) -> None:
    """Do it, for at most so many seconds, or as long as requests are tried."""
    todo = [(found.pipeline, way) for found in unfinished for way in ways_to_safety(found)]
    if not todo:
        return
    pool = ThreadPoolExecutor(len(todo))
    try:
        wait([pool.submit(_go, pipeline, way, api, tell) for pipeline, way in todo], within)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _go(pipeline: str, way: Way, api: Kfp, tell: Callable[[Event], None]) -> None:
    for step in way:
        event = described(pipeline, step)
        try:
            with stopping.safety():
                _send(step, api)
        except (RemoteError, stopping.Stopped) as error:
            tell(event.ended("failed", str(error), 0))
            return
        tell(event.ended("done", "this apply ends in the middle of its replacement; the next one goes on", 0))


def _send(step: DeleteSchedule | EnableSchedule, api: Kfp) -> None:
    if isinstance(step, DeleteSchedule):
        api.delete_schedule(step.id)
    else:
        api.enable_schedule(step.id)
