"""Series of a small cluster as Prometheus has them in each scrape shape: from recordings, or made a line at a time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "data" / "scrapes"
END = 1_795_900_000
"""Unix second at which everything is looked at."""
Labels = dict[str, str]
Series = tuple[Labels, list[tuple[float, float]]]


def recorded(shape: str) -> list[Series]:
    """A recording, its six minutes ending at END."""
    with gzip.open(RECORDED / f"{shape}.jsonl.gz", "rt") as lines:
        found = [json.loads(line) for line in lines]
    return [
        (each["labels"], [(END - 360 + at, value) for at, value in each["samples"] if value != "stale"])
        for each in found
    ]


def with_past(series: Iterable[Series], days: float) -> list[Series]:
    """The same with a sample every three hours before, as a coarse look finds it."""
    past = [END - 10_800 * back - 10 for back in range(1, int(days * 8) + 1)]
    return [
        (labels, [*((float(at), values[0][1]) for at in reversed(past)), *values])
        for labels, values in series
        if values
    ]


def relabelled(series: Iterable[Series], change: Callable[[Labels], Labels | None]) -> list[Series]:
    """Series with labels changed; what becomes None is left out."""
    return [(found, values) for labels, values in series if (found := change(dict(labels))) is not None]


def openmetrics(series: Iterable[Series]) -> str:
    """Text that promtool makes blocks of; a series that is there twice counts once."""
    by_name: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for labels, values in series:
        name = labels["__name__"]
        by_name.setdefault(name, {}).setdefault(f"{name}{{{_inner(labels)}}}", values)
    lines = [
        f"{selector} {value!r} {at:.3f}"
        for found in by_name.values()
        for selector, values in found.items()
        for at, value in values
    ]
    return "\n".join([*lines, "# EOF\n"])


def _inner(labels: Mapping[str, str]) -> str:
    return ",".join(
        f"{name}={json.dumps(value)}" for name, value in sorted(labels.items()) if name != "__name__"
    )
