"""`run --rerun`: what ran once more; and the options of that and of `run --backfill` (`backfilling`)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import UsageError

if TYPE_CHECKING:
    from kfp_gitops.language.manifest import Schedule

NAMED = "named"
"""--backfill without days: another option says of what."""
ASKS_ABOVE = 10
"""So many runs are started without a question."""


def add(parser: ArgumentParser) -> None:
    """Declare the options of both."""
    parser.add_argument(
        "--rerun",
        metavar="RUN",
        help="run it again: same version, same parameters but for those that --param names",
    )
    group = parser.add_argument_group("of a schedule")
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
    group.add_argument(
        "--schedule", metavar="S",
        help="without --backfill: fire this schedule's run now, with its parameters, once (see below); with it: which "
        "schedule, where the pipeline has several",
    )  # fmt: skip
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


def chosen_schedule(arguments: Namespace, schedules: tuple[Schedule, ...]) -> Schedule:
    """The one that is meant.

    Raises:
        UsageError: there is none of that name, or several and none was named.
    """
    names = [schedule.name for schedule in schedules]
    name = arguments.schedule or (names[0] if len(names) == 1 else None)
    if name not in names:
        if not names:
            raise UsageError(
                f"run.py: {arguments.pipeline} has no schedule in {arguments.env}; without --schedule "
                "and --backfill it is run once, and firings of a cron of your own are a backfill in Git: "
                "`new.py backfill --help`"
            )
        what = (
            f"no schedule {name!r} of {arguments.pipeline}"
            if name
            else (f"{arguments.pipeline} has several schedules; say which by --schedule {names[0]}")
        )
        raise UsageError(f"run.py: {what}; there are: {', '.join(names)}")
    return schedules[names.index(name)]


def not_together(arguments: Namespace, shape: str) -> Iterator[str]:
    """What of a backfill does not go together, or is missing; `shape`: how one of days is written."""
    named = arguments.missed or arguments.held
    if named and arguments.backfill != NAMED:
        yield "--missed and --held take the place of days, as in `run.py --env dev --backfill --missed`"
    if arguments.backfill == NAMED and not named:
        yield (
            "say which firings: --backfill 2026-01-01..2026-01-31, --backfill --missed (what status names) or "
            "--backfill --held (what pauses held back)"
        )
    if arguments.backfill != NAMED and not arguments.pipeline:
        yield f"--backfill of days needs --pipeline P, as in `{shape}`"
    if not arguments.pipeline:
        alone = [option for option in ("schedule", "param") if getattr(arguments, option)]
        yield from (f"--{option} is of one pipeline: give --pipeline P, too" for option in alone)
    if named and (arguments.redo_failed or arguments.include_fired):
        yield "--missed runs once more what failed, and no other firing: leave out --redo-failed and --include-fired"
    if arguments.parallel < 1:
        yield "--parallel is at least 1"
