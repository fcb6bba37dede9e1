"""The exit task: it runs however the run ended, does each of its duties whatever became of the others, and fails none.

People are told before anything is tidied up, and no duty can hold up the next one for longer than DUTY_SECONDS.

A run that did its work is not to be called failed for what it left behind; so what went wrong here is in the summary
and in the log.
"""

from __future__ import annotations

import contextvars
import json
import logging
import queue
import re
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from predictive_scaling.base.clock import iso, parse_instant, resolve_now
from predictive_scaling.base.console import complain, say
from predictive_scaling.base.documents import Document, parse_object, sha256, write_bytes
from predictive_scaling.base.errors import (
    InputError,
    MissingObjectError,
    PredictiveScalingError,
    RegistryError,
    RemoteError,
)
from predictive_scaling.base.hidden import hidden
from predictive_scaling.recommend.publishing import FORECAST_ONLY, PUBLISH
from predictive_scaling.recommend.recommendation import SCHEMA
from predictive_scaling.recommend.trusted import require_trusted
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.registry import CURRENT, Registry
from predictive_scaling.store.retention import Swept, sweep
from predictive_scaling.tell.gauges import Gauge
from predictive_scaling.tell.logs import log
from predictive_scaling.tell.notify import Notice, notify
from predictive_scaling.tell.pushing import push_recommendation, push_run, pushgateway

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
RECOMMENDATION = re.compile(r"recommendations/[0-9a-f]{64}\.json")
DUTY_SECONDS = 240.0
"""For one duty: more than the patience for the registry and for a server, less than a pod is left alone with."""
SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"


@dataclass(frozen=True)
class Ending:
    """How a run ended and what is to be done: `state` as KFP writes it, `started` an ISO instant, or empty.

    `every_hours` is how long it is from one start by the clock to the next at most; 0 where people start it.
    """

    state: str
    error_code: int = 0
    error_message: str = ""
    pipeline: str = "predictive-scaling"
    started: str = ""
    mode: str = FORECAST_ONLY
    keep_runs: int = 8
    keep_days: int = 15
    every_hours: float = 0.0


@dataclass
class _Duties:
    """Done one by one; collects what each gave and what went wrong."""

    results: Document = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def do(self, name: str, duty: Callable[[], object]) -> None:
        """Whatever a duty raises, and if it does not come back, is told, and the next one has its turn."""
        ended: queue.Queue[tuple[object, Exception | None]] = queue.Queue()
        context = contextvars.copy_context()
        threading.Thread(target=lambda: context.run(_carry_out, duty, ended), daemon=True).start()
        try:
            result, error = ended.get(timeout=DUTY_SECONDS)
        except queue.Empty:
            result, error = None, RemoteError(f"not done within {DUTY_SECONDS:.0f} s")
        if error is None:
            self.results[name] = result
        else:
            self._failed(name, error)

    def _failed(self, name: str, error: Exception) -> None:
        ours = isinstance(error, PredictiveScalingError)
        reason = str(error) if ours else f"a defect of ours: {type(error).__name__}"
        self.errors.append(f"{name}: {reason}")
        log("duty failed", level=logging.ERROR, duty=name, reason=reason)
        if not ours:
            complain(hidden("".join(traceback.format_exception(error))))


def _carry_out(duty: Callable[[], object], ended: queue.Queue[tuple[object, Exception | None]]) -> None:
    try:
        ended.put((duty(), None))
    except Exception as error:  # one duty, whatever ails it, keeps no other from being done
        ended.put((None, error))


def cleanup(summary: str, ending: Ending, registry: str, run_id: str, now_override: str = "") -> Document:
    """Delete temporary objects, keep the newest runs, push status and duration; after a failure, republish and tell.

    Gives and writes the summary, which is one JSON line.
    """
    duties = _Duties()
    now = _now(now_override, duties)
    if ending.state == FAILED:
        duties.do("republished", lambda: republish(registry, ending.mode, now))
    duties.do("pushed", lambda: _push_status(ending, now))
    duties.do("notified", lambda: notify(_notice(ending, run_id, duties, now)))
    duties.do("deleted", lambda: _delete_temporary(registry, run_id))
    if ending.state == SUCCEEDED and registry:
        duties.do("swept", lambda: vars(_swept(registry, ending, now)))
    told = {"run_id": run_id, "pipeline": ending.pipeline, "state": ending.state}
    errors = {"error_code": ending.error_code, "error_message": ending.error_message, "errors": duties.errors}
    found = {**told, **errors, **duties.results}
    line = json.dumps(found, sort_keys=True, ensure_ascii=False)
    say(line)
    write_bytes(summary, f"{line}\n".encode())
    return found


def _swept(registry: str, ending: Ending, now: datetime) -> Swept:
    return sweep(open_registry(registry), ending.keep_runs, now, ending.keep_days)


def _now(override: str, duties: _Duties) -> datetime:
    """The instant to treat as now; an override that is none keeps nobody from being told."""
    try:
        return resolve_now(override)
    except InputError as error:
        duties.errors.append(f"now: {error}")
        return resolve_now()


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
        document = in_force(open_registry(registry), now)
    except MissingObjectError:
        return "no recommendation was ever published, so none is in force"
    until = parse_instant(str(document["valid_until"]))
    if until <= now:
        return f"the recommendation of run {document['run_id']} expired at {iso(until)}, so none is in force"
    gateway = pushgateway()
    if gateway:
        push_recommendation(gateway, document, with_floors=mode == PUBLISH)
    return f"the recommendation of run {document['run_id']} stays in force until {iso(until)}"


def in_force(registry: Registry, now: datetime | None = None) -> Document:
    """The recommendation that the pointer names, if it can be ours; MissingObjectError when there is none.

    Raises RegistryError for what is altered, forged, or out of bounds: nothing of it is used.
    """
    pointer = parse_object(registry.get(CURRENT), CURRENT)
    key = str(pointer.get("recommendation", ""))
    if not RECOMMENDATION.fullmatch(key):
        raise RegistryError(f"{CURRENT} names no recommendation")
    data = registry.get(key)
    document = parse_object(data, key)
    if key != f"recommendations/{sha256(data)}.json" or document.get("schema") != SCHEMA:
        raise RegistryError(f"{key} is not the recommendation that was published under this name")
    if any(pointer.get(name) != document.get(name) for name in ("run_id", "generated_at", "valid_until")):
        raise RegistryError(f"{CURRENT} says other things of {key} than it does itself")
    wall = resolve_now()
    return require_trusted(document, max(now or wall, wall), key)


def _push_status(ending: Ending, now: datetime) -> bool:
    gateway = pushgateway()
    if gateway is None:
        return False
    found = [
        Gauge("run_success", (), float(ending.state == SUCCEEDED)),
        Gauge("run_ended_seconds", (), now.timestamp()),
        Gauge("run_every_seconds", (), 3600 * ending.every_hours),
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
