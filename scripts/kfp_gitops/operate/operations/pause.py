"""A pause: a note on the server who turned an environment's schedules off until when, and the schedules turned off.

It may be of a part of the environment alone: of a team's pipelines, or of those whose names match.

The note is an experiment without runs, for KFP has nothing else that holds a text of ours on every version. While
it stands, plan and apply keep the schedules disabled; when its time is over they show and repair them as usual.
Resuming archives it, so who paused what and why can be read afterwards, and leaves an archived note of its end: KFP
tells not since when an experiment is archived, and a pause that ended early holds nothing back any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kfp_gitops.base import charset
from kfp_gitops.base.errors import LockLostError, RemoteError, UsageError
from kfp_gitops.checking.limits import EXPERIMENT_DESCRIPTION
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.client import NOTE, KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile import adoption, timing
from kfp_gitops.reconcile.records import Desired
from kfp_gitops.sources.selection import Selection

PREFIX = "kfp-gitops-paused-"
_ENDS = "ends"
"""The fact that names, by its id, the pause whose end a note is."""
_BY = 40
"""The most characters of the name of who pauses, so that half of the note is left for the reason."""
_ONLY = 60
"""The most characters of what a part is selected by: with the names around it a note of KFP holds no more."""
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
    only: Selection = field(default_factory=Selection)
    """Which of its pipelines; without any words all."""
    since: datetime | None = None
    """When the note was left, by the server's clock."""
    ended: bool = False
    """Whether somebody has taken it back."""
    ended_at: datetime | None = None
    """When, as far as `resume` could note it."""

    def __str__(self) -> str:
        only, why = f" ({self.only})" if self.only else "", f": {self.why}" if self.why else ""
        return f"paused{only} by {self.by} until {self.until:%Y-%m-%dT%H:%M:%SZ}{why}"


def until(text: str, now: datetime) -> datetime:
    """An end: `8h`, `30m`, `2d`, or an instant in RFC 3339.

    Raises:
        UsageError: neither, or not in the future.
    """
    if match := re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", text):
        return now + timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(now.tzinfo) if found.tzinfo else found
    except (ValueError, OverflowError):  # the end of the year 9999 at another zone is no time in UTC
        raise UsageError(f"--until {text}: write 8h, 30m, 2d, or 2026-01-31T08:00:00Z") from None
    if found.tzinfo is None or found <= now:
        raise UsageError(f"--until {text}: must be in the future and say its zone, such as Z")
    return found


def notes(api: KfpApi) -> list[NamedExperiment]:
    """All that are on the server, and other notes of ours beside them, of whatever environment, whether somebody took
    them back or not; one request."""
    return api.experiments_like(NOTE)


def standing(api: KfpApi, owner: Owner) -> list[Pause]:
    """The notes of an environment that nobody has taken back, whether their time is over or not."""
    return [pause for pause in read(notes(api), owner) if not pause.ended]


def read(found: Iterable[NamedExperiment], owner: Owner) -> list[Pause]:
    """The pauses of an environment, by their ends."""
    ours = [
        (note, ownership.facts(note.description))
        for note in found
        if ownership.owner(note.description) == owner
    ]
    ends = {facts[_ENDS]: note.created for note, facts in ours if _ENDS in facts}
    return sorted(_read(ours, ends), key=lambda pause: (pause.until, pause.id))


def _read(
    ours: Iterable[tuple[NamedExperiment, Mapping[str, str]]], ends: Mapping[str, datetime | None]
) -> Iterator[Pause]:
    for note, facts in ours:
        if "until" not in facts:
            continue
        why = (note.description or "").split("\n")[0]
        moment = timing.noted(facts["until"]) or _FOR_EVER
        only = Selection.read(facts["only"].split(",") if "only" in facts else ())
        yield Pause(
            note.id,
            moment,
            facts.get("by", "somebody"),
            why,
            only,
            note.created,
            note.archived,
            ends.get(note.id),
        )


def in_force(pauses: Iterable[Pause], now: datetime) -> list[Pause]:
    """Of each part, and of the whole, the one that lasts longest, if any lasts; by their ends."""
    lasting: dict[Selection, Pause] = {}
    for pause in sorted((p for p in pauses if p.until > now), key=lambda p: p.until):
        lasting[pause.only] = pause
    return sorted(lasting.values(), key=lambda p: (p.until, p.id))


def under(desired: Desired, pauses: Iterable[Pause], now: datetime) -> Desired:
    """The same under all pauses that nobody has taken back."""
    for pause in in_force((one for one in pauses if not one.ended), now):
        desired = over(desired, pause)
    return desired


def over(desired: Desired, pause: Pause) -> Desired:
    """The same with every pipeline that it is of paused at least as long as this."""
    pipelines = tuple(
        replace(
            pipeline,
            paused_until=pause.until,
            paused_by=" ".join(pause.only.words),
            paused_why=f"by {pause.by}{f': {pause.why}' if pause.why else ''}",
        )
        if pause.only.matches(pipeline.name, pipeline.team)
        and (pipeline.paused_until is None or pipeline.paused_until < pause.until)
        else pipeline
        for pipeline in desired.pipelines
    )
    return replace(desired, pipelines=pipelines)


