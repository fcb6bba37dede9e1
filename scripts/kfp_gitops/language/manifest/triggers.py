"""What starts a run other than time: a new release, a run of another pipeline that ended, a new state of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

from kfp_gitops.base.yamltext import Path

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As `datetime.weekday` counts them."""
_DAY = timedelta(days=1)

State = Literal["SUCCEEDED", "FAILED", "ENDED"]
Versions = Literal["registered", "any"]
Changes = Literal["etag", "newest-key"]
RunFact = Literal["id", "name", "scheduledTime", "finishedTime"]
DataFact = Literal["uri", "key", "etag", "modified"]


@dataclass(frozen=True)
class OnChange:
    """`change`: a release is registered for the first time in an environment."""


@dataclass(frozen=True)
class AfterRun:
    """A run of another pipeline of the same environment ended.

    `FAILED` is no run that somebody terminated; `ENDED` is any. `registered`: of a version that this repository
    registered for this environment; `any`: also of others, and of none.
    """

    pipeline: str
    state: State = "SUCCEEDED"
    versions: Versions = "registered"


@dataclass(frozen=True)
class OnData:
    """An object is another one (`etag`, of one key), or another key under a prefix was modified last (`newest-key`)."""

    uri: str
    changes: Changes

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.uri.removeprefix("s3://").partition("/")[0]

    @property
    def key(self) -> str:
        """The object's key, or what the keys begin with; "": every key of the bucket."""
        return self.uri.removeprefix("s3://").partition("/")[2]


RunOn = OnChange | AfterRun | OnData


@dataclass(frozen=True)
class OutputOf:
    """`{output: TASK.OUTPUT}` of the run that is the cause; without a task it is an output of its pipeline."""

    task: str | None
    output: str


@dataclass(frozen=True)
class FactOfRun:
    """`{run: id}`: a fact of the run that is the cause, as a text."""

    fact: RunFact


@dataclass(frozen=True)
class FactOfData:
    """`{data: uri}`: a fact of the data that are the cause, as a text."""

    fact: DataFact


FromCause = OutputOf | FactOfRun | FactOfData


@dataclass(frozen=True)
class Window:
    """On each of the days (0 is Monday) from `start` until just before `end`, in UTC.

    Where `end` is not after `start` it is of the next day: equal ones are 24 hours.
    """

    start: time
    end: time
    days: frozenset[int]

    def holds(self, moment: datetime) -> bool:
        """Whether it is open at an instant."""
        day = _midnight(moment)
        return any(opens <= moment < closes for opens, closes in map(self._on, (day - _DAY, day)))

    def next_opening(self, moment: datetime) -> datetime:
        """The first instant from then on at which it is open: that very one where it is."""
        if self.holds(moment):
            return moment
        day = _midnight(moment)
        opening = (self._on(day + n * _DAY)[0] for n in range(8) if (day + n * _DAY).weekday() in self.days)
        return next(found for found in opening if found >= moment)

    def _on(self, day: datetime) -> tuple[datetime, datetime]:
        """From when to when it is open that began on a day; the same instant twice where it is not."""
        opens = datetime.combine(day, self.start, UTC)
        if day.weekday() not in self.days:
            return opens, opens
        closes = datetime.combine(day, self.end, UTC)
        return opens, closes if closes > opens else closes + _DAY


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC), time(), UTC)


@dataclass(frozen=True)
class Trigger:
    """One run for each cause. Constants stand in `parameters` as they are, beside references to the cause.

    `on_missed`: whether one run makes up for the causes that were missed. `max_concurrency`: how many of its runs may
    be active at once; further causes wait. Not `enabled`, it takes no cause, and owes none later.
    """

    name: str
    parameters: Mapping[str, Any]
    at: Path
    run_on: RunOn = field(default_factory=OnChange)
    only_within: Window | None = None
    on_missed: Literal["report", "run"] = "report"
    max_concurrency: int = 1
    enabled: bool = True

    @property
    def constants(self) -> Mapping[str, Any]:
        """Of the parameters those that are known before there is a cause."""
        return {name: value for name, value in self.parameters.items() if not isinstance(value, FromCause)}

    @property
    def references(self) -> Mapping[str, FromCause]:
        """The others."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, FromCause)}


def of(data: Mapping[str, Any], at: Path) -> Trigger:
    """A trigger of a manifest that is valid."""
    on, given = _run_on(data["runOn"]), data.get("parameters", {})
    return Trigger(
        name=data["name"],
        parameters=given if isinstance(on, OnChange) else {key: _value(one) for key, one in given.items()},
        at=at,
        run_on=on,
        only_within=_window(data["onlyWithin"]) if "onlyWithin" in data else None,
        on_missed=data.get("onMissed", "report"),
        max_concurrency=data.get("maxConcurrency", 1),
        enabled=data.get("enabled", True),
    )


def _run_on(data: Any) -> RunOn:
    match data:
        case {"pipeline": pipeline}:
            return AfterRun(pipeline, data.get("state", "SUCCEEDED"), data.get("versions", "registered"))
        case {"data": {"uri": uri, "changes": changes}}:
            return OnData(uri, changes)
    return OnChange()


def _value(data: Any) -> Any:
    if not isinstance(data, dict) or len(data) != 1:
        return data
    match data:
        case {"output": str(text)}:
            task, _, output = text.rpartition(".")
            return OutputOf(task or None, output)
        case {"run": fact}:
            return FactOfRun(fact)
        case {"data": fact}:
            return FactOfData(fact)
        case {"constant": value}:
            return value
    return data


def _window(data: Mapping[str, Any]) -> Window:
    start, end = (time.fromisoformat(data.get(key, "00:00")) for key in ("from", "to"))
    return Window(start, end, frozenset(map(DAYS.index, data.get("days", DAYS))))


def written(trigger: Trigger) -> dict[str, Any]:
    """As `of` reads it, whatever is as by default left out: for another process, and for a digest."""
    on, window = trigger.run_on, trigger.only_within
    more = {
        "parameters": trigger.parameters if isinstance(on, OnChange) else _all_written(trigger.parameters),
        "onlyWithin": _window_written(window) if window else {},
        "onMissed": trigger.on_missed if trigger.on_missed != "report" else "",
        "maxConcurrency": trigger.max_concurrency if trigger.max_concurrency != 1 else 0,
    }
    said = {key: value for key, value in more.items() if value}
    return {
        "name": trigger.name,
        "runOn": _on_written(on),
        **said,
        **({} if trigger.enabled else {"enabled": False}),
    }


def _on_written(on: RunOn) -> Any:
    match on:
        case AfterRun():
            return {"pipeline": on.pipeline, "state": on.state, "versions": on.versions}
        case OnData():
            return {"data": {"uri": on.uri, "changes": on.changes}}
    return "change"


def _all_written(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value_written(value) for name, value in parameters.items()}


def value_written(value: Any) -> Any:
    """A parameter's value as a manifest writes it."""
    match value:
        case OutputOf(task, output):
            return {"output": f"{task}.{output}" if task else output}
        case FactOfRun(fact):
            return {"run": fact}
        case FactOfData(fact):
            return {"data": fact}
        case dict() if _value(value) is not value:
            return {"constant": value}
    return value


def _window_written(window: Window) -> dict[str, Any]:
    times = {"from": window.start, "to": window.end} if window.start or window.end else {}
    days = [DAYS[day] for day in sorted(window.days)]
    return {**{key: f"{one:%H:%M}" for key, one in times.items()}, "days": days}
