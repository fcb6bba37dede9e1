"""Our policy for schedules, which stands above what KFP accepts (`kfp_gitops.language.cron`).

KFP reads five fields as if the seconds came first and the day of the week were left out, so `0 2 * * *` fires every
hour: exactly six fields are written here. An expression that does not fire for years makes KFP's controller fire at
every look at it (the parser's zero time is always due): refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from kfp_gitops.base.errors import Problem
from kfp_gitops.language import attainable, cron
from kfp_gitops.language.manifest import Manifest, Schedule

_MINUTE = 60
# Weekdays fall on the same dates again after 28 years, so these starts are all there are.
_STARTS = [datetime(year, 1, 1, tzinfo=UTC) for year in range(2000, 2028)]


def problems(manifest: Manifest) -> Iterator[Problem]:
    """Everything that is wrong with when the schedules of a manifest fire."""
    for schedule in manifest.schedules:
        found = refusal(schedule.cron) if schedule.cron is not None else None
        if found is not None:
            yield manifest.document.problem((*schedule.at, "cron"), *found)
        yield from _times(manifest, schedule)


def warnings(manifest: Manifest) -> Iterator[Problem]:
    """What is allowed, and most likely not meant; what is promised and cannot be kept."""
    for schedule in manifest.schedules:
        often = _fires_within_a_minute(schedule)
        if often:
            at = (*schedule.at, "cron" if schedule.cron else "intervalSeconds")
            yield manifest.document.problem(
                at, often, "the first field is the seconds; write 0 for once a minute"
            )
    for found in attainable.shortfalls(manifest.slo, manifest.schedules, manifest.triggers):
        yield manifest.document.problem(("slo", found.key), found.what, found.todo)


@lru_cache(maxsize=1024)
def refusal(text: str) -> tuple[str, str] | None:
    """Why a cron may not stand in a manifest, and what to write; None when it may."""
    fields = cron.split(text)
    if text.startswith("@"):
        return f"cron {text!r} is not six fields", _instead_of_descriptor(text)
    if len(fields) == 5:
        return f"cron {text!r} has five fields, which KFP reads with seconds first", _with_six_fields(text)
    if len(fields) != 6:
        return f"cron {text!r} has {len(fields)} fields", "write six: second minute hour day month weekday"
    try:
        found = cron.parse(text)
    except cron.CronError as error:
        return f"KFP refuses cron {text!r}: {error}", "correct it"
    if any(found.next_after(start) is None for start in _STARTS):
        return f"cron {text!r} never fires, or not for more than five years", "choose days that exist"
    return None


@lru_cache(maxsize=1024)
def is_fine(text: str) -> bool:
    """Whether there is nothing to tell about a cron, not even a warning."""
    return refusal(text) is None and _often(text) <= 1


def _with_six_fields(text: str) -> str:
    """What a person who knows Unix's cron meant, where KFP can say it; Unix writes Sunday also as 7."""
    fields = cron.split(text)
    weekday = "0" if fields[4] == "7" else fields[4]
    meant = " ".join(["0", *fields[:4], weekday])
    as_written = " ".join([*fields, "*"])
    if _accepted(meant):
        return f"write {meant!r} (seconds first), or {as_written!r} for what KFP would do"
    return "write six fields: second minute hour day month weekday"


def _instead_of_descriptor(text: str) -> str:
    if text in cron.DESCRIPTORS:
        return f"write {cron.DESCRIPTORS[text]!r}"
    try:
        found = cron.parse(text)
    except cron.CronError:
        return "write six: second minute hour day month weekday"
    assert isinstance(found, cron.Every)
    return f"write intervalSeconds: {found.seconds} instead of cron"


def _accepted(text: str) -> bool:
    try:
        cron.parse(text)
    except cron.CronError:
        return False
    return True


def _times(manifest: Manifest, schedule: Schedule) -> Iterator[Problem]:
    instants = {}
    for name, text in (("start", schedule.start), ("end", schedule.end)):
        try:
            instants[name] = datetime.fromisoformat(text) if text else None
        except ValueError as error:
            yield manifest.document.problem(
                (*schedule.at, name), f"{text!r}: {error}", "write a real instant"
            )
    start, end = instants.get("start"), instants.get("end")
    if start and end and end <= start:
        at = (*schedule.at, "end")
        yield manifest.document.problem(at, "the end is not after the start", "write a later instant")


def _fires_within_a_minute(schedule: Schedule) -> str | None:
    if schedule.cron is None:
        seconds = schedule.interval_seconds or _MINUTE
        return f"fires every {seconds} seconds" if seconds < _MINUTE else None
    often = _often(schedule.cron)
    return f"fires {often} times within a minute" if often > 1 else None


def _often(text: str) -> int:
    """How many times a cron fires within a minute in which it does; 0 where KFP takes none of it."""
    if not _accepted(text):
        return 0
    found = cron.parse(text)
    return len(found.second.values) if isinstance(found, cron.Fields) else 0
