"""An apply that shall end: a schedule whose swap has begun fires again. Pure but for `reach`.

Between «disable the old» and «enable the new» nobody fires. What was sent last of a name decides: the old one is
enabled again, which makes up for a firing that fell in between and doubles none, for KFP knows what it has fired; or
the new one is, whose enabling nobody heard of. What is left over is converged by the next apply.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from kfp_gitops import stopping
from kfp_gitops.errors import RemoteError
from kfp_gitops.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile.events import Event, described
from kfp_gitops.reconcile.steps import CreateSchedule, DisableSchedule, EnableSchedule, StartRun, Step


@dataclass(frozen=True)
class Unfinished:
    """One pipeline: the steps that were sent, the schedules as last seen, the names that shall fire."""

    pipeline: str
    sent: Sequence[Step]
    schedules: Sequence[ActualSchedule]
    firing: Collection[str]


def steps_to_safety(found: Unfinished) -> list[EnableSchedule]:
    """What makes each schedule fire again whose swap has begun; nothing where one fires, or may."""
    return [step for name in sorted(found.firing) if (step := _step(name, found))]


def _step(name: str, found: Unfinished) -> EnableSchedule | None:
    last = next((step for step in reversed(found.sent) if _concerns(step, name)), None)
    if not isinstance(last, DisableSchedule | EnableSchedule):
        return None
    enabled = {item.id for item in found.schedules if item.name == name and item.enabled}
    if isinstance(last, EnableSchedule):
        return None if last.id in enabled else EnableSchedule(last.id, name)
    # Unheard, it is still seen as enabled.
    return None if enabled - {last.id} else EnableSchedule(last.id, name)


def _concerns(step: Step, name: str) -> bool:
    """A run that makes up for a firing stands for it: the old one would run it again. A new one may fire already."""
    match step:
        case DisableSchedule() | EnableSchedule():
            return step.name == name
        case StartRun():
            return step.name.startswith(f"{name}-missed-")
        case CreateSchedule():
            return step.wanted.name == name and getattr(step, "enabled", False)
    return False


def reach(
    unfinished: Iterable[Unfinished], enable: Callable[[str], None], tell: Callable[[Event], None]
) -> None:
    """Do it, for as long as a process that shall end has."""
    todo = [(found.pipeline, step) for found in unfinished for step in steps_to_safety(found)]
    if not todo:
        return
    pool = ThreadPoolExecutor(len(todo))
    futures = [pool.submit(_enable, pipeline, step, enable, tell) for pipeline, step in todo]
    wait(futures, stopping.left())
    pool.shutdown(wait=False, cancel_futures=True)


def _enable(
    pipeline: str, step: EnableSchedule, enable: Callable[[str], None], tell: Callable[[Event], None]
) -> None:
    event = described(pipeline, step)
    try:
        with stopping.safety():
            enable(step.id)
    except (RemoteError, stopping.Stopped) as error:
        tell(event.ended("failed", str(error), 0))
    else:
        tell(event.ended("done", "this apply is stopped; the next one replaces it", 0))
