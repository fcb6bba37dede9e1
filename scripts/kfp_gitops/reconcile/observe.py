"""Read what a plan needs: in bulk first, then the runs of those pipelines alone in which something changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from kfp_gitops.kfpserver.kfpapi.actual import (
    Actual,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
)
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import adoption, converge, retention, staleness, swap, triggers, unclear
from kfp_gitops.reconcile.api import Kfp
from kfp_gitops.reconcile.drift import Wanted
from kfp_gitops.reconcile.inventory import View, schedule_names, unwanted, view_of
from kfp_gitops.reconcile.records import (
    Absent,
    Desired,
    Entry,
    Options,
    backfill_prefix,
    experiment_name,
    makeup_prefix,
    schedule_name,
)
from kfp_gitops.reconcile.seen import Seen


def observe(api: Kfp, desired: Desired, options: Options = Options()) -> Actual:  # noqa: B008  # frozen
    """Lists by the page, one request for each pipeline's versions, and runs where a plan depends on them."""
    entries = desired.entries
    found = _listed(api, desired, entries)
    names = [name for entry in entries for name in schedule_names(entry)]
    found = replace(found, dangling=staleness.dangling(api, found, options.server, names))
    views = [(entry, view_of(desired, entry, found, options)) for entry in entries]
    changing = [(entry, view) for entry, view in views if _depends_on_runs(entry, view, options)]
    runs = api.together(partial(runs_of, api, entry, view) for entry, view in changing)
    by_name = {entry.name: tuple(its) for (entry, _), its in zip(changing, runs, strict=True)}
    deletes = any(_depends_on_runs_in_flight(desired, entry, view) for entry, view in views)
    found = replace(found, runs=by_name)
    return _before_deletion(api, desired, found) if deletes else found


def _before_deletion(api: Kfp, desired: Desired, found: Actual) -> Actual:
    """What uses versions; a list of recurring runs that was wrongly empty shall not make one look unused."""
    pinned = pinned_by_others(api, desired.owner)
    return replace(found, pinned=pinned, in_flight=tuple(api.runs_in_flight()))


def pinned_by_others(api: Kfp, owner: Owner) -> frozenset[str]:
    """The ids of the versions that recurring runs of others pin."""
    found = (item.version_id for item in api.schedules() if item.owner != owner)
    return frozenset(filter(None, found))


def _listed(api: Kfp, desired: Desired, entries: Sequence[Entry]) -> Actual:
    pipelines: dict[str, ActualPipeline] = {}
    experiments: dict[str, ActualExperiment] = {}
    schedules: list[ActualSchedule] = []
    names = {experiment_name(entry.name, desired.owner.environment) for entry in entries}
    versions = {entry.called: adoption.read_of(entry) for entry in entries}
    lists: tuple[Callable[[], None], ...] = (
        lambda: pipelines.update(api.pipelines(versions, desired.owner)),
        lambda: experiments.update(api.experiments(names, unclear.PREFIX)),
        lambda: schedules.extend(api.schedules()),
    )
    api.together(lists)
    ours = adoption.under_our_names(entries, pipelines)
    found = adoption.taken(entries, ours.values(), schedules)
    return Actual(ours, experiments, tuple(found), api.now())


def _depends_on_runs(wanted: Entry, view: View, options: Options) -> bool:
    """Whether anything of the pipeline's recurring runs, triggers or versions is to be decided."""
    if isinstance(wanted, Absent):
        return bool(view.schedules)
    ours = converge.wanted_schedules(wanted, view, options)
    return bool(
        any(triggers.pending(wanted, view))
        or unwanted(wanted, view)
        or any(view.schedules and not _settled(schedule, view) for schedule in ours)
    )


def _depends_on_runs_in_flight(desired: Desired, wanted: Entry, view: View) -> bool:
    """Whether a version may be deleted."""
    if isinstance(wanted, Absent):
        return wanted.delete != "schedules" and view.pipeline is not None
    return bool(retention.foreseen(desired.owner, wanted, view, desired.keep_versions))


def _settled(wanted: Wanted, view: View) -> bool:
    objects = tuple(found for found in view.schedules if found.name == wanted.name)
    return swap.next_step(wanted, Seen(objects, (), view.now)) is None


def nothing_of(owner: Owner, found: Actual) -> bool:
    """Whether not one object is marked as this owner's."""
    owners = [
        *(item.owner for item in found.pipelines.values()),
        *(item.owner for item in found.experiments.values()),
        *(item.owner for item in found.schedules),
    ]
    return owner not in owners


def runs_of(api: Kfp, entry: Entry, view: View) -> Sequence[ActualRun]:
    """Each once: of each recurring run the newest, what makes up for missed ones, of triggers, and in flight.

    Of a schedule that is not there, too: somebody may have deleted it, and its runs tell until when it fired.
    """
    return list({run.id: run for run in _runs_of(api, entry, view)}.values())


def _runs_of(api: Kfp, entry: Entry, view: View) -> Iterator[ActualRun]:
    yield from view.unclear
    for item in view.schedules:
        yield from api.runs_of_schedule(item.id)
    if isinstance(entry, Absent):
        return
    there = {item.name for item in view.schedules}
    if view.experiment and any(schedule_name(entry.name, s.name) not in there for s in entry.schedules):
        yield from api.runs_in(view.experiment.id)
    for schedule in entry.schedules:
        if schedule.on_missed == "run":
            name = schedule_name(entry.name, schedule.name)
            yield from api.runs_called_like(makeup_prefix(name))
            yield from api.runs_called_like(backfill_prefix(name))
    names = {triggers.run_name(entry, name) for name in triggers.noted(entry, view)}
    if names:
        yield from api.runs_with_names(names)
