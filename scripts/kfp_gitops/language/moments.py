"""What an environment's values say of time: instants, crons and zones that a pattern cannot tell from wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language import cron


def problems(values: Document) -> Iterator[Problem]:
    """All of it, in values that their schema has accepted."""
    yield from _instants(values)
    delivery = values.value.get("delivery", {})
    for key in ("driftSchedule", "statusSchedule", "triggerSchedule"):
        yield from _cron(values, ("delivery", key), delivery.get(key))
    for index, window in enumerate(delivery.get("syncWindows", [])):
        at = ("delivery", "syncWindows", index)
        yield from _cron(values, (*at, "schedule"), window["schedule"])
        # Argo CD takes UTC in place of a zone that it does not know (SyncWindow.scheduleOffsetByTimezone).
        yield from _zone(values, (*at, "timeZone"), window["timeZone"])
    yield from _zone(values, ("timeZone",), values.value.get("timeZone", "UTC"))


def _instants(values: Document) -> Iterator[Problem]:
    for name, entry in values.value["pipelines"].items():
        try:
            datetime.fromisoformat(entry.get("until", "2000-01-01T00:00:00Z"))
        except ValueError as error:
            yield values.problem(("pipelines", name, "until"), str(error), "write a real instant")


def _cron(values: Document, at: Path, text: str | None) -> Iterator[Problem]:
    """The cron of Kubernetes and of Argo CD is KFP's without the seconds."""
    try:
        fires = not text or cron.parse(f"0 {text}").next_after(datetime(2000, 1, 1, tzinfo=UTC))
    except cron.CronError as error:
        yield values.problem(at, f"no cron: {error}", "correct the field")
    else:
        if not fires:
            yield values.problem(at, f"{text!r} never comes", "name a day that exists")


def _zone(values: Document, at: Path, name: str) -> Iterator[Problem]:
    """Said only where this machine has time zone data: what is rendered is the same where it has none."""
    if name != "UTC" and zone(name) is None and zone("UTC"):
        what = f"{values.name(at)} is {name!r}, which is no time zone"
        yield values.problem(at, what, "write a name of the IANA data base, such as Europe/Berlin")


def zone(name: str) -> ZoneInfo | None:
    """The time zone of a name; None where there is none, or this machine has no time zone data."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # no such file, no such path, a folder of zones
        return None
