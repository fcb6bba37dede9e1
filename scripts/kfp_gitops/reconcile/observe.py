"""Read what a plan needs: in bulk first, then the runs of those pipelines alone in which something changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfp_gitops.kfpapi.actual import Actual, ActualRun
from kfp_gitops.reconcile import converge
from kfp_gitops.reconcile.api import Kfp
from kfp_gitops.reconcile.converge import Options, View
from kfp_gitops.reconcile.records import Absent, Desired, Entry, experiment_name, schedule_name


def observe(api: Kfp, desired: Desired, options: Options = Options()) -> Actual:  # noqa: B008  # frozen
    """Lists by the page, one request for each pipeline's versions, and runs where a plan depends on them."""
    entries = desired.entries
    pipelines = api.pipelines({entry.name for entry in entries})
    names = {experiment_name(entry.name, desired.owner.environment) for entry in entries}
    found = Actual(dict(pipelines), dict(api.experiments(names)), tuple(api.schedules()), api.now())
    runs = {}
    for entry in entries:
        view = converge.view_of(desired, entry, found, options)
        if converge.depends_on_runs(desired, entry, view, options):
            runs[entry.name] = tuple(runs_of(api, entry, view))
    return replace(found, runs=runs)


def runs_of(api: Kfp, entry: Entry, view: View) -> Sequence[ActualRun]:
    """The newest runs of each recurring run, those that make up for missed ones, those of triggers, and in flight."""
    found = [run for item in view.schedules for run in api.runs_of_schedule(item.id)]
    if isinstance(entry, Absent):
        return [*found, *api.runs_in_flight()]
    for schedule in entry.schedules:
        if schedule.on_missed == "run":
            found += api.runs_called_like(f"{schedule_name(entry.name, schedule.name)}-missed-")
    names = {converge.trigger_run_name(entry, name) for name in converge.pending_triggers(entry, view)}
    found += api.runs_with_names(names) if names else []
    return [*found, *api.runs_in_flight()] if converge.may_delete_versions(entry, view) else found
