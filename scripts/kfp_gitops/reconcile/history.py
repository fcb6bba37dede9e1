"""What a recurring run says of the ones before it: since when its firings count, and when nothing could fire. Pure.

KFP has no update, so a schedule of the manifest is one recurring run after the other, and a deleted one leaves nothing
but its runs. Each is therefore given, as facts in its description, what must not be forgotten with its predecessor:
`since`, from which instant on every firing of its trigger is owed; `gaps`, when and why nothing fired; `was`, the
trigger before it, and from when to when that counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.language.cron import Every
from kfp_gitops.reconcile import timing

SINCE, GAPS, WAS = "since", "gaps", "was"
_STAMP = "%Y%m%dT%H%M%SZ"
_GAP = re.compile(r"([sdo])/(\d{8}T\d{6}Z)(?:/(\d{8}T\d{6}Z))?")


class Why(StrEnum):
    """Why nothing could fire, in one letter: a description has little room."""

    SWAP = "s"
    DELETED = "d"
    OFF = "o"
    """Somebody had disabled it, by a pause or otherwise."""


@dataclass(frozen=True)
class Gap:
    """A time in which nothing could fire: in (after, until]."""

    why: Why
    after: datetime
    until: datetime


@dataclass(frozen=True)
class Era:
    """A trigger, and the time in (after, until] in which its firings were owed."""

    cron: str | None
    seconds: int | None
    after: datetime
    until: datetime


def since(found: ActualSchedule) -> datetime:
    """From when on each firing of a recurring run's trigger is owed; of an earlier version of ours its creation is."""
    begun = noted(found.facts.get(SINCE)) or found.created
    if found.interval_seconds:
        begun = min(begun, found.start) if found.start else begun
    declared = timing.noted(found.facts.get("start")) or (None if found.marked else found.start)
    return max(begun, declared) if declared else begun


def gaps(found: ActualSchedule) -> tuple[Gap, ...]:
    """The times of its line in which nothing could fire."""
    return tuple(_gaps(found.facts.get(GAPS, ""), found.created))


def _gaps(text: str, created: datetime) -> Iterator[Gap]:
    for match in filter(None, map(_GAP.fullmatch, text.split(","))):
        after, until = noted(match[2]), noted(match[3]) or created
        if after and after < until:
            yield Gap(Why(match[1]), after, until)


def was(found: ActualSchedule) -> Era | None:
    """The trigger before a recurring run's own, where it had another."""
    trigger, _, rest = found.facts.get(WAS, "").rpartition("@")
    first, _, last = rest.partition("/")
    after, until = noted(first), noted(last)
    if not (trigger and after and until):
        return None
    if match := re.fullmatch(r"([1-9]\d{0,8})s", trigger):
        return Era(None, int(match[1]), after, until)
    return Era(trigger.replace("_", " "), None, after, until)


def steady(era: Era) -> Era:
    """`@every 2h` has no instants of its own either, but those so far from the last one that fired."""
    found = timing.read_cron(era.cron)
    return replace(era, cron=None, seconds=found.seconds) if isinstance(found, Every) else era


def gaps_fact(gaps: Iterable[Gap], now: datetime) -> str:
    """As a fact of what is created now; the one that goes on until then has no end."""
    ends = {gap: "" if gap.until >= now else f"/{stamp(gap.until)}" for gap in gaps}
    return ",".join(f"{gap.why}/{stamp(gap.after)}{end}" for gap, end in ends.items())


def was_fact(era: Era) -> str:
    """As a fact."""
    trigger = era.cron.replace(" ", "_") if era.cron else f"{era.seconds}s"
    return f"{trigger}@{stamp(era.after)}/{stamp(era.until)}"


def stamp(moment: datetime) -> str:
    """An instant in the names of runs and in facts."""
    return moment.strftime(_STAMP)


def noted(text: str | None) -> datetime | None:
    """The reverse of `stamp`; None for what is none."""
    try:
        return datetime.strptime(text or "", _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
