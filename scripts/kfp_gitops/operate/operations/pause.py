"""A pause: a note on the server who turned an environment's schedules off until when, and the schedules turned off.

The note is an experiment without runs, for KFP has nothing else that holds a text of ours on every version. While
it stands, plan and apply keep the schedules disabled; when its time is over they show and repair them as usual.
Resuming archives it, so who paused what and why can be read afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kfp_gitops.base import charset
from kfp_gitops.base.errors import LockLostError, RemoteError, UsageError
from kfp_gitops.checking.limits import EXPERIMENT_DESCRIPTION
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Desired

_PREFIX = "kfp-gitops-paused-"
_BY = 40
"""The most characters of the name of who pauses, so that half of the note is left for the reason."""
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of a pause whose note is damaged: somebody wanted it, and `resume` ends it."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Pause:
    """One note; `until` is aware and in UTC."""

    id: str
    until: datetime
    by: str
    why: str

    def __str__(self) -> str:
        return (
            f"paused by {self.by} until {self.until:%Y-%m-%dT%H:%M:%SZ}{': ' if self.why else ''}{self.why}"
        )


def until(text: str, now: datetime) -> datetime:
    """An end: `8h`, `30m`, `2d`, or an instant in RFC 3339.

    Raises:
        UsageError: neither, or not in the future.
    """
    if match := re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text):
        return now + timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until {text}: write 8h, 30m, 2d, or 2026-01-31T08:00:00Z") from None
    if found.tzinfo is None or found <= now:
        raise UsageError(f"--until {text}: must be in the future and say its zone, such as Z")
    return found.astimezone(now.tzinfo)


def standing(api: KfpApi, owner: Owner) -> list[Pause]:
    """The notes of an environment that nobody has taken back, whether their time is over or not."""
    found = []
    for note in api.experiments_like(_PREFIX):
        facts = ownership.facts(note.description)
        if ownership.owner(note.description) == owner and "until" in facts and not note.archived:
            why = (note.description or "").split("\n")[0]
            moment = timing.noted(facts["until"]) or _FOR_EVER
            found.append(Pause(note.id, moment, facts.get("by", "somebody"), why))
    return sorted(found, key=lambda pause: (pause.until, pause.id))


def in_force(pauses: Iterable[Pause], now: datetime) -> Pause | None:
    """The one that lasts longest, if any lasts."""
    return max((p for p in pauses if p.until > now), key=lambda p: p.until, default=None)


def over(desired: Desired, pause: Pause) -> Desired:
    """The same with every pipeline paused at least as long as this."""
    pipelines = tuple(
        replace(pipeline, paused_until=max(pipeline.paused_until or pause.until, pause.until))
        for pipeline in desired.pipelines
    )
    return replace(desired, pipelines=pipelines)


def begin(api: KfpApi, owner: Owner, pause: Pause, now: datetime, tell: Callable[[str], None]) -> list[str]:
    """Leave the note, then disable every schedule of the environment; returns what failed.

    In this order an apply that comes in between already sees the note. Done again, it leaves a second note;
    the one that lasts longest counts.
    """
    name = f"{_PREFIX}{owner.environment}-{now:%Y%m%dT%H%M%SZ}"
    api.create_experiment(name, note_of(owner, pause))
    return disable(api, owner, tell)


def note_of(owner: Owner, pause: Pause) -> str:
    """The text of a note, cut to what KFP keeps: at 3 a.m. a long reason, or one with an emoji, must not fail."""
    facts = {"until": pause.until.isoformat(), "by": shortened(charset.without(pause.by), _BY)}
    why = charset.without(pause.why) or "no reason was given"
    around = len(ownership.describe(owner, "?", **facts)) - 1
    return ownership.describe(owner, shortened(why, EXPERIMENT_DESCRIPTION.maximum - around), **facts)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; what is cut off is told by an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def end(api: KfpApi, owner: Owner, tell: Callable[[str], None]) -> int:
    """Take every note back; returns how many there were. Enabling is apply's: it is a replacement, not a switch."""
    notes = standing(api, owner)
    for note in notes:
        api.archive_experiment(note.id)
        tell(f"no longer {note}")
    return len(notes)


def disable(api: KfpApi, owner: Owner, tell: Callable[[str], None]) -> list[str]:
    """Disable every schedule of the environment; compiles nothing and reads no manifest. Returns what failed."""
    failed = []
    ours = [s for s in api.schedules() if s.owner == owner and s.enabled]
    for schedule in sorted(ours, key=lambda s: (s.name, s.id)):
        try:
            api.disable_schedule(schedule.id)
            tell(f"disable schedule {schedule.name}: done")
        except LockLostError:
            raise
        except RemoteError as error:
            failed.append(f"{schedule.name}: {error}")
            tell(f"disable schedule {schedule.name}: failed")
    if not ours:
        tell("no schedule of this environment is enabled")
    return failed
