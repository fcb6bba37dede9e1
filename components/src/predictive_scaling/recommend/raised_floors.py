"""Known events on a service's floors: while one lasts they are at least its floor, or its factor times the demand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.shapes.bounds import MAX_REPLICAS
from predictive_scaling.usage import events as known
from predictive_scaling.usage.events import Event

HOURS = 24
_HOUR = timedelta(hours=1)


def with_events(
    service: Document, events: Sequence[Event], now: datetime, most: int | None = None
) -> Document:
    """The service under its events: floors raised, and the events themselves; as it is without any.

    A service whose replicas nothing counts gets floors in the hours of an event that says a number. More than the
    maximum (`most`) is wanted, and told as ever; it is not given.
    """
    name, cpu = str(service["service"]), service["cpu"]
    starts = [parse_instant(str(each["start"])) for each in cpu.get("floors", [])]
    first = starts[0] if starts else now.replace(minute=0, second=0, microsecond=0)
    last = starts[-1] + _HOUR if starts else first + HOURS * _HOUR
    met = [each for each in known.of(events, name, first, last) if each.floor or each.factor]
    if not met:
        return service
    said = [{key: value for key, value in each.document().items() if key != "learn"} for each in met]
    return {**service, "cpu": _raised(cpu, met, name, first, cpu.get("max_replicas", most)), "events": said}


def _raised(cpu: Document, events: Sequence[Event], name: str, first: datetime, most: int | None) -> Document:
    floors = [_floor(each, events, name, most) for each in cpu.get("floors", [])] or _alone(
        events, name, first, most
    )
    if not floors:
        return cpu
    found = {**cpu, "floors": floors} | ({"max_replicas": most} if most else {})
    if "min_replicas" in cpu:
        found["min_replicas"] = max(each["replicas"] for each in floors)
    if "blocks" in cpu:
        found["blocks"] = [_block(each, floors) for each in cpu["blocks"]]
    return found


def _floor(hour: Document, events: Sequence[Event], name: str, most: int | None) -> Document:
    """An hour's floor: the factor raises what is wanted, rounded up; a number stands beside it; the highest counts."""
    start = parse_instant(str(hour["start"]))
    more = math.ceil(int(hour["wanted"]) * known.factor(events, name, start) - 1e-9)
    return _counted(str(hour["start"]), max(more, known.floor(events, name, start)), most)


def _alone(events: Sequence[Event], name: str, first: datetime, most: int | None) -> list[Document]:
    """Floors of events alone, where nothing else counts the replicas."""
    hours = [first + at * _HOUR for at in range(HOURS)]
    wanted = {hour: known.floor(events, name, hour) for hour in hours}
    return [_counted(iso(hour), number, most) for hour, number in wanted.items() if number]


def _counted(start: str, wanted: int, most: int | None) -> Document:
    bounded = min(wanted, MAX_REPLICAS)
    return {"start": start, "replicas": min(bounded, most or bounded), "wanted": bounded}


def _block(block: Document, floors: Sequence[Document]) -> Document:
    inside = [each["replicas"] for each in floors if block["start"] <= each["start"] < block["end"]]
    return {**block, "min_replicas": max(inside)} if inside else dict(block)
