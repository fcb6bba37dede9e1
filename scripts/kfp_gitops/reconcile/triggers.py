"""Triggers (`runOn: change`): a new release owes each of them one run, which its version notes down. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.kfpserver.kfpapi.actual import ActualVersion
from kfp_gitops.reconcile import carried
from kfp_gitops.reconcile.inventory import View
from kfp_gitops.reconcile.records import DesiredPipeline, Options
from kfp_gitops.reconcile.steps import LookAtRuns, StartRun, Step


def next_step(wanted: DesiredPipeline, view: View) -> Step | None:
    """The run that is to be started next; None when none is owed any more."""
    left = list(pending(wanted, view))
    if not left:
        return None
    if view.runs is None:
        return LookAtRuns()
    there = {run.name for run in view.runs}
    parameters = {trigger.name: trigger.parameters for trigger in wanted.on_change}
    for trigger in left:
        name = run_name(wanted, trigger)
        if name not in there:
            return StartRun(name, parameters[trigger], f"release {wanted.release[:19]}… is new here")
    return None


def owed(wanted: DesiredPipeline, view: View, options: Options) -> tuple[str, ...]:
    """The triggers that a new version owes a run: those of a release that no version here is from."""
    known = (
        {version.facts.get("release") for version in view.pipeline.versions.values()} if view.pipeline else {}
    )
    if not options.triggers or wanted.is_paused(view.now) or wanted.release in known:
        return ()
    return tuple(trigger.name for trigger in wanted.on_change)


def run_name(wanted: DesiredPipeline, trigger: str) -> str:
    """The name of the one run that a release starts."""
    return f"{wanted.name}-{trigger}-{wanted.release.removeprefix('sha256:')[:12]}"


def pending(wanted: DesiredPipeline, view: View) -> Iterator[str]:
    """The triggers that the registered version owes a run to, done or not; read from its description."""
    version = view.pipeline.versions.get(wanted.version) if view.pipeline else None
    if version and not _is_past(version, view):
        yield from noted(wanted, view)


def noted(wanted: DesiredPipeline, view: View) -> Iterator[str]:
    """The same, also where a schedule says that they are done: a swap may delete it and make it anew."""
    version = view.pipeline.versions.get(wanted.version) if view.pipeline else None
    owed = version.facts.get("runs", "").split(",") if version else []
    if not wanted.is_paused(view.now):
        yield from (trigger.name for trigger in wanted.on_change if trigger.name in owed)


def _is_past(version: ActualVersion, view: View) -> bool:
    """Whether a schedule that fires was pinned to it: it comes after its triggers, whose runs may be deleted since."""
    return any(
        found.version_id == version.id and found.owner == version.owner and carried.OFF not in found.facts
        for found in view.schedules
    )
