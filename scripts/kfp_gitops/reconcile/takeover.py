"""What stands against taking over what somebody made in KFP. Pure.

What Git names is taken over without more only as it is: it does what Git says, so that nothing starts, stops or runs
twice by it. What would have to be made anew needs a person who says so as well (`--adopt`), once; what was taken over
is ours, and changes as all of ours does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import converge, drift
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.drift import Difference
from kfp_gitops.reconcile.inventory import View, in_order
from kfp_gitops.reconcile.records import DesiredPipeline, Options, schedule_name


def conflicts(owner: Owner, wanted: DesiredPipeline, view: View, options: Options) -> Iterator[Change]:
    """All of it, of a pipeline that is there."""
    assert view.pipeline is not None
    if why := _no_room(owner, view.pipeline, view):
        yield Change(Action.CONFLICT, Kind.PIPELINE, wanted.name, wanted.name, why)
    if wanted.name in options.adopt:
        return
    yield from _otherwise(wanted, view, options)
    if view.pipeline.owner is None:
        yield from _of_the_pipeline(wanted, view)


def _otherwise(wanted: DesiredPipeline, view: View, options: Options) -> Iterator[Change]:
    """What is not as Git says, or of which nobody can say that it is the one which Git means."""
    untaken = in_order(found for found in view.schedules if found.id in view.untaken)
    number = Counter(found.called for found in untaken)
    schedules = {one.name: one for one in converge.wanted_schedules(wanted, view, options)}
    for found in untaken:
        if number[found.called] > 1:
            why = f"several recurring runs of it are called {found.called!r} (this is {found.id}); delete in KFP those "
            yield _schedule(wanted, found.name, f"{why}that are not meant, or leave it out of `adopts`")
            continue
        its = schedules.get(found.name)
        changed = (Difference("schedule", "there", None),) if its is None else drift.differences(its, found)
        if its and found.enabled != its.enabled:
            changed = (*changed, Difference("enabled", found.enabled, its.enabled))
        if changed:
            fields = ", ".join(one.field for one in changed)
            why = f"{found.called!r} is not marked as ours, and not what Git says ({fields}): {_todo(wanted)}"
            yield _schedule(wanted, found.name, why, changed)


def _of_the_pipeline(wanted: DesiredPipeline, view: View) -> Iterator[Change]:
    """A takeover by the word of Git alone is whole: what is not found under its name fires under another, perhaps."""
    assert view.pipeline is not None
    there = {found.name for found in view.schedules}
    for name, one in (wanted.adopts.schedules if wanted.adopts else {}).items():
        if schedule_name(wanted.name, name) not in there:
            why = f"no recurring run of it is called {one.name!r}, of which Git says so: {_todo(wanted)}"
            yield _schedule(wanted, schedule_name(wanted.name, name), why)
    if wanted.version not in view.pipeline.versions:
        why = f"no version of it holds what Git says: {_todo(wanted)}"
        yield Change(Action.CONFLICT, Kind.VERSION, wanted.name, wanted.version, why)


def _todo(wanted: DesiredPipeline) -> str:
    return f"correct the values (`import.py --host` reads it anew), or --adopt {wanted.name} makes it so"


def _no_room(owner: Owner, pipeline: ActualPipeline, view: View) -> str:
    """Why not all of them can be noted in the tags of their pipeline."""
    if not view.untaken:
        return ""
    try:
        ownership.tags(owner, [found.id for found in view.schedules if found.called], pipeline.tags)
    except ValueError as error:
        return f"cannot say of all its recurring runs that they are ours ({error}); name fewer in `adopts`"
    return ""


def _schedule(
    wanted: DesiredPipeline, name: str, reason: str, changed: tuple[Difference, ...] = ()
) -> Change:
    return Change(Action.CONFLICT, Kind.SCHEDULE, wanted.name, name, reason, changed)
