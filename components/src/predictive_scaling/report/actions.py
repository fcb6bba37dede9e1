"""What a recommendation would do, for people: requests and floors against today's, in units, with run and period.

Comes in: the document, and the shapes that say what stands today. Goes out: one self-contained page, or one service's
floors as a drawing of its own. Nothing is computed here that the document does not say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.recommend.load_entries import cores_shown, told
from predictive_scaling.report.charts import floors_chart
from predictive_scaling.report.rendered import MAX_BYTES, figure, rendered
from predictive_scaling.shapes.shape import Container, Shape

MAX_ROWS = 400
MAX_DRAWN = 40
ZONE = "UTC"
_MEBI, _GIBI = 2.0**20, 2.0**30
_UNKNOWN = "not known"


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
class Hour:
    """A floor: replicas from `start` on for an hour; `wanted` is what it would be without a maximum."""

    start: datetime
    replicas: int
    wanted: int


def amount(value: float | None, unit: str) -> str:
    """Cores or bytes as people write them: 1.5 cores, 640 MiB, 3.2 GiB."""
    if value is None or not math.isfinite(value):
        return _UNKNOWN
    if unit == "cores":
        return f"{value:.3g} cores" if value >= 1 else f"{math.ceil(value * 1000):d} m"
    return f"{math.ceil(value / _MEBI):,} MiB" if value < _GIBI else f"{value / _GIBI:.2f} GiB"


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


def rows(document: Document, shapes: Mapping[str, Shape]) -> list[Row]:
    """All lines of all services, in the document's order."""
    at = str(document["generated_at"])
    return [row for each in document["services"] for row in _rows(each, shapes.get(str(each["service"])), at)]


def _rows(service: Document, shape: Shape | None, at: str) -> Iterator[Row]:
    yield _floor(service, shape)
    for name, request, note in _memory(service):
        yield _request(service, name, request, note, shape)
    if "load" in service:
        yield _load(service, at)


def _load(service: Document, at: str) -> Row:
    """What a unit of load costs, how much of it is expected at most, and whether its cost changed."""
    load = service["load"]
    cost = (
        cores_shown(float(load["cores_per_unit"]), str(load["unit"]))
        if "cores_per_unit" in load
        else _UNKNOWN
    )
    highest = max((float(each["p95"]) for each in load.get("blocks", [])), default=None)
    planned = "not forecast" if highest is None else f"up to {highest:.3g} {load['unit']}"
    return Row(str(service["service"]), "load", cost, planned, str(load["source"]), told(load, at))


def _floor(service: Document, shape: Shape | None) -> Row:
    name, cpu = str(service["service"]), service["cpu"]
    hours = floors(service)
    least = shape.scaler.min if shape and shape.scaler else None
    today = f"at least {least}" if least is not None else _UNKNOWN
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


def _memory(service: Document) -> Iterator[tuple[str, float | None, str]]:
    """Container, request in bytes, and what is to be known of it: the main one first."""
    main, said = str(service.get("container") or ""), service.get("censored") or {}
    yield (
        main,
        service["memory"].get("request"),
        str(said.get("memory") or service["memory"].get("reason") or ""),
    )
    for each in service.get("containers", []):
        if each["name"] != main:
            yield (
                str(each["name"]),
                (each.get("memory") or {}).get("request"),
                str(each.get("censored") or ""),
            )


def _request(service: Document, name: str, request: float | None, note: str, shape: Shape | None) -> Row:
    stands = _stands(name, shape)
    today = stands.requests.memory if stands else None
    return Row(
        str(service["service"]),
        f"memory of {name}" if name else "memory of its container",
        amount(today, "bytes") if today is not None else ("none" if stands else _UNKNOWN),
        amount(request, "bytes") if request is not None else "nothing",
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


def page(document: Document, shapes: Sequence[Shape] = (), gained: str = "") -> str:
    """The page, at most `MAX_BYTES`: a table of all, and the floors of as many services as fit, drawn.

    `gained` says what forecasting more often than daily was worth, where that is known.
    """
    by_name = {each.service: each for each in shapes}
    found = rows(document, by_name)
    shown = {
        "head": [*_head(document), *([("forecast", gained)] if gained else [])],
        "rows": found[:MAX_ROWS],
        "more": max(0, len(found) - MAX_ROWS),
        "events": _events(document),
    }
    drawn = [each for each in document["services"] if floors(each)]
    size = len(rendered("actions.html", **shown, charts=(), left_out=0).encode())
    charts: list[Markup] = []
    for each in drawn[:MAX_DRAWN]:
        chart = _chart(each, by_name.get(str(each["service"])))
        size += len(chart.encode())
        if size > MAX_BYTES:
            break
        charts.append(chart)
    return str(rendered("actions.html", **shown, charts=charts, left_out=len(drawn) - len(charts)))


def _head(document: Document) -> list[tuple[str, str]]:
    """What a reader must know of the whole: from which run, of what, until when, and in which zone hours are."""
    place = " · ".join(str(document[key]) for key in ("environment", "namespace") if document.get(key))
    lead = document.get("lead_minutes")
    found = [
        ("run", str(document["run_id"])),
        ("environment and namespace", place or "not said"),
        ("made", _said(document["generated_at"])),
        ("holds until", _said(document["valid_until"])),
        *([("note", str(document["reason"]))] if document.get("reason") else []),
        ("ahead", f"{document['horizon_hours']} h, floors by the hour, hours in {ZONE}"),
    ]
    return [*found, ("lead", f"a floor is in force {lead} minutes before its hour")] if lead else found


def _said(instant: object) -> str:
    return f"{parse_instant(str(instant)):%Y-%m-%d %H:%M} {ZONE}"


def _events(document: Document) -> list[tuple[str, str, str, str]]:
    """Service, span, what it asks for, reason."""
    return [
        (
            str(service["service"]),
            f"{_said(each['from'])} – {_said(each['to'])}",
            _asked(each),
            str(each.get("reason", "")),
        )
        for service in document["services"]
        for each in service.get("events", [])
    ]


def _asked(event: Document) -> str:
    if "floor" in event:
        return f"at least {event['floor']} replicas"
    return f"× {float(event['factor']):g}" if "factor" in event else "nothing; it is not learnt"


def _chart(service: Document, shape: Shape | None) -> Markup:
    found = floors(service)
    most = service["cpu"].get("max_replicas")
    caption = f"{service['service']}: replicas by the hour ({ZONE}), {found[0].start:%d %b} to {_end(found):%d %b %Y}"
    return figure(drawing(service, shape), caption + (f"; at most {most}" if most is not None else ""))


def _end(found: Sequence[Hour]) -> datetime:
    return found[-1].start + timedelta(hours=1)


def drawing(service: Document, shape: Shape | None = None) -> str:
    """One service's floors as SVG: planned, wanted where the maximum cuts it, today's least, events."""
    spans = [
        (parse_instant(str(each["from"])), parse_instant(str(each["to"])))
        for each in service.get("events", [])
    ]
    least = shape.scaler.min if shape and shape.scaler else None
    return floors_chart(floors(service), least, service["cpu"].get("max_replicas"), spans)


def picture(service: Document, shape: Shape | None = None) -> str:
    """The drawing as a file of its own: its colours follow the reader's system, as a page's do."""
    looks = re.search(r":root\{.*?\n@media.*?\}\}", str(rendered("style.html")), re.DOTALL)
    style = f"<style>{looks.group() if looks else ''}</style>"
    head, _, rest = drawing(service, shape).partition(">")
    return f"{head}>{style}{rest}\n"
