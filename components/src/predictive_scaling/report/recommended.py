"""What is recommended, line by line: requests and floors against today's, and the constants in place of forecasts.

Comes in: the document, and the shapes that say what stands today. Nothing is computed here that neither of them says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from predictive_scaling.base.amounts import UNKNOWN, number, quantity
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.recommend.fallback import MEMORY_MAX_DAYS, WINDOW_DAYS
from predictive_scaling.recommend.load_entries import cores_shown, told
from predictive_scaling.shapes.shape import Container, Shape

CONSTANTS = ("fallback", "none")
"""Sources of entries that no model serves."""
METRICS = ("cpu", "memory", "load")


@dataclass(frozen=True)
class Row:
    """One line: what of a service, what stands today, what is planned, and why it is not more or not known."""

    service: str
    what: str
    today: str
    planned: str
    source: str
    note: str = ""
    raises: bool = False


@dataclass(frozen=True)
class Constant:
    """A series without a forecast: the constant that is used instead, how it is made, and why."""

    service: str
    metric: str
    value: str
    how: str
    reason: str


@dataclass(frozen=True)
class Hour:
    """A floor: replicas from `start` on for an hour; `wanted` is what it would be without a maximum."""

    start: datetime
    replicas: int
    wanted: int


@dataclass(frozen=True)
class Units:
    """What cpu and memory are in: cores and bytes, or nothing at all where the data are shares of something."""

    shares: bool = False

    def shown(self, value: float | None, unit: str, *, up: bool = False) -> str:
        """An amount of the data with its unit."""
        return quantity(value, "" if self.shares and unit in ("cores", "bytes") else unit, up=up)


def floors(service: Document) -> list[Hour]:
    """The hourly floors of a service of a document, in order; none where none are recommended."""
    found = [
        Hour(
            parse_instant(str(each["start"])),
            int(each["replicas"]),
            int(each.get("wanted", each["replicas"])),
        )
        for each in service["cpu"].get("floors", [])
    ]
    return sorted(found, key=lambda each: each.start)


def rows(document: Document, shapes: Mapping[str, Shape], units: Units | None = None) -> list[Row]:
    """All lines of all services, in the document's order."""
    at, known = str(document["generated_at"]), units or Units()
    return [
        row
        for each in document["services"]
        for row in _rows(each, shapes.get(str(each["service"])), at, known)
    ]


def _rows(service: Document, shape: Shape | None, at: str, units: Units) -> Iterator[Row]:
    yield _floor(service, shape)
    yield _cores(service, shape, units)
    for name, request, note in _memory(service):
        yield _request(service, name, request, note, shape, units)
    if "load" in service:
        yield _load(service, at)


def _load(service: Document, at: str) -> Row:
    """What a unit of load costs, how much of it is expected at most, and whether its cost changed."""
    load = service["load"]
    cost = (
        cores_shown(float(load["cores_per_unit"]), str(load["unit"])) if "cores_per_unit" in load else UNKNOWN
    )
    highest = max((float(each["p95"]) for each in load.get("blocks", [])), default=None)
    planned = "not forecast" if highest is None else f"up to {quantity(highest, str(load['unit']))}"
    return Row(str(service["service"]), "load", cost, planned, str(load["source"]), told(load, at))


def _floor(service: Document, shape: Shape | None) -> Row:
    name, cpu = str(service["service"]), service["cpu"]
    hours = floors(service)
    least = shape.scaler.min if shape and shape.scaler else None
    today = f"at least {least}" if least is not None else UNKNOWN
    if hours:
        low, high = min(each.replicas for each in hours), max(each.replicas for each in hours)
        planned = f"at least {low} to {high}, by the hour" if low != high else f"at least {low}"
    elif "min_replicas" in cpu:
        low = high = int(cpu["min_replicas"])
        planned = f"at least {low}"
    else:
        why = str(cpu.get("unsized") or cpu.get("reason") or "")
        return Row(name, "replicas", today, "no floor", str(cpu["source"]), why)
    wanted = max((each.wanted for each in hours), default=high)
    most = cpu.get("max_replicas")
    note = (
        f"{wanted} would be needed; the maximum is {most}" if most is not None and wanted > int(most) else ""
    )
    return Row(name, "replicas", today, planned, str(cpu["source"]), note, raises=high > (least or 0))


