"""Known events: what no forecast can know (a sale, a launch, a migration), as people wrote them into Git.

They raise floors while they last; with `learn: false` their usage is left out of training. Overlapping ones count by
the highest. Instants are UTC; an event ends before `end`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.checks import LOADS, METRICS

ALL = "*"
MAX_EVENTS = 200
_KEYS = frozenset({"services", "from", "to", "floor", "factor", "reason", "learn"})
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Event:
    """A floor in replicas, or a factor on the demand that is forecast; neither where it is only not learnt."""

    services: tuple[str, ...]
    begin: datetime
    end: datetime
    floor: int | None = None
    factor: float | None = None
    reason: str = ""
    learn: bool = True

    def meets(self, service: str, begin: datetime, end: datetime) -> bool:
        """Whether some of [begin, end) of a service is in it."""
        return (ALL in self.services or service in self.services) and self.begin < end and begin < self.end

    def document(self) -> Document:
        """As a recommendation shows it."""
        amount = {"floor": self.floor, "factor": self.factor}
        said = {key: value for key, value in amount.items() if value is not None}
        return {
            "from": iso(self.begin),
            "to": iso(self.end),
            **said,
            "reason": self.reason,
            "learn": self.learn,
        }


def read(events: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Events as the parameter `events` has them; raises InputError for all that are none, by their place."""
    if len(events) > MAX_EVENTS:
        raise InputError(f"{len(events)} events; there may be {MAX_EVENTS}")
    found: list[Event] = []
    wrong: list[str] = []
    for at, each in enumerate(events):
        try:
            found.append(_event(each))
        except (InputError, TypeError, ValueError, ArithmeticError, KeyError) as error:
            why = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            wrong.append(f"events[{at}]: {why}")
    if wrong:
        raise InputError("; ".join(wrong))
    return sorted(found, key=lambda each: (each.begin, each.end, each.services))


def _event(found: Mapping[str, Any]) -> Event:
    if not isinstance(found, Mapping):
        raise InputError("it is no map; write {services: […], from: …, to: …, floor: …, reason: …}")
    unknown = sorted(set(found) - _KEYS)
    if unknown:
        raise InputError(f"unknown {', '.join(map(str, unknown))}; there are {', '.join(sorted(_KEYS))}")
    services = found["services"]
    if not isinstance(services, list) or not services or not all(isinstance(each, str) for each in services):
        raise InputError("services is no list of names")
    begin, end = (parse_instant(str(found[key])) for key in ("from", "to"))
    if end <= begin:
        raise InputError("it ends before it begins")
    floor, factor, learn = found.get("floor"), found.get("factor"), found.get("learn", True)
    if not isinstance(learn, bool):
        raise InputError("learn is neither true nor false")
    reason = found["reason"]
    if not isinstance(reason, str) or not reason.strip():
        raise InputError("reason is empty; say why, for whoever reads the report")
    return Event(tuple(services), begin, end, _floor(floor), _factor(factor), reason, learn)


def _floor(value: Any) -> int | None:
    """KFP hands numbers of a list over as floats."""
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 1 <= value <= 100_000
        or value != int(value)
    ):
        raise InputError(f"floor is {value!r}; it must be a whole number of replicas, from 1 to 100000")
    return int(value)


def _factor(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 < value <= 100:
        raise InputError(f"factor is {value!r}; it must be a number above 1, up to 100")
    return float(value)


def of(events: Iterable[Event], service: str, begin: datetime, end: datetime) -> list[Event]:
    """The events that meet a service within [begin, end)."""
    return [each for each in events if each.meets(service, begin, end)]


def factor(events: Iterable[Event], service: str, hour: datetime) -> float:
    """What the demand of an hour is multiplied with: the highest factor of the events in it, 1 without any."""
    return max((each.factor or 1.0 for each in of(events, service, hour, hour + _HOUR)), default=1.0)


def floor(events: Iterable[Event], service: str, hour: datetime) -> int:
    """The highest floor of the events in an hour; 0 without any."""
    return max((each.floor or 0 for each in of(events, service, hour, hour + _HOUR)), default=0)


def unlearnt(features: pd.DataFrame, events: Iterable[Event]) -> pd.DataFrame:
    """Features without the values of hours that are not to be learnt: they are missing, as gaps are."""
    found = features
    for each in (event for event in events if not event.learn):
        found = _without(found, each)
    return found


def _without(features: pd.DataFrame, event: Event) -> pd.DataFrame:
    at = features["timestamp"]
    inside = (at < pd.Timestamp(event.end)) & (at > pd.Timestamp(event.begin) - pd.Timedelta(hours=1))
    if ALL not in event.services:
        inside &= features["service"].isin(list(event.services))
    values = [*LOADS, *(name for metric in METRICS for name in (metric, f"{metric}_max"))]
    columns = [name for name in values if name in features]
    return features.assign(**{name: features[name].mask(inside) for name in columns})
