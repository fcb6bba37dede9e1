"""Asking only for what is new: usage that was kept is used again as long as it is what Prometheus still says.

What is new, and the newest hours of what is kept, are asked for; besides one kept day, each in its turn, and for every
hour how many series there are. What came late among the newest hours is taken in. Where what is kept differs further
back, something came later than is looked for, or was changed, and everything is asked for. So it is where nothing is
kept, or other things than are asked for now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from predictive_scaling.base.errors import InputError, RegistryError
from predictive_scaling.store.registry import Registry
from predictive_scaling.tell.logs import log
from predictive_scaling.usage import kept
from predictive_scaling.usage.assembly import KEYS
from predictive_scaling.usage.kept import DAY, KeptUsage, NotKeptError
from predictive_scaling.usage.prometheus import Span
from predictive_scaling.usage.tables import ISO_FORMAT

EXTEND, RENEW = "extend", "renew"
HOW = ("", RENEW, EXTEND)
HOUR = 3600
SHOWN = 5
SETTLE_SECONDS = 900
"""Samples newer than that may still come, and are not kept: a scrape, a rule's evaluation, a remote write."""
LATE_HOURS = 6
"""The newest hours of what is kept: asked for again in every run. Where their older half has changed, more may have."""


@dataclass(frozen=True)
class Request:
    """What is to be had: the digest of what is asked, its columns, the span from Unix second `since` on.

    `span` begins where there is anything; `seen` says by Unix second how many series there are.
    """

    asked: str
    columns: tuple[str, ...]
    since: int
    span: Span
    seen: Mapping[int, float]

    @property
    def settled(self) -> int:
        """Unix second, a whole hour, from which on nothing is kept."""
        return (self.span.end - SETTLE_SECONDS) // HOUR * HOUR

    @property
    def begin(self) -> int:
        """The first whole hour at which there is anything. What is before it Prometheus may be about to forget."""
        return max(-(-self.span.start // HOUR) * HOUR, min(self._hours(), default=self.span.end))

    def _hours(self) -> list[int]:
        return [at for at in self.seen if at % HOUR == 0]

    def seen_within(self, until: int) -> dict[int, float]:
        """How many series there are at whole hours from the first on."""
        return {at: self.seen[at] for at in self._hours() if self.begin <= at <= until}


Ask = Callable[[Span], pd.DataFrame]


def brought(registry: Registry, request: Request, ask: Ask, how: str) -> tuple[pd.DataFrame, str]:
    """Rows of the request's span, and what there is to say of how they were had; they are kept for the next run."""
    try:
        before = _usable(registry, request, how)
        rows, check, late = _extended(registry, before, request, ask)
        days = tuple(each for each in before.pieces if request.span.start < each.start + DAY <= check)
        new = replace(_new(request), pieces=days, turn=_turn(before, request, check).end)
        told = f"{(request.span.end - check) / HOUR:.1f} h were asked for anew, what is before them had been kept"
        told += f"; {late} rows of them came late" if late else ""
    except NotKeptError as error:
        rows, new = ask(request.span), _new(request)
        told = "" if how == RENEW else f"everything was asked for: {error}"
    log("usage", how=told or how, rows=len(rows))
    return rows, "; ".join(filter(None, [told, _kept(registry, rows, request, new)]))


def _new(request: Request) -> KeptUsage:
    """What is to be kept of a request, as yet without a piece."""
    settled = request.settled
    return KeptUsage(request.asked, request.since, settled, request.seen_within(settled), ())


def _usable(registry: Registry, request: Request, how: str) -> KeptUsage:
    """What is kept, where it is of what is asked for now; raises NotKeptError."""
    if how == RENEW:
        raise NotKeptError("this run renews what is kept")
    before = kept.read(registry)
    if before.asked != request.asked:
        raise NotKeptError("other things were asked for, or another Prometheus, when it was kept")
    if before.since > request.since or before.until <= request.begin:
        raise NotKeptError("what is kept begins after what is wanted, or ends before it")
    if before.until > request.span.end:
        raise NotKeptError("what is kept is of later instants")
    now = request.seen_within(before.until)
    hours = {at for at in {*before.seen, *now} if request.begin <= at <= before.until}
    odd = sorted(at for at in hours if before.seen.get(at) != now.get(at))
    if odd:
        raise NotKeptError(
            f"{len(odd)} hours from {_text(odd[0])} on have other series now: something came late"
        )
    return before


def _extended(
    registry: Registry, before: KeptUsage, request: Request, ask: Ask
) -> tuple[pd.DataFrame, int, int]:
    """Rows, the Unix second from which on they were asked for, and how many of them had been kept otherwise.

    Raises NotKeptError where what is kept differs further back.
    """
    span, begin = request.span, request.begin
    check = max(begin, before.until - LATE_HOURS * HOUR)
    old = kept.rows_of(registry, before, request.columns, replace(span, start=begin, end=before.until))
    turn, fresh = _turn(before, request, check), ask(replace(span, start=check))
    late = _differing(old, fresh, replace(span, start=check, end=before.until))
    _require_same(kept.within(late, replace(span, end=check + LATE_HOURS * HOUR // 2)))
    if turn.points > 0:
        _require_same(_differing(old, ask(turn), turn))
    parts = [ask(replace(span, end=begin))] * (span.start < begin)
    rows = pd.concat([*parts, kept.within(old, replace(span, start=begin, end=check)), fresh])
    return rows, check, len(late.drop_duplicates(KEYS))


def _turn(before: KeptUsage, request: Request, check: int) -> Span:
    """The kept day whose turn it is to be asked for again."""
    first = request.begin // DAY * DAY
    day = before.turn if first <= before.turn < check else first
    return replace(request.span, start=max(day, request.begin), end=min(day + DAY, check))


def _differing(old: pd.DataFrame, fresh: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Rows of a span that are not the same on both sides, as they are on either."""
    sides = [kept.within(each, span)[list(old.columns)] for each in (old, fresh)]
    return pd.concat([each.astype(dict.fromkeys(KEYS, "object")) for each in sides]).drop_duplicates(
        keep=False
    )


def _require_same(odd: pd.DataFrame) -> None:
    """Raise NotKeptError where any row differs."""
    if len(odd):
        services = sorted(set(map(str, odd["service"])))
        more = f" and {len(services) - SHOWN} more" if len(services) > SHOWN else ""
        raise NotKeptError(
            f"usage of {', '.join(services[:SHOWN])}{more} from {odd['timestamp'].min()} on is not what it was: "
            "samples came late, or were changed"
        )


def _kept(registry: Registry, rows: pd.DataFrame, request: Request, new: KeptUsage) -> str:
    """Keep what is settled; what hinders it is told and fails no run, for the next one asks for everything."""
    settled = kept.within(rows, replace(request.span, end=max(new.until, request.span.start)))
    if settled.empty:
        return ""
    try:
        kept.keep(registry, settled, request.columns, new)
    except (RegistryError, InputError) as error:
        log("usage was not kept", level=logging.WARNING, reason=str(error))
        return f"it was not kept for the next run: {error}"
    return ""


def _text(at: int) -> str:
    return str(pd.Timestamp(at, unit="s").strftime(ISO_FORMAT))
