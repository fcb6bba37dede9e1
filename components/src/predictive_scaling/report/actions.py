"""The forecast report: the recommendation against today's, in units, with run, release, period and source; then how
good the forecasts are.

Comes in: the document, the shapes that say what stands today, what only the run knows, and the page of the judgement,
which is taken in as it is: both say the same of the same forecast. Goes out: one self-contained page, or one service's
floors as a drawing of its own. Nothing is computed here that the document does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from predictive_scaling.base.amounts import number
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.report.charts import floors_chart
from predictive_scaling.report.origin import ZONE, Origin, said
from predictive_scaling.report.recommended import Hour, Row, Units, constants, floors, rows
from predictive_scaling.report.rendered import MAX_BYTES, figure, rendered
from predictive_scaling.shapes.shape import Shape

MAX_ROWS = 3000
"""Of the recommendation: a thousand services with three lines each; and of its constants."""
MAX_SCORES = 1000
MAX_DRAWN = 40
_NAME = "actions.html"
_SCORED = ("accuracy", "baseline", "skill", "over95", "coverage", "mase")


def page(
    document: Document, shapes: Sequence[Shape] = (), gained: str = "", origin: Origin | None = None
) -> str:
    """The page: a table of all, and the floors of as many services as fit, drawn.

    Without the judgement it has at most `MAX_BYTES`, or what its table takes; the judgement has as many again. `gained`
    says what forecasting more often than daily was worth, where that is known.
    """
    known, by_name = origin or Origin(), {each.service: each for each in shapes}
    units = Units(known.shares)
    found, instead = rows(document, by_name, units), constants(document, units)
    shown = {
        "head": [*_head(document, known), *([("forecast", gained)] if gained else [])],
        "rows": _kept(found),
        "more": max(0, len(found) - MAX_ROWS),
        "data_shares": known.shares,
        "constants": instead[:MAX_ROWS],
        "more_constants": max(0, len(instead) - MAX_ROWS),
        "events": _events(document),
        "judged": known.judged,
        "scores": _scores(known.evaluation),
        "max_scores": MAX_SCORES,
    }
    drawn = [each for each in document["services"] if floors(each)]
    size = len(rendered(_NAME, **shown | {"judged": ""}, charts=(), left_out=0).encode())
    charts: list[Markup] = []
    for each in drawn[:MAX_DRAWN]:
        chart = _chart(each, by_name.get(str(each["service"])))
        size += len(chart.encode())
        if size > MAX_BYTES:
            break
        charts.append(chart)
    return str(rendered(_NAME, **shown, charts=charts, left_out=len(drawn) - len(charts)))


def _scores(evaluation: Sequence[Document]) -> list[Document]:
    """The judgement of each series; what a series that was not scored lacks is None."""
    return [dict.fromkeys(_SCORED) | dict(each) for each in evaluation]


def _kept(found: Sequence[Row]) -> Sequence[Row]:
    """As many as there is room for: what raises something and what is to be known of, before what is as it was."""
    if len(found) <= MAX_ROWS:
        return found
    first = sorted(range(len(found)), key=lambda at: (not (found[at].raises or found[at].note), at))
    return [found[at] for at in sorted(first[:MAX_ROWS])]


def _head(document: Document, origin: Origin) -> list[tuple[str, str]]:
    """What a reader must know of the whole: from which run, of what, until when, and in which zone hours are."""
    place = " · ".join(str(document[key]) for key in ("environment", "namespace") if document.get(key))
    lead = document.get("lead_minutes")
    found = [
        ("run", str(document["run_id"])),
        ("release", origin.release or "not said"),
        ("environment and namespace", place or "not said"),
        ("usage from", origin.source or "not said"),
        ("usage of", origin.period()),
        ("made", said(document["generated_at"])),
        ("holds until", said(document["valid_until"])),
        *([("note", str(document["reason"]))] if document.get("reason") else []),
        ("ahead", f"{document['horizon_hours']} h, floors by the hour, hours in {ZONE}"),
    ]
    return [*found, ("lead", f"a floor is in force {lead} minutes before its hour")] if lead else found


def _events(document: Document) -> list[tuple[str, str, str, str]]:
    """Service, span, what it asks for, reason."""
    return [
        (
            str(service["service"]),
            f"{said(each['from'])} – {said(each['to'])}",
            _asked(each),
            str(each.get("reason", "")),
        )
        for service in document["services"]
        for each in service.get("events", [])
    ]


def _asked(event: Document) -> str:
    if "floor" in event:
        return f"at least {event['floor']} replicas"
    return f"× {number(float(event['factor']))}" if "factor" in event else "nothing; it is not learnt"


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
