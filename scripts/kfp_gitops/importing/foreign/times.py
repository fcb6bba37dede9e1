"""Crons and instants as other tools write them, as a manifest has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.checking.check import schedules
from kfp_gitops.importing.foreign.asked import Found
from kfp_gitops.language import cron

_FIVE = 5
Schedule = dict[str, Any]
"""Some of the keys of a manifest's schedule."""
Six = Callable[[str], str]
"""Six fields of five, as the tool hands them to KFP."""


def seconds_added(five: str) -> str:
    """As sky-uk/kfp-operator does it (util.go, ParseCron): at second 0."""
    return f"0 {five}"


def weekday_added(five: str) -> str:
    """As KFP itself reads five fields: the first is the seconds, and the day of the week was left out."""
    return f"{five} *"


def cron_of(text: Any, document: Document, at: Path, six: Six, found: Found) -> str:
    """A cron in six fields; what KFP would refuse, or fire otherwise than it looks, is told."""
    fields = cron.split(str(text))
    written = " ".join(fields)
    if len(fields) == _FIVE:
        written = six(written)
        if six is weekday_added:
            todo = (
                f"it is kept so, as {written!r}; write {seconds_added(' '.join(fields))!r} if that was meant"
            )
            what = f"cron {text!r} has five fields, and KFP took the first for the seconds"
            found.told.append(document.problem(at, what, todo))
    if refused := schedules.refusal(written):
        found.problems.append(document.problem(at, *refused))
    return written


def span(
    value: Mapping[str, Any], keys: Mapping[str, str], document: Document, at: Path, found: Found
) -> Schedule:
    """`start` and `end`, as far as they are given under their names there; an end that is past is told."""
    made: dict[str, Any] = {}
    for key, theirs in keys.items():
        if value.get(theirs):
            made[key] = _instant(value[theirs], document, (*at, theirs), found)
    if "end" in made and made["end"] < _shown(datetime.now(UTC)):
        what = f"this ended at {made['end']}, and fires no more"
        found.told.append(document.problem((*at, keys["end"]), what, "take it away, or give another end"))
    return made


def _instant(text: Any, document: Document, at: Path, found: Found) -> str:
    """RFC 3339 in UTC, to the second; without a zone it is UTC, as YAML's timestamps are."""
    try:
        read = datetime.fromisoformat(str(text))
        return _shown(read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC))
    except (ValueError, OverflowError):  # the latter before the year 1 or after 9999, in UTC
        todo = "write it as 2026-11-29T13:30:00Z"
        found.problems.append(document.problem(at, f"{text!r} is no instant", todo))
        return ""


def _shown(instant: datetime) -> str:
    return f"{instant.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