def concerns(desired: Desired, pause: Pause) -> bool:
    """Whether it pauses any of these pipelines."""
    return any(pause.only.matches(pipeline.name, pipeline.team) for pipeline in desired.pipelines)


@dataclass(frozen=True)
class Part:
    """Some pipelines of an environment, beside all that it has: by name."""

    chosen: Collection[str]
    known: Collection[str]
    called: Mapping[str, str] = field(default_factory=dict)
    """What KFP calls a pipeline → its name, where that is another."""

    def holds(self, schedule: ActualSchedule, names: dict[str, str]) -> bool:
        """Whether a recurring run is of one; `names`: the id of a pipeline on KFP → its name.

        By its own name where its pipeline is there no more, or is none of the environment's: a-b-c may be of a and a-b.
        """
        name = names.get(schedule.pipeline_id or "", "")
        name = self.called.get(name, name)
        if name not in self.known:
            parts = schedule.name.split("-")
            begins = ("-".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
            name = next((begin for begin in begins if begin in self.known), "")
        return name in self.chosen


def begin(
    api: KfpApi,
    owner: Owner,
    pause: Pause,
    now: datetime,
    tell: Callable[[str], None],
    part: Part | None = None,
) -> list[str]:
    """Leave the note, then disable every schedule of the environment, or of a part; returns what failed.

    In this order an apply that comes in between already sees the note. Done again, it leaves a second note;
    the one that lasts longest counts.
    """
    of = f"{len(pause.only.texts)}-" if pause.only else ""  # in one second the whole may be paused, too
    name = f"{PREFIX}{owner.environment}-{of}{now:%Y%m%dT%H%M%SZ}"
    api.create_experiment(name, note_of(owner, pause))
    return disable(api, owner, tell, part)


def note_of(owner: Owner, pause: Pause) -> str:
    """The text of a note, cut to what KFP keeps: at 3 a.m. a long reason, or one with an emoji, must not fail."""
    facts = {"until": pause.until.isoformat(), "by": shortened(charset.without(pause.by), _BY)}
    facts |= {"only": ",".join(pause.only.texts)} if pause.only else {}
    why = charset.without(pause.why) or "no reason was given"
    around = len(ownership.describe(owner, "?", **facts)) - 1
    return ownership.describe(owner, shortened(why, EXPERIMENT_DESCRIPTION.maximum - around), **facts)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; what is cut off is told by an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def checked(only: Selection) -> Selection:
    """What can be noted.

    Raises:
        UsageError: it is too long; half of a note would pause what it does not mean.
    """
    if len(text := ",".join(only.texts)) > _ONLY:
        raise UsageError(
            f"pause: {len(text)} characters select, and a note in KFP holds {_ONLY}: pause in several commands"
        )
    return only


def end(
    api: KfpApi,
    owner: Owner,
    tell: Callable[[str], None],
    is_within: Callable[[Selection], bool] = lambda _: True,
) -> int:
    """Take every note back whose part lies within what is resumed; returns how many there were.

    Enabling is apply's: it is a replacement, not a switch.
    """
    notes = standing(api, owner)
    ended = [note for note in notes if is_within(note.only)]
    for note in ended:
        api.archive_experiment(note.id)
        tell(f"no longer {note}")
    _note_ends(api, owner, [note for note in ended if note.until > api.now()], tell)
    for note in (note for note in notes if note not in ended):
        tell(f"still {note}: that is of more than what is selected, and `resume` of that ends it")
    return len(ended)


def _note_ends(api: KfpApi, owner: Owner, ended: Sequence[Pause], tell: Callable[[str], None]) -> None:
    """When each ended."""
    begin = f"{PREFIX}{owner.environment}-end-{api.now():%Y%m%dT%H%M%SZ}"
    about = "The end of a pause, by `resume`."
    texts = [ownership.describe(owner, about, **{_ENDS: note.id}) for note in ended]
    otherwise = "when it ended could not be noted; until a schedule fires, it counts as long as it was"
    leave(api, begin, texts, tell, otherwise)


def leave(api: KfpApi, begin: str, texts: Sequence[str], tell: Callable[[str], None], otherwise: str) -> None:
    """Leave notes that are over already, one for each text; where one cannot be left, `otherwise` is told."""
    for number, text in enumerate(texts):
        try:
            api.archive_experiment(api.create_experiment(f"{begin}-{number}", text).id)
        except LockLostError:
            raise
        except RemoteError as error:
            tell(f"{otherwise}: {error}")
            return


def disable(api: KfpApi, owner: Owner, tell: Callable[[str], None], part: Part | None = None) -> list[str]:
    """Disable every schedule of the environment, or of a part; compiles nothing. Returns what failed."""
    failed = []
    ours = _enabled(api, owner, part)
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
        tell(f"no schedule of this {'part' if part else 'environment'} is enabled")
    return failed


def _enabled(api: KfpApi, owner: Owner, part: Part | None) -> Sequence[ActualSchedule]:
    """Those of ours that are on, also those which were made in KFP: of these their pipelines say so."""
    pipelines = api.pipelines((), owner)
    found = adoption.taken((), pipelines.values(), api.schedules())
    ours = [schedule for schedule in found if schedule.owner == owner and schedule.enabled]
    names = {found.id: name for name, found in pipelines.items()}
    return ours if part is None else [schedule for schedule in ours if part.holds(schedule, names)]
