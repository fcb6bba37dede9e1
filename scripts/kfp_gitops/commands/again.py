"""`run --rerun` and `run --backfill`: what ran once more, and what should have run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console
from kfp_gitops.reconcile import locking

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.language.manifest import Schedule
    from kfp_gitops.operate.operations.backfill import Backfill, Outcome
    from kfp_gitops.reconcile.folder import Folder


def add(parser: ArgumentParser) -> None:
    """Declare the options of both."""
    parser.add_argument(
        "--rerun",
        metavar="RUN",
        help="run it again: same version, same parameters but for those that --param names",
    )
    group = parser.add_argument_group("backfill")
    group.add_argument(
        "--backfill",
        metavar="FROM..TO",
        help="one run for each firing of the schedule in these days (UTC, whole)",
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


def backfill(arguments: Namespace, folder: Folder, api: KfpApi, values: Mapping[str, Any]) -> int:
    """Run what is missing and follow it; exit 4 when a run did not succeed. Interrupted, it goes on where it was."""
    from kfp_gitops.operate.operations import backfill as work

    manifest = folder.manifests[arguments.pipeline]
    if arguments.parallel < 1:
        raise UsageError("run.py: --parallel is at least 1")
    schedule = chosen_schedule(arguments, manifest.schedules)
    within = work.parse_range(arguments.backfill)
    wanted = work.ticks(schedule, within, datetime.now(UTC))
    tick_parameter = work.tick_parameter(manifest, arguments.tick_parameter)
    if tick_parameter is None:
        console.note(
            f"{arguments.pipeline} has no parameter for the firing's instant: its runs are all alike"
        )
    parameters = {**schedule.parameters, **values}
    key = (api.host, api.namespace or "", arguments.env, "backfill", arguments.pipeline, schedule.name)
    with locking.hold(None, key, 0, console.note) as held:
        api.before_write = held.check
        asked = _asked(arguments, folder, api, schedule, parameters, tick_parameter)
        fired = () if arguments.include_fired else api.fired(asked.experiment_id, within.start, within.end)
        outcome = work.run(api, asked, wanted, fired, console.note)
    return _show(outcome)


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


def _asked(
    arguments: Namespace,
    folder: Folder,
    api: KfpApi,
    schedule: Schedule,
    parameters: Mapping[str, Any],
    tick_parameter: str | None,
) -> Backfill:
    from kfp_gitops.operate.operations.backfill import Backfill
    from kfp_gitops.reconcile.records import experiment_name, schedule_name

    pipeline = arguments.pipeline
    pipeline_id = api.pipeline_id(pipeline)
    return Backfill(
        schedule=schedule_name(pipeline, schedule.name),
        pipeline_id=pipeline_id,
        version_id=api.version_id(
            pipeline_id, folder.locked[pipeline].version, folder.locked[pipeline].digest
        ),
        experiment_id=api.experiment_id(experiment_name(pipeline, arguments.env)),
        parameters=parameters,
        tick_parameter=tick_parameter,
        parallel=arguments.parallel,
    )


def _show(outcome: Outcome) -> int:
    counts = {
        state: list(outcome.states.values()).count(state) for state in sorted(set(outcome.states.values()))
    }
    parts = [f"{number} {state}" for state, number in counts.items()]
    parts += [f"{outcome.skipped} run by the schedule itself"] if outcome.skipped else []
    console.result(", ".join(parts) or "no firing in this range")
    if outcome.failed:
        console.note(
            "why one failed: --status RUN; once more: --rerun RUN, for this backfill does not run it again"
        )
    return ExitCode.REMOTE_FAILED if outcome.failed else ExitCode.OK
