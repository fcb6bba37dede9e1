"""Who or what started a run: KFP tells the recurring run, and of the rest the name that we gave it says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.reconcile.records import BACKFILLED, backfill_prefix, fired_prefix, makeup_prefix
from kfp_gitops.reconcile.seen import is_named_for


class Kind(StrEnum):
    """What starts runs."""

    SCHEDULE = "schedule"
    BACKFILL = "backfill"
    MAKEUP = "make-up"
    FIRED = "fired"
    TRIGGER = "trigger"
    RERUN = "rerun"
    HAND = "hand"
    OTHER = "other"


@dataclass(frozen=True)
class Cause:
    """What a trigger started a run for: the run of another pipeline that ended, or a state of data."""

    run: str = ""
    """The id of the other run."""
    name: str = ""
    link: str = ""
    """Where it is seen."""
    data: str = ""
    """The URI, as far as there was room for it in the run's description."""
    etag: str = ""

    @property
    def short(self) -> str:
        """For a list."""
        return f"for {self.data}" if self.data else f"after {self.name or self.run}"

    def __str__(self) -> str:
        if self.data:
            return f"for {self.data}{f' ({self.etag})' if self.etag else ''}"
        return f"after run {self.run}{f' ({self.name})' if self.name else ''}"


@dataclass(frozen=True)
class Origin:
    """`name`: of the schedule or trigger, or the id of the run that was run again. `tick`: the firing it is for."""

    kind: Kind
    name: str = ""
    tick: datetime | None = None
    by: str = ""
    """Who, as far as it was told; KFP itself keeps no such name."""
    cause: Cause | None = None
    """Of a trigger that waits for runs or data: for which one it is."""

    def __str__(self) -> str:
        said = _SAID[self.kind].format(name=self.name)
        said += f", {self.cause}" if self.cause else ""
        tick = f", for {self.tick:%Y-%m-%d %H:%M:%S} UTC" if self.tick else ""
        return f"{said}{tick}{f', by {self.by}' if self.by else ''}"

    @property
    def short(self) -> str:
        """For a list."""
        said = _SHORT.get(self.kind) or _SAID[self.kind].format(name=self.name)
        return f"{said} {self.cause.short}" if self.cause else said


_SAID = {
    Kind.SCHEDULE: "schedule {name}",
    Kind.BACKFILL: "backfill of {name}",
    Kind.MAKEUP: "make-up for {name}",
    Kind.FIRED: "{name}, fired by hand",
    Kind.TRIGGER: "trigger {name}",
    Kind.RERUN: "rerun of {name}",
    Kind.HAND: "by hand",
    Kind.OTHER: "by somebody in KFP, or by another tool",
}
_SHORT = {Kind.RERUN: "rerun", Kind.OTHER: "another tool"}
_SECOND, _MINUTE = r"(\d{8}T\d{6}Z)(?:-\d+)?", r"(\d{8}T\d{4}Z)"
_TICKS = (
    (Kind.BACKFILL, re.compile(backfill_prefix("(.+)") + BACKFILLED), "%Y%m%dT%H%M%SZ"),
    (Kind.MAKEUP, re.compile(makeup_prefix("(.+)") + _SECOND), "%Y%m%dT%H%M%SZ"),
    (Kind.FIRED, re.compile(fired_prefix("(.+)") + _MINUTE), "%Y%m%dT%H%MZ"),
)
_STAMP = r"\d{8}-\d{6}-[0-9a-f]{4}"
_RERUN, _HAND, _TRIGGER, _CAUSED = (
    re.compile(text)
    for text in (
        rf".+-rerun-{_STAMP}",
        rf"(.+)-{_STAMP}",
        r"(.+)-[0-9a-f]{12}",
        r"(.+)-[0-9a-f]{16}",  # causes/cause.py
    )
)


def _nowhere(_run: str) -> str:
    return ""


def of(
    run: RunState, pipeline: str, schedules: Mapping[str, str], link: Callable[[str], str] = _nowhere
) -> Origin:
    """Where a run of a pipeline comes from; `schedules`: the ids of recurring runs → their names.

    `link`: where a run of an id is seen.
    """
    facts = ownership.facts(run.description)
    by = facts.get("by", "")
    if run.schedule_id:
        name = schedules.get(run.schedule_id) or _replaced(run, pipeline, schedules)
        return Origin(Kind.SCHEDULE, name, run.scheduled)
    if _RERUN.fullmatch(run.name):
        return Origin(Kind.RERUN, facts.get("rerun", "another run"), by=by)
    for kind, pattern, layout in _TICKS:
        if (found := pattern.fullmatch(run.name)) and (at := _instant(found[2], layout)):
            return Origin(kind, found[1], at, by)
    if (found := _HAND.fullmatch(run.name)) and found[1] == pipeline:
        return Origin(Kind.HAND, by=by)
    if (found := _CAUSED.fullmatch(run.name)) and found[1] == f"{pipeline}-{facts.get('trigger')}":
        return Origin(Kind.TRIGGER, facts["trigger"], cause=_cause(facts, link))
    if (found := _TRIGGER.fullmatch(run.name)) and found[1].startswith(f"{pipeline}-"):
        return Origin(Kind.TRIGGER, found[1].removeprefix(f"{pipeline}-"))
    return Origin(Kind.OTHER)


def _cause(facts: Mapping[str, str], link: Callable[[str], str]) -> Cause:
    """As the pass notes it on each run that it starts (operate/triggering/starting.py)."""
    if uri := facts.get("data"):
        return Cause(data=uri, etag=facts.get("cause", ""))
    run = facts.get("cause", "")
    return Cause(run, facts.get("upstream", ""), link(run) if run else "")


def _instant(text: str, layout: str) -> datetime | None:
    """None for what is none, as in a name that a person gave to a run: of a 13th month."""
    try:
        return datetime.strptime(text, layout).replace(tzinfo=UTC)
    except ValueError:
        return None


def _replaced(run: RunState, pipeline: str, schedules: Mapping[str, str]) -> str:
    """Each release makes schedules anew: that of the run's name is meant, where there is one alone of that name."""
    own = (name for name in schedules.values() if name.startswith(f"{pipeline}-"))
    found = {name for name in own if is_named_for(run.name, name)}
    return found.pop() if len(found) == 1 else f"that is no more ({run.schedule_id})"
