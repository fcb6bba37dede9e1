"""What is drawn: the hours of a week as shapes that many rows share, and a strip of runs as signs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from kfp_gitops.operate.statuspage.records import Fires, Run, Schedule, Seen, Trigger
from kfp_gitops.operate.statuspage.week import HOURS

_HOUR = timedelta(hours=1)
SIGNS = {
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "RUNNING": "▸",
    "PENDING": "…",
    "CANCELED": "–",
    "CANCELING": "–",
    "SKIPPED": "»",
}
"""A state's sign, for those who do not see its colour."""
_HIGH = 20


@dataclass
class Shapes:
    """Paths by their id: of 1,000 schedules most fire in the same hours as another."""

    start: datetime
    """The midnight with which the drawing begins."""
    ids: dict[str, str] = field(default_factory=dict)

    def of(self, schedule: Schedule | Trigger, week: datetime) -> str:
        """The id of a schedule's hours, told from `week` on; empty where it never fires in what is drawn."""
        path = "".join(_bars(schedule.week, (week - self.start) // _HOUR))
        return self.ids.setdefault(path, f"w{len(self.ids)}") if path else ""


def _bars(fires: Iterable[Fires], later: int) -> Iterator[str]:
    for one in fires:
        first, end = max(one.hour + later, 0), min(one.hour + one.hours + later, HOURS)
        if first < end:
            yield f"M{first} 0h{end - first}v1h-{end - first}z"


def load(seen: Seen, start: datetime) -> str:
    """How many firings each hour has in all, as one path of bars; the highest fills the height."""
    later = (seen.week - start) // _HOUR
    counts: Counter[int] = Counter()
    on = [s.week for pipeline in seen.pipelines for s in pipeline.schedules if s.enabled]
    on += [t.week for pipeline in seen.pipelines for t in pipeline.triggers if t.enabled]
    for fires in on:
        for one in fires:
            for hour in range(one.hour + later, one.hour + one.hours + later):
                counts[hour] += one.count
    shown = {hour: count for hour, count in sorted(counts.items()) if 0 <= hour < HOURS}
    highest = max(shown.values(), default=1)
    return "".join(
        f"M{hour} {_HIGH}h1v-{max(1, round(_HIGH * count / highest))}h-1z" for hour, count in shown.items()
    )


def strip(runs: Sequence[Run]) -> tuple[list[tuple[str, str]], str]:
    """(state, its signs) of runs that follow one another, the newest last; and the same in words."""
    groups = [(state, len(list(same))) for state, same in groupby(run.state for run in reversed(runs))]
    signs = [(state, SIGNS.get(state, "?") * number) for state, number in groups]
    words = ", ".join(f"{number} {state.lower().replace('_', ' ')}" for state, number in groups)
    return signs, f"the newest last: {words}"
