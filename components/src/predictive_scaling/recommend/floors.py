"""Replica floors by the hour: what an entry says of them, and which is in force at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import pandas as pd

from predictive_scaling.base import daily
from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document, rounded
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.recommend.size import Count, Size, count


def sized(size: Size, options: PlanOptions, hours: Iterable[tuple[pd.Timestamp, float]]) -> Document:
    """The part of a cpu entry that is of replicas: floors of these hours and their cores, or why there are none."""
    known = {"replica_cores": rounded(size.replica_cores), "max_replicas": size.max_replicas}
    told: Document = {name: value for name, value in known.items() if value is not None}
    if size.unsized:
        return told | {"unsized": size.unsized}
    counts = [(iso(start), count(cores, size, options)) for start, cores in hours]
    return told | {
        "floors": [
            {"start": start, "replicas": each.replicas, "wanted": each.wanted} for start, each in counts
        ]
    }


def highest(floors: Sequence[Document]) -> Count:
    """The highest of some hours."""
    return Count(max(int(each["replicas"]) for each in floors), max(int(each["wanted"]) for each in floors))


def beyond(cpu: Document) -> str:
    """A sentence when more replicas are wanted than there may be; empty when not."""
    found = [each for each in cpu.get("floors", []) if each["wanted"] > each["replicas"]]
    if not found:
        return ""
    worst = max(found, key=lambda each: int(each["wanted"]))
    return (
        f"{worst['wanted']} replicas are wanted from {worst['start']} on, and {worst['replicas']} are the most there "
        f"may be, as in {len(found)} of {len(cpu['floors'])} hours; raise the maximum, or the cores of a replica"
    )


def in_force(document: Document, service: str, at: datetime) -> int | None:
    """The floor of a service at an instant: the highest of this hour's and of the one that the lead reaches.

    Hours are hours of the day, as the gauges have them: until it ends, a recommendation holds every day. None when it
    has ended, or says nothing of the service's replicas.
    """
    entries = [each["cpu"] for each in document["services"] if each["service"] == service]
    if not entries or at >= parse_instant(str(entries[0].get("valid_until", document["valid_until"]))):
        return None
    by_hour = dict(hours_of_day(entries[0]))
    lead = timedelta(minutes=int(document.get("lead_minutes", daily.LEAD_MINUTES)))
    found = [by_hour[moment.hour].replicas for moment in (at, at + lead) if moment.hour in by_hour]
    return max(found, default=None)


def hours_of_day(cpu: Document) -> Iterator[tuple[int, Count]]:
    """Hour of the day (UTC) and its floor; what nobody knows to be capped is what is wanted."""
    for hour, (replicas, wanted) in daily.hours_of_day(cpu).items():
        yield hour, Count(replicas, replicas if wanted is None else wanted)


def capped(cpu: Document, most: int | None) -> Document:
    """An entry of an earlier run under the maximum of now."""
    if most is None:
        return cpu
    found = dict(cpu)
    if "floors" in cpu:
        floors = [each | {"replicas": min(int(each["wanted"]), most)} for each in cpu["floors"]]
        found |= {"floors": floors, "max_replicas": most}
    if "min_replicas" in cpu:
        found["min_replicas"] = min(int(cpu["min_replicas"]), most)
    if "blocks" in cpu:
        found["blocks"] = [_capped(block, most) for block in cpu["blocks"]]
    return found


def _capped(block: Document, most: int) -> Document:
    if "min_replicas" not in block:
        return dict(block)
    return block | {"min_replicas": min(int(block["min_replicas"]), most)}
