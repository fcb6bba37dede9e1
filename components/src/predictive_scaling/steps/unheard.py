"""What of a recommendation nobody will act on: it is over before it is released, or its floors are pushed nowhere.

What is made from usage holds as long after that usage as the usage allows: from old usage, until before now.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pandas as pd

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.recommend.publishing import PUBLISH
from predictive_scaling.steps.faults import Fault
from predictive_scaling.tell.pushing import pushgateway
from predictive_scaling.usage.checks import METRICS

NOWHERE = (
    "mode publish pushes floors, and no Pushgateway is set, so no autoscaler sees them; set "
    "PREDICTIVE_SCALING_PUSHGATEWAY_URL in the pipeline's `env`, or another mode"
)


def over(document: Document, now: datetime) -> bool:
    """Whether nothing of it holds any more."""
    return parse_instant(str(document["valid_until"])) <= now


def noted(document: Document, newest: pd.Timestamp, now: datetime) -> Document:
    """The document; one that is over says so, and from what usage (`newest` is of its last sample) it was made."""
    if not over(document, now):
        return document
    why = (
        f"what is recommended held until {document['valid_until']}, for the newest usage is of {iso(newest)}: it is "
        "over, and nothing is released or pushed; bring newer usage, or set now_override for a backtest"
    )
    return document | {"reason": "; ".join(filter(None, [str(document.get("reason", "")), why]))}


def unheard_of(document: Document, mode: str, now: datetime) -> Iterator[Fault]:
    """All that nobody will act on, each with why."""
    if over(document, now):
        yield Fault(str(document["reason"]))
        return
    if mode == PUBLISH and pushgateway() is None:
        yield Fault(NOWHERE)
    for service in document["services"]:
        for metric in METRICS:
            until = service[metric].get("valid_until")
            if until and parse_instant(str(until)) <= now:
                reason = f"what is recommended held until {until} and is over: its usage is too old"
                yield Fault(reason, str(service["service"]), metric)
