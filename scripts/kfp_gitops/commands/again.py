"""`run --rerun`: what ran once more; and the options of that and of `run --backfill` (`backfilling`)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import UsageError

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.language.manifest import Schedule
    from kfp_gitops.reconcile.folder import Folder

NAMED = "named"
"""--backfill without days: another option says of what."""
ASKS_ABOVE = 10
"""So many runs are started without a question."""


def add(parser: ArgumentParser) -> None:
    """Declare the options of both."""
    parser.add_argument("--rerun", metavar="RUN", help="run it again: same version, same parameters")
    group = parser.add_argument_group("backfill")
    group.add_argument(
        "--backfill", nargs="?", const=NAMED, metavar="FROM..TO",
        help="one run for each firing of the schedule in these days (UTC, whole); without days --missed or --held",
    )  # fmt: skip
    group.add_argument(
        "--missed", action="store_true",
        help="with --backfill: exactly what `reconcile.py status` names as missed; without --pipeline of all",
    )  # fmt: skip
    group.add_argument(
        "--held", action="store_true", help="with --backfill: what pauses held back, which alarms nobody"
    )
    group.add_argument("--schedule", metavar="S", help="which schedule, where the pipeline has several")
    group.add_argument(
        "--parallel", type=int, default=1, metavar="N", help="runs at a time (default: 1); the rest waits"
    )
    group.add_argument(
        "--tick-parameter", metavar="K",
        help="the text parameter that gets the firing's instant (default: scheduled_at or now_override, if declared)",
    )  # fmt: skip
    group.add_argument(
        "--include-fired", action="store_true", help="run also the firings that the schedule ran itself"
    )
    group.add_argument(
        "--redo-failed", action="store_true",
        help="with --backfill FROM..TO: only the firings whose newest run failed, once more, as with another --param",
    )  # fmt: skip
    group.add_argument("--dry-run", action="store_true", help="show what would run, and start nothing")
    group.add_argument(
        "--yes", action="store_true", help=f"do not ask, however many runs (it asks above {ASKS_ABOVE})"
    )


def is_backfill(arguments: Namespace) -> bool:
    """Whether firings are to be made up for."""
    return bool(arguments.backfill or arguments.missed or arguments.held or arguments.redo_failed)


def rerun(arguments: Namespace, folder: Folder, api: KfpApi) -> str:
    """Start it; returns the new run's id."""
    from kfp_gitops.operate import runs
    from kfp_gitops.operate.operations import rerun as again
    from kfp_gitops.reconcile.records import experiment_name

    names = {experiment_name(pipeline, arguments.env): pipeline for pipeline in folder.manifests}
    found = {e.id: names[e.name] for e in api.experiments_like(f"-{arguments.env}") if e.name in names}
    return again.rerun(api, arguments.rerun, found, lambda values: runs.refuse_unsound(None, {}, values))


def chosen_schedule(arguments: Namespace, schedules: tuple[Schedule, ...]) -> Schedule:
    """The one that is meant.

    Raises:
        UsageError: there is none of that name, or several and none was named.
    """
    names = [schedule.name for schedule in schedules]
    name = arguments.schedule or (names[0] if len(names) == 1 else None)
    if name not in names:
        what = f"no schedule {name!r}" if name else "give --schedule"
        raise UsageError(f"run.py: {what} of {arguments.pipeline}; there are: {', '.join(names) or 'none'}")
    return schedules[names.index(name)]
