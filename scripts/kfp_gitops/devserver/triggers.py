"""When a recurring run fires next: scheduledworkflow/util cron_schedule.go, periodic_schedule.go and
scheduled_workflow.go; facts 4.5.

One deliberate difference: a cron that can never fire (30 February) does not fire here. In the original, Go's
zero time comes back, which is always due.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kfp_gitops.devserver import cron
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import EPOCH, epoch, rfc3339
from kfp_gitops.devserver.errors import InvalidArgumentError
from kfp_gitops.devserver.http import message
from kfp_gitops.devserver.records import RecurringRun


@dataclass(frozen=True)
class Window:
    """From when to when, in epoch seconds."""

    start: int | None
    end: int | None

    def admits(self, moment: int) -> bool:
        return self.end is None or moment <= self.end


def read(body: Message) -> dict[str, Any]:
    """The trigger as it is stored and shown; a missing one is accepted (facts 4.2)."""
    trigger = body.message("trigger", "cron_schedule", "periodic_schedule")
    trigger.one_of("Trigger.trigger", "cron_schedule", "periodic_schedule")
    if trigger.has("cron_schedule"):
        return {"cron_schedule": _read_cron(trigger)}
    if trigger.has("periodic_schedule"):
        return {"periodic_schedule": _read_periodic(trigger)}
    return {}


def _read_cron(trigger: Message) -> dict[str, Any]:
    schedule = trigger.message("cron_schedule", "cron", "start_time", "end_time")
    try:
        cron.parse(schedule.text("cron"))
    except cron.CronError as error:
        raise InvalidArgumentError(
            f"Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron). Error: {error}"
        ) from error
    return message(cron=schedule.text("cron"), **_read_times(schedule))


def _read_periodic(trigger: Message) -> dict[str, Any]:
    schedule = trigger.message("periodic_schedule", "interval_second", "start_time", "end_time")
    interval = schedule.integer("interval_second")
    if interval < 1:
        raise InvalidArgumentError(
            f"Found invalid period schedule interval {interval}. Set at interval to least 1 second"
        )
    return message(interval_second=str(interval), **_read_times(schedule))


def _read_times(schedule: Message) -> dict[str, Any]:
    times = {name: schedule.time(name) for name in ("start_time", "end_time")}
    return {name: EPOCH if moment == 0 else rfc3339(moment) for name, moment in times.items()}


def next_firing(schedule: RecurringRun, now: int) -> int | None:
    """The epoch second of the next firing; due when it is not after now."""
    first = earliest(json.dumps(schedule.trigger), schedule.created, schedule.last_fired)
    if first is None or first > now or not schedule.no_catchup:
        return first
    if "cron_schedule" in schedule.trigger:
        return _newest_cron(schedule.trigger["cron_schedule"], first, now)
    if "periodic_schedule" in schedule.trigger:
        return _newest_periodic(schedule.trigger["periodic_schedule"], first, now)
    return first


@lru_cache(maxsize=65_536)
def earliest(trigger: str, created: int, last_fired: int | None) -> int | None:
    """The first firing after the last one, of a trigger as stored; no catch-up is looked at, nor the time of day.

    Every tick asks this of every schedule in turn, so it is kept, of more than anybody has: fewer would all be lost.
    """
    found: dict[str, Any] = json.loads(trigger)
    if "cron_schedule" in found:
        return _first_cron(found["cron_schedule"], created, last_fired)
    if "periodic_schedule" in found:
        return _first_periodic(found["periodic_schedule"], created, last_fired)
    # Without a trigger it is a one-off: `getNextScheduledEpochForOneTimeRun`.
    return created if last_fired is None else None


def _window(trigger: Mapping[str, Any]) -> Window:
    start, end = (trigger.get(name) for name in ("start_time", "end_time"))
    return Window(*(epoch(datetime.fromisoformat(t)) if t else None for t in (start, end)))


def _last(window: Window, created: int, last_fired: int | None) -> int:
    """`getEffectiveLastJobTime`: never fired counts from start_time, else from creation, enabled or not."""
    last = last_fired
    if last is None:
        last = created if window.start is None else window.start
    return max(last, window.start or last)


def _first_cron(trigger: Mapping[str, Any], created: int, last_fired: int | None) -> int | None:
    window = _window(trigger)
    firing = _after(cron.parse(trigger["cron"]), _last(window, created, last_fired))
    return firing if firing is not None and window.admits(firing) else None


def _newest_cron(trigger: Mapping[str, Any], firing: int, now: int) -> int:
    """With no_catchup the newest of several missed ticks stands for all of them."""
    window, expression = _window(trigger), cron.parse(trigger["cron"])
    while (following := _after(expression, firing)) is not None:
        if following > now or not window.admits(following):
            break
        firing = following
    return firing


def _after(expression: cron.Schedule, moment: int) -> int | None:
    found = expression.next(datetime.fromtimestamp(moment, UTC))
    return None if found is None else epoch(found)


def _first_periodic(trigger: Mapping[str, Any], created: int, last_fired: int | None) -> int | None:
    """The phase starts at creation."""
    window = _window(trigger)
    firing = _last(window, created, last_fired) + int(trigger["interval_second"])
    return firing if window.admits(firing) else None


def _newest_periodic(trigger: Mapping[str, Any], firing: int, now: int) -> int:
    """With no_catchup, after a missed tick it starts anew from now."""
    return now if now >= firing + int(trigger["interval_second"]) else firing
