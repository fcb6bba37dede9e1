"""What a backfill tells before it begins, while it works and when it ends: count, span, cost, and how to go on."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kfp_gitops.base import columns
from kfp_gitops.base.errors import ExitCode, RemoteError
from kfp_gitops.commands import again, console
from kfp_gitops.commands.run import question
from kfp_gitops.commands.run.here import Here

if TYPE_CHECKING:
    from kfp_gitops.operate.operations.making_up import Job, MakingUp

NEWEST = 100
"""Runs whose durations tell what the next ones cost."""
_SHOWN = 20


@dataclass(frozen=True)
class Asked:
    """The firings of one schedule that shall have a run, each with why it has none, as far as that is known."""

    job: Job
    ticks: Mapping[datetime, str]
    new: Sequence[datetime]
    """Those of them that have no run yet, not even of a backfill that was interrupted."""
    usual: timedelta | None
    """How long a run of it takes here; None: unknown."""
    skipped: int = 0
    owed: datetime | None = None
    """The firing that KFP may still run itself: it has started nothing since."""

    def __str__(self) -> str:
        from kfp_gitops.operate.operations import ran

        number = columns.counted(len(self.new), "run")
        if not self.new:
            return f"{self.job.work.schedule}: nothing to start, {columns.counted(len(self.ticks), 'run')} to follow"
        cost = ran.cost(len(self.new), self.usual)
        return f"{self.job.work.schedule}: {number}, {ran.span(self.new)} UTC, {cost}"


def show(asked: Sequence[Asked]) -> None:
    """What would run, on stdout: that is what a dry run was asked for."""
    for one in asked:
        console.result(str(one))
        for tick, why in sorted(one.ticks.items()):
            console.result(
                f"  {tick:%Y-%m-%dT%H:%M:%SZ}  {one.job.work.name(tick)}{f'  {why}' if why else ''}"
            )
    console.result(_total(asked))


def _total(asked: Sequence[Asked]) -> str:
    from kfp_gitops.operate.operations import ran

    number, known = sum(len(one.new) for one in asked), [one for one in asked if one.usual is not None]
    if not asked:
        return "nothing to make up for"
    span = ran.span([tick for one in asked for tick in one.ticks])
    time = sum(((one.usual or timedelta(0)) * len(one.new) for one in known), timedelta(0))
    unknown = f", and {columns.counted(len(asked) - len(known), 'schedule')} of unknown cost" if known else ""
    cost = f"{ran.in_hours(time)} run-hours{unknown if len(known) < len(asked) else ''}"
    return f"{columns.counted(number, 'run')} in all, {span} UTC, {cost if known else 'cost unknown'}"


def confirm(here: Here, asked: Sequence[Asked]) -> None:
    """Tell count, span and cost, and ask where it is much.

    Raises:
        RefusedError: the answer is no, or nobody can answer.
    """
    arguments = here.arguments
    for line in columns.first_of([str(one) for one in asked], _SHOWN, "… {more} more schedules (--dry-run)"):
        _note(line)
    number = sum(len(one.new) for one in asked)
    if len(asked) > 1:
        console.note(_total(asked))
    _warn(asked)
    if number <= again.ASKS_ABOVE or arguments.yes:
        return
    question.ask(
        f"start {number:,} runs, {arguments.parallel} at a time?",
        f"run.py: {number:,} runs are more than {again.ASKS_ABOVE}, and nobody can be asked here: look with "
        "--dry-run, then add --yes",
        "nothing was started",
    )


def _warn(asked: Sequence[Asked]) -> None:
    alike = [one.job.work.schedule for one in asked if one.job.work.tick_parameter is None]
    if alike:
        console.note(
            f"without a parameter for the firing's instant, so all runs alike: {columns.some(alike, 5)}"
        )
    owed = [f"{one.job.work.schedule} ({one.owed:%Y-%m-%d %H:%M})" for one in asked if one.owed]
    if owed:
        _note(
            "nothing has fired since, so KFP may run this one itself, too, once its controller is back: "
            f"{columns.some(owed, 5)}; look with doctor.py first"
        )


def _note(text: str) -> None:
    console.note("\n".join(columns.folded(text, columns.width(), 2)))


def carried_out(
    here: Here,
    asked: Sequence[Asked],
    hold: Callable[[Job], AbstractContextManager[object]],
    skipped: int,
) -> int:
    """Run them all and follow them; exit 4 when one did not succeed."""
    from kfp_gitops.operate.operations.making_up import MakingUp

    jobs, parallel = [one.job for one in asked], here.arguments.parallel
    work = MakingUp(here.api, jobs, parallel, console.note, hold=hold, owner=here.owner)
    try:
        work.run()
    except (KeyboardInterrupt, RemoteError):
        _how_to_go_on(here, work)
        raise
    return _ended(here, work, skipped)


def _how_to_go_on(here: Here, work: MakingUp) -> None:
    """What goes on on KFP, what is not begun, and the command that goes on."""
    going = [(job, tick, run) for job in work.jobs for tick, run in sorted(job.active.items())]
    lines = [f"  {job.work.schedule} {tick:%Y-%m-%dT%H:%M:%SZ}  {run}" for job, tick, run in going]
    if going:
        console.note(f"{columns.counted(len(going), 'run')} on KFP go on, for this does not stop them:")
        for line in columns.first_of(lines, _SHOWN, "  … {more} more"):
            console.note(line)
    ended, left = sum(job.ended for job in work.jobs), sum(len(job.waiting) for job in work.jobs)
    console.note(
        f"{columns.counted(ended, 'run')} ended, {columns.counted(left, 'firing')} not begun; go on with:"
    )
    console.note(f"  {_command(here, _words(here))}")


def _command(here: Here, words: Sequence[str]) -> str:
    return here.said(shlex.join(["run.py", *words]))


def _words(here: Here) -> list[str]:
    """The options of the same backfill."""
    arguments = here.arguments
    words = ["--pipeline", arguments.pipeline] if arguments.pipeline else []
    words += ["--schedule", arguments.schedule] if arguments.schedule else []
    words += ["--backfill"] if arguments.backfill == again.NAMED else ["--backfill", arguments.backfill]
    for option in ("missed", "held", "include_fired", "redo_failed", "yes"):
        words += [f"--{option.replace('_', '-')}"] if getattr(arguments, option) else []
    words += [word for text in arguments.param for word in ("--param", text)]
    words += ["--tick-parameter", arguments.tick_parameter] if arguments.tick_parameter else []
    return [*words, *(["--parallel", str(arguments.parallel)] if arguments.parallel != 1 else [])]


def _ended(here: Here, work: MakingUp, skipped: int) -> int:
    counts = Counter(run.state for job in work.jobs for run in job.states.values())
    parts = [f"{number:,} {state}" for state, number in sorted(counts.items())]
    parts += [f"{skipped:,} run by the schedule itself"] if skipped else []
    otherwise = sum(len(job.otherwise) for job in work.jobs)
    parts += [f"{otherwise:,} run otherwise meanwhile"] if otherwise else []
    console.result(", ".join(parts) or "no firing to make up for")
    if not any(job.failed for job in work.jobs):
        return ExitCode.OK
    words = [word for word in _words(here) if word not in ("--include-fired", "--redo-failed")]
    redo = [] if here.arguments.backfill == again.NAMED else ["--redo-failed"]
    console.note(
        "why one failed: --status RUN; once more what failed, with --param K=V where it is to differ:"
    )
    console.note(f"  {_command(here, [*words, *redo])}")
    return ExitCode.REMOTE_FAILED
