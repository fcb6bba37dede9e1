"""Known events on a service's floors: while one lasts they are at least its floor, or its factor times the demand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.recommend.floors import hours_of_day
from predictive_scaling.shapes.bounds import MAX_REPLICAS
from predictive_scaling.usage import events as known
from predictive_scaling.usage.events import Event

HOURS = 24
USUAL = "without_events"
"""Of a floor that an event raised: what would be wanted without; 0 where nothing else counts the replicas."""
_HOUR = timedelta(hours=1)


def with_events(
    service: Document, events: Sequence[Event], now: datetime, most: int | None = None
) -> Document:
    """The service under its events: floors raised, and the events themselves; as it is without any.

    A service whose replicas nothing counts gets floors in the hours of an event that says a number. More than the
    maximum (`most`) is wanted, and told as ever; it is not given. An entry that is carried from an earlier run holds
    by the hour of the day, so its floors are first brought to the hours that are left of it.
    """
    name, cpu = str(service["service"]), service["cpu"]
    hours = _left(cpu, now) if "carried_from" in cpu else _hours(cpu, now)
    met = [each for each in known.of(events, name, hours[0], hours[-1] + _HOUR) if each.floor or each.factor]
    if not met:
        return service
    if "carried_from" in cpu:
        cpu = _brought(cpu, hours)
    said = [{key: value for key, value in each.document().items() if key != "learn"} for each in met]
    return {**service, "cpu": _raised(cpu, met, name, hours, cpu.get("max_replicas", most)), "events": said}


def usual(cpu: Document) -> Document:
    """An entry without what its events raised: they are of that run alone, and of no other day."""
    floors = [each for each in cpu.get("floors", []) if each.get(USUAL) != 0]
    if not any(USUAL in each for each in cpu.get("floors", [])):
        return cpu
    found = {key: value for key, value in cpu.items() if key != "floors"}
    if floors:
        found["floors"] = [_usual(each, cpu.get("max_replicas")) for each in floors]
    if "blocks" in cpu and "carried_from" not in cpu:
        alone = [each["start"] for each in cpu["floors"] if each.get(USUAL) == 0]
        cleared = [_without(each, alone) for each in cpu["blocks"]]
        found["blocks"] = [_block(each, found.get("floors", [])) for each in cleared]
    return found


def _usual(floor: Document, most: int | None) -> Document:
    if USUAL not in floor:
        return floor
    return {"start": floor["start"], **_number(int(floor[USUAL]), most)}


def _without(block: Document, alone: Sequence[str]) -> Document:
    """A block without the least replicas that nothing but an event gave it."""
    raised = any(block["start"] <= each < block["end"] for each in alone)
    return {key: value for key, value in block.items() if key != "min_replicas" or not raised}


def _hours(cpu: Document, now: datetime) -> list[datetime]:
    """The hours that an entry has floors of; a day from now on where it has none."""
    starts = [parse_instant(str(each["start"])) for each in cpu.get("floors", [])]
    begin = now.replace(minute=0, second=0, microsecond=0)
    return starts or [begin + at * _HOUR for at in range(HOURS)]


def _left(cpu: Document, now: datetime) -> list[datetime]:
    """The hours of the next day that a carried entry still holds in."""
    hours, until = _hours({}, now), parse_instant(str(cpu["valid_until"]))
    return [hour for hour in hours if hour < until] or hours[:1]


def _brought(cpu: Document, hours: Sequence[datetime]) -> Document:
    """A carried entry with the floors of these hours, as its hours of the day have them."""
    by_hour = dict(hours_of_day(cpu))
    floors = [
        {"start": iso(hour), "replicas": by_hour[hour.hour].replicas, "wanted": by_hour[hour.hour].wanted}
        for hour in hours
        if hour.hour in by_hour
    ]
    return {key: value for key, value in cpu.items() if key != "floors"} | (
        {"floors": floors} if floors else {}
    )


def _raised(
    cpu: Document, events: Sequence[Event], name: str, hours: Sequence[datetime], most: int | None
) -> Document:
    floors = [_floor(each, events, name, most) for each in cpu.get("floors", [])] or _alone(
        events, name, hours, most
    )
    if not floors:
        return cpu
    found = {**cpu, "floors": floors} | ({"max_replicas": most} if most else {})
    if "blocks" in cpu and "carried_from" not in cpu:
        found["blocks"] = [_block(each, floors) for each in cpu["blocks"]]
    return found  # min_replicas stay those of the quietest hour of any day


def _floor(hour: Document, events: Sequence[Event], name: str, most: int | None) -> Document:
    """An hour's floor: the factor raises what is wanted, rounded up; a number stands beside it; the highest counts."""
    start, before = parse_instant(str(hour["start"])), int(hour["wanted"])
    more = math.ceil(before * known.factor(events, name, start) - 1e-9)
    wanted = max(more, known.floor(events, name, start))
    return hour if wanted <= before else _counted(str(hour["start"]), wanted, most, before)


def _alone(events: Sequence[Event], name: str, hours: Sequence[datetime], most: int | None) -> list[Document]:
    """Floors of events alone, where nothing else counts the replicas."""
    wanted = {hour: known.floor(events, name, hour) for hour in hours}
    return [_counted(iso(hour), number, most, 0) for hour, number in wanted.items() if number]


def _counted(start: str, wanted: int, most: int | None, before: int) -> Document:
    return {"start": start, **_number(wanted, most), USUAL: before}


def _number(wanted: int, most: int | None) -> Document:
    bounded = min(wanted, MAX_REPLICAS)
    return {"replicas": min(bounded, most or bounded), "wanted": bounded}


def _block(block: Document, floors: Sequence[Document]) -> Document:
    inside = [each["replicas"] for each in floors if block["start"] <= each["start"] < block["end"]]
    return {**block, "min_replicas": max(inside)} if inside else dict(block)
