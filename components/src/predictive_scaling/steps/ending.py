"""The exit task: it runs however the run ended, does each of its duties whatever became of the others, and fails none.

A run that did its work is not to be called failed for what it left behind; so what went wrong here is in the summary
and in the log.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from predictive_scaling.base.clock import iso, parse_instant, resolve_now
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import Document, parse_object, sha256, write_bytes
from predictive_scaling.base.errors import (
    InputError,
    MissingObjectError,
    PredictiveScalingError,
    RegistryError,
)
from predictive_scaling.recommend.publishing import FORECAST_ONLY
from predictive_scaling.recommend.recommendation import SCHEMA
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT, Registry
from predictive_scaling.store.retention import sweep
from predictive_scaling.tell.gauges import Gauge
from predictive_scaling.tell.logs import log
from predictive_scaling.tell.notify import Notice, notify
from predictive_scaling.tell.pushing import push_recommendation, push_run, pushgateway

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"


@dataclass(frozen=True)
class Ending:
    """How a run ended and what is to be done: `state` as KFP writes it, `started` an ISO instant, or empty."""

    state: str
    error_code: int = 0
    error_message: str = ""
    pipeline: str = "predictive-scaling"
    started: str = ""
    mode: str = FORECAST_ONLY
    keep_runs: int = 8


@dataclass
class _Duties:
    """Done one by one; collects what each gave and what went wrong."""

    results: Document = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def do(self, name: str, duty: Callable[[], object]) -> None:
        try:
            self.results[name] = duty()
        except PredictiveScalingError as error:
            self.errors.append(f"{name}: {error}")
            log("duty failed", level=logging.ERROR, duty=name, reason=str(error))


def cleanup(summary: str, ending: Ending, registry: str, run_id: str, now_override: str = "") -> Document:
    """Delete temporary objects, keep the newest runs, push status and duration; after a failure, republish and tell.

    Gives and writes the summary, which is one JSON line.
    """
    now = resolve_now(now_override)
    duties = _Duties()
    duties.do("deleted", lambda: _delete_temporary(registry, run_id))
    if ending.state == FAILED:
        duties.do("republished", lambda: republish(registry, ending.mode, now))
    elif ending.state == SUCCEEDED and registry:
        duties.do("swept", lambda: vars(sweep(open_registry(registry), ending.keep_runs, now)))
    duties.do("pushed", lambda: _push_status(ending, now))
    duties.do("notified", lambda: notify(_notice(ending, run_id, duties, now)))
    told = {"run_id": run_id, "pipeline": ending.pipeline, "state": ending.state}
    errors = {"error_code": ending.error_code, "error_message": ending.error_message, "errors": duties.errors}
    found = {**told, **errors, **duties.results}
    line = json.dumps(found, sort_keys=True, ensure_ascii=False)
    say(line)
    write_bytes(summary, f"{line}\n".encode())
    return found


def _delete_temporary(registry: str, run_id: str) -> int:
    """Without a registry or run there is nothing to delete; a strange run id must not widen what is deleted."""
    if not registry or not run_id:
        return 0
    if not RUN_ID.fullmatch(run_id):
        raise InputError(f"{run_id!r} is not a run id")
    return open_registry(registry).delete_under(f"tmp/{run_id}")


def republish(registry: str, mode: str, now: datetime) -> str:
    """Push the recommendation in force again, if it still holds; says in words what is in force now."""
    if not registry:
        return "there is no registry, so no earlier recommendation is in force"
    try:
        document = in_force(open_registry(registry))
    except MissingObjectError:
        return "no recommendation was ever published, so none is in force"
    until = parse_instant(str(document["valid_until"]))
    if until <= now:
        return f"the recommendation of run {document['run_id']} expired at {iso(until)}, so none is in force"
    gateway = pushgateway()
    if gateway:
        push_recommendation(gateway, document, with_floors=mode != FORECAST_ONLY)
    return f"the recommendation of run {document['run_id']} stays in force until {iso(until)}"


def in_force(registry: Registry) -> Document:
    """The recommendation that the pointer names, checked against its digest; MissingObjectError when there is none."""
    pointer = parse_object(registry.get(CURRENT), CURRENT)
    key = str(pointer.get("recommendation", ""))
    data = registry.get(key)
    document = parse_object(data, key)
    if key != f"recommendations/{sha256(data)}.json" or document.get("schema") != SCHEMA:
        raise RegistryError(f"{key} is not the recommendation that was published under this name")
    return document


def _push_status(ending: Ending, now: datetime) -> bool:
    gateway = pushgateway()
    if gateway is None:
        return False
    found = [
        Gauge("run_success", (), float(ending.state == SUCCEEDED)),
        Gauge("run_ended_seconds", (), now.timestamp()),
        *_duration(ending.started, now),
        *([Gauge("run_last_success_seconds", (), now.timestamp())] if ending.state == SUCCEEDED else []),
    ]
    # Beside what is there: a failed run must not forget when the last one succeeded.
    push_run(gateway, {"pipeline": ending.pipeline}, found, keep_others=True)
    return True


def _duration(started: str, now: datetime) -> list[Gauge]:
    """Seconds since the run's start; a KFP that does not resolve the start's placeholder gives none."""
    try:
        seconds = (now - parse_instant(started)).total_seconds()
    except InputError:
        log("the run's start is not known, so no duration is pushed", level=logging.WARNING, started=started)
        return []
    return [Gauge("run_duration_seconds", (), max(0.0, seconds))]


def _notice(ending: Ending, run_id: str, duties: _Duties, now: datetime) -> Notice:
    consequence = "; ".join([str(duties.results.get("republished", "")), *duties.errors]).strip("; ")
    return Notice(ending.pipeline, run_id, ending.state, ending.error_message, consequence, now)
