"""When a recurring run fires next: scheduledworkflow/util cron_schedule.go, periodic_schedule.go and
scheduled_workflow.go; facts 4.5.

One deliberate difference: a cron that can never fire (30 February) does not fire here. In the original, Go's
zero time comes back, which is always due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.devserver import cron
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.clock import epoch, rfc3339
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
    if len(trigger.fields) > 1:
        raise InvalidArgumentError(
            "recurring_run.trigger: cron_schedule and periodic_schedule exclude each other"
        )
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
    return {name: rfc3339(schedule.time(name)) for name in ("start_time", "end_time")}


def next_firing(schedule: RecurringRun, now: int) -> int | None:
    """The epoch second of the next firing; due when it is not after now."""
    if "cron_schedule" in schedule.trigger:
        return _next_cron(schedule, schedule.trigger["cron_schedule"], now)
    if "periodic_schedule" in schedule.trigger:
        return _next_periodic(schedule, schedule.trigger["periodic_schedule"], now)
    # Without a trigger it is a one-off: `getNextScheduledEpochForOneTimeRun`.
    return schedule.created if schedule.last_fired is None else None


def _window(trigger: Mapping[str, Any]) -> Window:
    start, end = (trigger.get(name) for name in ("start_time", "end_time"))
    return Window(*(epoch(datetime.fromisoformat(t)) if t else None for t in (start, end)))


def _last(schedule: RecurringRun, window: Window) -> int:
    """`getEffectiveLastJobTime`: never fired counts from start_time, else from creation, enabled or not."""
    last = schedule.last_fired
    if last is None:
        last = schedule.created if window.start is None else window.start
    return max(last, window.start or last)


def _next_cron(schedule: RecurringRun, trigger: Mapping[str, Any], now: int) -> int | None:
    """With no_catchup the newest of several missed ticks stands for all of them."""
    window, expression = _window(trigger), cron.parse(trigger["cron"])
    firing = _after(expression, _last(schedule, window))
    if firing is None or not window.admits(firing):
        return None
    while schedule.no_catchup:
        following = _after(expression, firing)
        if following is None or following > now or not window.admits(following):
            break
        firing = following
    return firing


def _after(expression: cron.Schedule, moment: int) -> int | None:
    found = expression.next(datetime.fromtimestamp(moment, UTC))
    return None if found is None else epoch(found)


def _next_periodic(schedule: RecurringRun, trigger: Mapping[str, Any], now: int) -> int | None:
    """The phase starts at creation; with no_catchup, after a missed tick it starts anew from now."""
    window, interval = _window(trigger), int(trigger["interval_second"])
    firing = _last(schedule, window) + interval
    if not window.admits(firing):
        return None
    return now if schedule.no_catchup and now >= firing + interval else firing
