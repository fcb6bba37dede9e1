"""Backfills as objects: which firings are theirs, what their runs are called, and how far they are. Pure.

A firing is known by its number, the oldest is 0, whatever the order in which they run. What is settled is kept as a few
spans of numbers and what was begun one by one, so 10,000 firings take as much room as ten.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.language import cron, firings
from kfp_gitops.language.firings import Range
from kfp_gitops.reconcile import history
from kfp_gitops.reconcile.records import DesiredBackfill, backfill_prefix, makeup_prefix

MOST_FAILED = 50
"""Failed firings that are kept one by one, to be told."""
LAST = 253_402_300_799
"""The last second that a date can be, since 1970: of the year 9999."""
_INSTANTS = ("finished", "moved")
_MOST = 100_000
"""Firings that are looked at; rendering allows fewer."""


@lru_cache(maxsize=64)
def ticks(backfill_cron: str, start: str, end: str) -> tuple[datetime, ...]:
    """The firings of a range, the oldest first.

    Raises:
        RefusedError: they are none that a cron has, or too many: nobody rendered that.
    """
    try:
        expression, within = cron.parse(backfill_cron), Range.of(start, end)
    except ValueError as error:
        raise RefusedError(
            f"a backfill of {backfill_cron!r}, {start} to {end}: {error}; render anew"
        ) from None
    if isinstance(expression, cron.Every) or firings.number(expression, within, _MOST) > _MOST:
        raise RefusedError(
            f"a backfill of {backfill_cron!r}, {start} to {end}: too many firings; render anew"
        )
    return tuple(firings.of(expression, within))


def ticks_of(backfill: DesiredBackfill) -> tuple[datetime, ...]:
    """All firings of one."""
    return ticks(backfill.cron, backfill.start, backfill.end)


def name(backfill: DesiredBackfill, tick: datetime) -> str:
    """The name of a firing's run: that of `run.py --backfill`, so that neither runs what the other has run.

    Where what has run shall run once more, the backfill's id is behind it: once for each backfill.
    """
    again = "" if backfill.skip_existing else f"-{backfill.id}"
    return f"{backfill_prefix(backfill.called)}{history.stamp(tick)}{again}"


def makeup_name(backfill: DesiredBackfill, tick: datetime) -> str:
    """The name of the run by which an apply made up for all up to a firing (`onMissed: run`)."""
    return f"{makeup_prefix(backfill.called)}{history.stamp(tick)}"


def asked(backfill: DesiredBackfill) -> str:
    """The identity of what it asks for: another one begins anew, where what has run is found by its name.

    The cron of a schedule is not in it: a schedule that changes makes nothing that is finished begin again.
    """
    own = "" if backfill.schedule else backfill.cron
    of = (backfill.pipeline, backfill.schedule, own, backfill.start, backfill.end, backfill.skip_existing)
    return _digest(*of)


def counted_by(backfill: DesiredBackfill) -> str:
    """The identity of how its firings are numbered."""
    return _digest(backfill.cron, backfill.start, backfill.end)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Spans:
    """A set of numbers as spans [first, last + 1), in order and apart."""

    spans: tuple[tuple[int, int], ...] = ()

    def __contains__(self, number: int) -> bool:
        return any(first <= number < last for first, last in self.spans)

    def __len__(self) -> int:
        return sum(last - first for first, last in self.spans)

    def __iter__(self) -> Iterator[int]:
        return (number for first, last in self.spans for number in range(first, last))

    def with_(self, numbers: Iterable[int]) -> Spans:
        """And these."""
        new = [(number, number + 1) for number in numbers]
        joined: list[tuple[int, int]] = []
        for first, last in sorted([*self.spans, *new]) if new else self.spans:
            if joined and first <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(joined[-1][1], last)
            else:
                joined.append((first, last))
        return Spans(tuple(joined))

    def free(self, end: int, *, newest_first: bool) -> Iterator[int]:
        """The numbers below an end that are not in it."""
        bounds = [0, *(bound for span in self.spans for bound in span), end]
        gaps = [range(first, min(last, end)) for first, last in zip(bounds[::2], bounds[1::2], strict=True)]
        for gap in reversed(gaps) if newest_first else gaps:
            yield from reversed(gap) if newest_first else gap


@dataclass(frozen=True)
class Progress:
    """How far a backfill is; `asked` and `counted_by` say of what."""

    asked: str
    counted_by: str
    done: Spans = Spans()
    begun: Mapping[int, int] = field(default_factory=dict)
    """Firing → when its run was about to be sent, in seconds since 1970 by the server's clock; 0 once it was seen, and
    negative since when it is seen no more."""
    ok: int = 0
    left_out: int = 0
    """Firings that had run already, and so were not run by it."""
    failed: tuple[int, ...] = ()
    """The first ones; `bad` says how many they are."""
    bad: int = 0
    total: int = 0
    finished: int = 0
    """When it was finished, in seconds since 1970; 0: it is not."""
    moved: int = 0
    """When one of its runs last began or ended, a pause held it or it was first looked at, likewise; 0: not known."""
    reason: str = ""
    pipeline: str = ""
    looks: Mapping[int, int] = field(default_factory=dict)
    """Firing that is begun, and whose run no list shows → how many looks have found none."""

    @classmethod
    def of(cls, backfill: DesiredBackfill) -> Progress:
        """One that has not begun."""
        return cls(
            asked(backfill),
            counted_by(backfill),
            total=len(ticks_of(backfill)),
            reason=backfill.reason,
            pipeline=backfill.pipeline,
        )

    @property
    def left(self) -> int:
        """How many have not begun."""
        return max(0, self.total - len(self.done) - len(self.begun))

    def settled(self, number: int, state: str) -> Progress:
        """With a firing's run that has ended, by the state in which it did; "": it was left out."""
        rest = self.without(number)
        found = replace(rest, done=self.done.with_((number,)))
        if not state:
            return replace(found, left_out=self.left_out + 1)
        if state == "SUCCEEDED":
            return replace(found, ok=self.ok + 1)
        failed = (*self.failed, number)[:MOST_FAILED]
        return replace(found, failed=failed, bad=self.bad + 1)

    def with_begun(self, numbers: Iterable[int], at: int) -> Progress:
        """With runs of some firings that are begun at an instant, or were."""
        now = dict.fromkeys(numbers, at)
        return replace(self, begun={**self.begun, **now}, looks=_but(self.looks, now))

    def looked_for(self, number: int) -> Progress:
        """With one more look that found no run of a firing that is begun."""
        return replace(self, looks={**self.looks, number: self.looks.get(number, 0) + 1})

    def without(self, number: int) -> Progress:
        """With a firing's run that was never begun."""
        return replace(self, begun=_but(self.begun, (number,)), looks=_but(self.looks, (number,)))

    def text(self) -> str:
        """One line of JSON."""
        found = {
            **vars(self),
            "done": ",".join(f"{first}-{last}" for first, last in self.done.spans),
            "begun": {str(number): at for number, at in self.begun.items()},
            "looks": {str(number): looks for number, looks in self.looks.items()},
            "failed": list(self.failed),
        }
        return json.dumps({key: value for key, value in found.items() if value}, sort_keys=True)


