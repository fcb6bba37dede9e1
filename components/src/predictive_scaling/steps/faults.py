"""What was wrong with the data, as an artifact of every step: a run goes on without what it could not use, and says so.

Bad data is no error of the task: a system that runs steps skips everything after one that raises, and trying again
does not mend data. What is the platform's fault raises, and is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from predictive_scaling.base.documents import Document, pretty_bytes, write_bytes
from predictive_scaling.recommend.notes import notes
from predictive_scaling.usage.checks import METRICS

ERROR_LOG_SCHEMA = "predictive-scaling-errors/v1"


@dataclass(frozen=True)
class Fault:
    """What could not be used, and why; without a service it concerns all, without a metric both."""

    reason: str
    service: str = ""
    metric: str = ""


def write_error_log(path: str, faults: Iterable[Fault], *, success: bool) -> bool:
    """Write the log (no path: nothing) and give `success` back: whether there is anything to go on with."""
    document: Document = {
        "schema": ERROR_LOG_SCHEMA,
        "success": success,
        "errors": [asdict(fault) for fault in faults],
    }
    if path:
        write_bytes(path, pretty_bytes(document))
    return success


def from_results(results: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Faults of an evaluation's results, which have a service, a metric and a reason."""
    found = ((str(each["reason"]), str(each["service"]), str(each["metric"])) for each in results)
    return [Fault(*each) for each in found if each[0]]


def from_services(document: Mapping[str, Any]) -> list[Fault]:
    """Faults of a recommendation's services: every entry that no model serves, or that stands here again, and notes."""
    at = str(document["generated_at"])
    return [fault for each in document["services"] for fault in _of_service(each, at)]


def _of_service(each: Mapping[str, Any], generated_at: str) -> Iterator[Fault]:
    name = str(each["service"])
    for metric in METRICS:
        if "reason" in each[metric]:
            yield Fault(str(each[metric]["reason"]), name, metric)
    for metric, text in notes(each, generated_at):
        yield Fault(text, name, metric)
