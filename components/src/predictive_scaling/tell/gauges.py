"""A recommendation as gauges for Prometheus: what each service's forecast is worth, and the floors it asks for.

Every group of a service carries `valid_until`, for the Pushgateway never forgets: consumers compare it with the time.
It is that of the floors, as `recommend.floors.in_force` has it; a request that ends at another time has its own.
Floors are by hour of the day in UTC (0–23, without a leading zero, as PromQL's count_values writes it). Where the
horizon holds an hour more than once the highest floor counts. Only the mode `publish` gives floors. The floor in force
is the highest of the hour's and of the one that `lead_seconds` from now lies in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.daily import LEAD_MINUTES, hours_of_day
from predictive_scaling.base.documents import Document

PREFIX = "predictive_scaling_"
METRICS = ("cpu", "memory")
"""How long before its hour a floor counts, where the recommendation does not say."""
HELP = {
    "accuracy": "1 - WAPE of the forecast at the labelled granularity and horizon, scored on unseen folds",
    "skill": "1 - WAPE / WAPE of the best seasonal naive",
    "over95_ratio": "share of hours above the forecast p95",
    "shift_ratio": "level since the newest level shift over what was usual; there only while it is new",
    "forecast": "highest hourly value of the next block by quantile, in the labelled unit",
    "request": "capacity to request for the whole horizon, in the labelled unit",
    "fallback": "1 when no model serves this metric, else 0",
    "min_replicas": "floor of replicas in this hour of the day (UTC)",
    "wanted_replicas": "replicas wanted in this hour of the day (UTC) if there were no maximum",
    "max_replicas": "most replicas that the service may have, as the recommendation knows it",
    "lead_seconds": "seconds before its hour from which on a floor counts",
    "valid_until_seconds": "Unix time after which the floors are to be ignored",
    "request_valid_until_seconds": "Unix time after which the request is to be ignored",
    "run_info": "1, labelled with the version that pushed it",
    "run_rows": "rows of usage that the newest run had",
    "run_success": "1 when the newest run of the pipeline succeeded, else 0",
    "run_duration_seconds": "seconds that the newest run of the pipeline took",
    "run_ended_seconds": "Unix time at which the newest run of the pipeline ended",
    "run_every_seconds": "seconds from one start of the pipeline by the clock to the next at most; 0 by hand",
    "run_last_success_seconds": "Unix time at which a run of the pipeline last succeeded",
    "quality_score": "usable share of the expected samples",
    "cores_per_load": "cores that a unit of load costs, by the code of now",
    "cores_per_load_change": "what a unit of load costs over what it cost before the newest change of the code",
    "generated_seconds": "Unix time at which the recommendation was made",
}


@dataclass(frozen=True)
class Gauge:
    """One value; the name is without the common prefix, labels are without the service."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True)
class Floor:
    """Least replicas of a service in an hour of the day (UTC); `wanted` is without the maximum, None if not known."""

    service: str
    hour: int
    replicas: int
    wanted: int | None = None


def floors(document: Document) -> list[Floor]:
    """Floors of every service that has any, by hour; a constant holds for all hours."""
    return [
        Floor(str(entry["service"]), hour, *found)
        for entry in document["services"]
        for hour, found in hours_of_day(entry["cpu"]).items()
    ]


def gauges(document: Document, *, with_floors: bool) -> dict[str, list[Gauge]]:
    """Gauges of a recommendation by service."""
    wanted: Sequence[Floor] = floors(document) if with_floors else ()
    generated = Gauge("generated_seconds", (), parse_instant(document["generated_at"]).timestamp())
    scale = (("granularity", str(document["granularity"])), ("horizon", f"{document['horizon_hours']}h"))
    return {
        str(entry["service"]): [
            Gauge("valid_until_seconds", (), _valid_until(document, entry["cpu"])),
            Gauge("lead_seconds", (), 60.0 * float(document.get("lead_minutes", LEAD_MINUTES))),
            generated,
            *(gauge for metric in METRICS for gauge in _metric(metric, entry[metric], scale)),
            *(_load(entry["load"], scale) if "load" in entry else ()),
            *(
                Gauge(
                    "request_valid_until_seconds",
                    (("metric", metric),),
                    _valid_until(document, entry[metric]),
                )
                for metric in METRICS
                if entry[metric].get("request") is not None
            ),
            *(_most(entry["cpu"]) if with_floors else ()),
            *(gauge for each in wanted if each.service == entry["service"] for gauge in _floor(each)),
        ]
        for entry in document["services"]
    }


def _valid_until(document: Document, entry: Document) -> float:
    """Unix time at which an entry ends: one that was carried over may end before the document."""
    return parse_instant(str(entry.get("valid_until", document["valid_until"]))).timestamp()


def _floor(floor: Floor) -> Iterator[Gauge]:
    hour = (("hour", str(floor.hour)),)
    yield Gauge("min_replicas", hour, floor.replicas)
    if floor.wanted is not None:
        yield Gauge("wanted_replicas", hour, floor.wanted)


def _most(cpu: Document) -> Iterator[Gauge]:
    if cpu.get("max_replicas") is not None:
        yield Gauge("max_replicas", (), float(cpu["max_replicas"]))


def _load(entry: Document, scale: tuple[tuple[str, str], ...]) -> Iterator[Gauge]:
    yield from (each for each in _metric("load", entry, scale) if each.name != "fallback")
    unit = (("unit", str(entry["unit"])),)
    if "cores_per_unit" in entry:
        yield Gauge("cores_per_load", unit, float(entry["cores_per_unit"]))
    if entry.get("change", {}).get("of_code"):
        yield Gauge("cores_per_load_change", unit, entry["change"]["after"] / entry["change"]["before"])


def _metric(metric: str, entry: Document, scale: tuple[tuple[str, str], ...]) -> Iterator[Gauge]:
    of = ("metric", metric)
    unit = ("unit", str(entry["unit"]))
    yield Gauge("fallback", (of,), float(entry["source"] in ("fallback", "none")))
    for name, key in (("accuracy", "accuracy"), ("skill", "skill"), ("over95_ratio", "over95")):
        if entry.get(key) is not None:
            yield Gauge(name, (of, *scale), float(entry[key]))
    shift = entry.get("shift", {})
    if shift.get("usual"):
        yield Gauge("shift_ratio", (of,), float(shift["level"]) / float(shift["usual"]))
    if entry.get("request") is not None:
        yield Gauge("request", (of, unit), float(entry["request"]))
    for block in entry.get("blocks", [])[:1]:
        for quantile, key in (("0.5", "p50"), ("0.95", "p95")):
            yield Gauge("forecast", (of, ("quantile", quantile), unit), float(block[key]))