def _cores(service: Document, shape: Shape | None, units: Units) -> Row:
    """Cores of all pods together; today's are known of one pod alone, for their number changes by the hour."""
    cpu, each = service["cpu"], shape.replica_cores if shape else None
    constant = cpu["source"] in CONSTANTS
    request = units.shown(cpu["request"], "cores", up=True) if cpu.get("request") is not None else ""
    return Row(
        str(service["service"]),
        "cpu of all its pods",
        f"{quantity(each, 'cores')} a pod" if each is not None else UNKNOWN,
        f"{'' if constant else 'up to '}{request}" if request else "nothing",
        str(cpu["source"]),
        _why(cpu),
    )


def _why(entry: Document) -> str:
    """Why a forecast does not serve alone, and what of it nothing like it was ever seen."""
    guarded = f"guarded by the constant: {entry['guarded']}" if entry.get("guarded") else ""
    said = [guarded, str(entry.get("beyond_seen") or ""), str(entry.get("reason") or "")]
    return "; ".join(filter(None, said))


def _memory(service: Document) -> Iterator[tuple[str, float | None, str]]:
    """Container, request in bytes, and what is to be known of it: the main one first."""
    main, said = str(service.get("container") or ""), service.get("censored") or {}
    yield main, service["memory"].get("request"), str(said.get("memory") or _why(service["memory"]))
    for each in service.get("containers", []):
        if each["name"] != main:
            yield (
                str(each["name"]),
                (each.get("memory") or {}).get("request"),
                str(each.get("censored") or ""),
            )


def _request(
    service: Document, name: str, request: float | None, note: str, shape: Shape | None, units: Units
) -> Row:
    stands = _stands(name, shape)
    today = stands.requests.memory if stands else None
    return Row(
        str(service["service"]),
        f"memory of {name}" if name else "memory of its container",
        quantity(today, "bytes") if today is not None else ("none" if stands else UNKNOWN),
        units.shown(request, "bytes", up=True) if request is not None else "nothing",
        str(service["memory"]["source"]),
        note,
        raises=request is not None and request > (today or 0),
    )


def _stands(name: str, shape: Shape | None) -> Container | None:
    if shape is None:
        return None
    return next((each for each in shape.containers if each.name == name), None) or (
        shape.main_container if not name else None
    )


def constants(document: Document, units: Units | None = None) -> list[Constant]:
    """Each series of cpu and memory that no forecast of this run serves, and what it gets instead."""
    known = units or Units()
    return [
        _constant(str(each["service"]), metric, each[metric], known)
        for each in document["services"]
        for metric in METRICS
        if metric in each and _without_forecast(each[metric])
    ]


def _without_forecast(entry: Document) -> bool:
    return entry["source"] in CONSTANTS or "carried_from" in entry


def _constant(service: str, metric: str, entry: Document, units: Units) -> Constant:
    unit, reason = str(entry["unit"]), str(entry.get("reason") or "not said")
    if entry.get("request") is None:
        return Constant(service, metric, "none", "nothing is recommended", reason)
    value = units.shown(float(entry["request"]), unit, up=True)
    return Constant(service, metric, value, _how(metric, entry, units), reason)


def _how(metric: str, entry: Document, units: Units) -> str:
    """How it is made: see recommend.fallback."""
    if "carried_from" in entry:
        until = f"{parse_instant(str(entry['valid_until'])):%Y-%m-%d %H:%M} UTC"
        return f"from run {entry['carried_from']}, which holds until {until}"
    usage, request = float(entry.get("p90") or 0.0), float(entry["request"])
    made = f"p90 of the last {WINDOW_DAYS} days, {units.shown(usage, str(entry['unit']))}"
    if metric == "memory":
        return f"{made}, and at least the highest of {MEMORY_MAX_DAYS} days and 5 %"
    return f"{made}, × {number(request / usage)}" if usage else made
