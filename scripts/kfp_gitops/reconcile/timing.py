"""When a recurring run fires, as KFP's controller decides it. Pure; all instants are aware and in UTC.

Source: scheduledworkflow/util cron_schedule.go and periodic_schedule.go. A recurring run that never fired counts from
its start time, else from its creation, also while it is disabled; afterwards from its last firing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from kfp_gitops.base.errors import UsageError
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.language import cron, moments
from kfp_gitops.language.manifest import Schedule

_WINDOWS = (
    *(timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=32)),
    *(timedelta(days=366), timedelta(days=9 * 366)),
)


@dataclass(frozen=True)
class Timing:
    """The firings after `base`: by cron or every so many seconds, up to `end`."""

    cron: cron.Cron | None
    seconds: int | None
    base: datetime
    end: datetime | None

    def next_after(self, instant: datetime) -> datetime | None:
        """The first firing after an instant."""
        found = self._next(max(instant, self.base))
        return None if found is None or (self.end and found > self.end) else found

    def _next(self, instant: datetime) -> datetime | None:
        try:
            return self.cron.next_after(instant) if self.cron else self._next_interval(instant)
        except OverflowError:  # after the end of Python's calendar, the year 9999
            return None

    def _next_interval(self, instant: datetime) -> datetime | None:
        if not self.seconds:
            return None
        passed = (instant - self.base) // timedelta(seconds=self.seconds)
        return self.base + (passed + 1) * timedelta(seconds=self.seconds)

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The firings in (after, until]; there may be very many of them."""
        found = self.next_after(after)
        while found is not None and found <= until:
            yield found
            found = self.next_after(found)

    def last_until(self, instant: datetime) -> datetime | None:
        """The newest firing that is not after an instant."""
        for window in _WINDOWS:
            found = None
            for found in self.between(max(self.base, instant - window), instant):  # noqa: B007  # the last one
                pass
            if found is not None or instant - window <= self.base:
                return found
        return None

    def next_ones(self, after: datetime, count: int = 3) -> tuple[datetime, ...]:
        """The next few firings."""
        return tuple(islice(self.between(after, datetime.max.replace(tzinfo=after.tzinfo)), count))


def live(found: ActualSchedule, fired: datetime | None = None) -> Timing:
    """The firings that a recurring run has before it, after the one at `fired` if it ever fired."""
    return Timing(
        read_cron(found.cron),
        found.interval_seconds,
        fired or found.start or found.created,
        found.end,
    )


def wanted(schedule: Schedule, base: datetime) -> Timing:
    """The firings of a schedule of the manifest that is created at `base`."""
    start = instant(schedule.start)
    return Timing(
        read_cron(schedule.cron),
        schedule.interval_seconds,
        start if start and start > base else base,
        instant(schedule.end),
    )


def read_cron(text: str | None) -> cron.Cron | None:
    """None for what cannot be told: of a server newer than our parser, or a manifest older than our checks."""
    try:
        return cron.parse(text) if text else None
    except cron.CronError:
        return None


def instant(text: str | None) -> datetime | None:
    """RFC 3339 in UTC, as manifests write it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def noted(text: str | None) -> datetime | None:
    """The same of what stands on the server, where anybody may have written it; None for what is no instant."""
    try:
        found = instant(text)
        return found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def rfc3339(moment: datetime) -> str:
    """An instant as manifests and KFP write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name.

    Raises:
        UsageError: no such zone, or this machine has no time zone data.
    """
    found = moments.zone(name)
    if found is None:
        raise UsageError(
            f"timeZone {name!r} is not known here; write a name such as Europe/Berlin, "
            "or install the Python package tzdata where the system has no time zone data"
        )
    return found