def _but(found: Mapping[int, int], numbers: Container[int]) -> dict[int, int]:
    return {key: value for key, value in found.items() if key not in numbers}


def read(text: str) -> Progress | None:
    """The reverse; None for nothing, and for what is no such text: then what has run is found by its name."""
    try:
        found: Any = json.loads(text or "null")
        return _read(found) if isinstance(found, Mapping) else None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None


def _read(found: Mapping[str, Any]) -> Progress:
    texts = [span.split("-") for span in str(found.get("done", "")).split(",") if span]
    spans = tuple((int(first), int(last)) for first, last in texts)
    begun = {int(number): int(at) for number, at in found.get("begun", {}).items()}
    bounds = [0, *(bound for span in spans for bound in span), int(found.get("total", 0))]
    if bounds != sorted(bounds) or any(not 0 <= number < bounds[-1] for number in begun):
        raise ValueError("it is of other firings than it says")
    if bounds[-1] > _MOST or any(not 0 <= int(found.get(key, 0)) <= LAST for key in _INSTANTS):
        raise ValueError("nobody keeps that")
    return Progress(
        str(found["asked"]),
        str(found["counted_by"]),
        Spans(spans),
        begun,
        **{key: int(found.get(key, 0)) for key in ("ok", "left_out", "bad", "total", *_INSTANTS)},
        failed=tuple(map(int, found.get("failed", ()))),
        reason=str(found.get("reason", "")),
        pipeline=str(found.get("pipeline", "")),
        looks={int(number): int(looks) for number, looks in found.get("looks", {}).items()},
    )


def told(progress: Progress) -> str:
    """How far it is: `12/31 done, 1 failed, 2 had run already, 2 running`."""
    parts = [f"{len(progress.done):,}/{progress.total:,} done"]
    parts += [f"{progress.bad:,} failed"] if progress.bad else []
    parts += [f"{progress.left_out:,} had run already"] if progress.left_out else []
    parts += [f"{len(progress.begun):,} running"] if progress.begun else []
    return ", ".join(parts)


def days(all_ticks: Sequence[datetime]) -> str:
    """From the first to the last: `2026-01-01 03:00 to 2026-01-31 03:00`."""
    if not all_ticks:
        return "no firing"
    first, last = min(all_ticks), max(all_ticks)
    return f"{first:%Y-%m-%d %H:%M}" if first == last else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
