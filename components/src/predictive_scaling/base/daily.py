"""Floors of a recommendation by the hour of the day (UTC): what is pushed, and what is in force, rest on this alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document

LEAD_MINUTES = 10
"""How long before its hour a floor counts, where nobody says."""


def hours_of_day(cpu: Document) -> dict[int, tuple[int, int | None]]:
    """Hour → (replicas, wanted) of a cpu entry, in order; `wanted` is without the maximum, None where it is not known.

    Hourly where the entry has that, else of its blocks or its constant; the highest where an hour comes twice.
    """
    if "floors" not in cpu and "min_replicas" in cpu:
        return dict.fromkeys(range(24), (int(cpu["min_replicas"]), None))
    highest: dict[int, tuple[int, int | None]] = {}
    for hour, replicas, wanted in _by_hour(cpu):
        before, wanted_before = highest.get(hour, (0, None))
        known = [each for each in (wanted, wanted_before) if each is not None]
        highest[hour] = max(before, replicas), max(known, default=None)
    return dict(sorted(highest.items()))


def _by_hour(cpu: Document) -> Iterator[tuple[int, int, int | None]]:
    if "floors" in cpu:
        for each in cpu["floors"]:
            yield parse_instant(each["start"]).hour, int(each["replicas"]), int(each["wanted"])
        return
    for block in (each for each in cpu.get("blocks", []) if "min_replicas" in each):
        for hour in _hours_of(block):
            yield hour, int(block["min_replicas"]), None


def _hours_of(block: Document) -> Iterator[int]:
    at, end = parse_instant(block["start"]), parse_instant(block["end"])
    while at < end:
        yield at.hour
        at += timedelta(hours=1)
