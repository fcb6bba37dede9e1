"""How the backfills stand that Git asks for: by what passes kept, by a note that one is finished, or by names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.operate.status.model import BackfillStatus
from kfp_gitops.reconcile import backfills, durations, standstill
from kfp_gitops.reconcile.backfills import Progress
from kfp_gitops.reconcile.records import DesiredBackfill, DesiredPipeline

_FINAL = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})


@dataclass(frozen=True)
class Kept:
    """What is known of them without asking for a run: what passes kept, and notes of those that are finished."""

    known: Mapping[str, str] = field(default_factory=dict)
    finished: Mapping[str, Progress] = field(default_factory=dict)

    def progress(self, backfill: DesiredBackfill) -> Progress | None:
        """How far it is; None: nobody kept anything of it."""
        wanted = backfills.asked(backfill)
        found = backfills.read(self.known.get(backfill.id, ""))
        if found and found.asked == wanted:
            return found
        note = self.finished.get(backfill.id)
        return note if note and note.asked == wanted else None


def counted(backfill: DesiredBackfill, runs: Iterable[RunState]) -> Progress:
    """How far it is by its runs' names, where nothing was kept: what the schedule itself ran is not seen so."""
    by_name: dict[str, RunState] = {run.name: run for run in runs}
    progress = Progress.of(backfill)
    for number, tick in enumerate(backfills.ticks_of(backfill)):
        run = by_name.get(backfills.name(backfill, tick))
        if run:
            ended = run.state in _FINAL
            progress = progress.settled(number, run.state) if ended else progress.with_begun((number,), 0)
    return progress


def of(
    pipeline: DesiredPipeline,
    backfill: DesiredBackfill,
    progress: Progress,
    runs: Sequence[RunState],
    now: datetime,
) -> BackfillStatus:
    """As people are told; `runs` are the newest of the pipeline, by which its end is guessed."""
    ticks, usual = backfills.ticks_of(backfill), durations.usual(runs)
    left = progress.left + len(progress.begun)
    takes = usual * -(-left // backfill.parallel) if usual and left else None
    return BackfillStatus(
        name=backfill.id,
        schedule=backfill.schedule,
        reason=backfill.reason,
        first=min(ticks, default=None),
        last=max(ticks, default=None),
        total=progress.total,
        done=len(progress.done),
        ok=progress.ok,
        failed=progress.bad,
        left_out=progress.left_out,
        running=len(progress.begun),
        parallel=backfill.parallel,
        failed_at=tuple(ticks[number] for number in progress.failed if number < len(ticks)),
        held=_held(pipeline, now) if not progress.finished else "",
        finished=datetime.fromtimestamp(progress.finished, UTC) if progress.finished else None,
        ends=now + takes if takes else None,
        again=not backfill.skip_existing,
        failing=standstill.is_failing(progress, now),
        stalled=standstill.stalled(backfill, progress, now, paused=pipeline.is_paused(now)),
    )


def _held(pipeline: DesiredPipeline, now: datetime) -> str:
    return "paused" if pipeline.is_paused(now) else ""


def words(found: BackfillStatus, now: datetime) -> str:
    """`12/31 done, 1 failed, 2 running; about 3.1 h left`."""
    parts = [f"{found.done:,}/{found.total:,} done"]
    parts += [f"{found.failed:,} failed"] if found.failed else []
    parts += [f"{found.left_out:,} had run already"] if found.left_out else []
    parts += [f"{found.running:,} running"] if found.running else []
    text = ", ".join(parts)
    if found.finished:
        return f"{text}; finished {found.finished:%Y-%m-%d %H:%M}, its file may be deleted"
    if found.held or found.stalled:
        return f"{text}; {found.held or found.stalled}"
    return f"{text}; {_about(found.ends - now)} left" if found.ends else text


def unhealthy(every: Iterable[BackfillStatus]) -> Iterator[str]:
    """Why some of them need somebody."""
    for one in every:
        if one.failing:
            yield f"backfill {one.name}: {one.failed:,} of {one.total:,} firings failed"
        if one.stalled:
            yield f"backfill {one.name}: {one.stalled}"


def _about(left: timedelta) -> str:
    hours = left.total_seconds() / 3600
    return f"about {hours:.1f} h" if hours >= 1 else f"about {max(1, round(hours * 60))} min"
