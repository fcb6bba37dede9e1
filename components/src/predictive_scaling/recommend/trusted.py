"""Whether a recommendation that was kept can be ours: before it is pushed again, carried over or forecast with.

A bucket is written by more than this library. Its digest only says that the document is the one that its name promises,
and whoever can write the one can write the other. So what it says is held to what this library can have said: form,
size of every number, and dates. The latest date bounds what an old or forged one can do: it holds no longer than the
longest horizon after it was made, and it was not made after now.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError, RegistryError
from predictive_scaling.base.settings import told
from predictive_scaling.models import load
from predictive_scaling.recommend.recommendation import GRACE, SCHEMA
from predictive_scaling.shapes.bounds import MAX_REPLICAS
from predictive_scaling.usage.checks import LOAD
from predictive_scaling.usage.validation import SERVICE_NAME

MOST = {"cores": 1e6, "bytes": 2.0**60, "requests/s": 1e15, "items": 1e15}
MOST_SERVICES, MOST_BLOCKS = 2_000, 400
MOST_HOURS = 168
"""The longest horizon that a pipeline takes."""
SKEW = timedelta(hours=2)
AMOUNTS = ("request", "p50", "p90", "p95", "capacity")
COSTS = ("cores_per_unit", "before", "after", "earlier")
REPLICAS = ("min_replicas", "max_replicas", "replicas", "without_events")
MOST_WANTED, MOST_LEAD = 10**9, 24 * 60
PLACE = {"namespace": "NAMESPACE", "environment": "ENVIRONMENT"}
"""Of a document, and the settings that say where this task runs."""
UNITS = {"cpu": "cores", "memory": "bytes"}
LOAD_UNITS = tuple(load.UNITS.values())
_MODEL = re.compile(r"models/[a-z0-9][-a-z0-9]{0,62}/(cpu|memory|load)/[0-9a-f]{64}\.json")
_RUN_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, InputError)


def require_trusted(document: Document, now: datetime, name: str) -> Document:
    """Give the document back when it can be ours; raises RegistryError with all that speaks against it."""
    try:
        found = list(_faults(document, now))
    except _BROKEN as error:
        found = [f"it has no such form ({type(error).__name__})"]
    if found:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise RegistryError(
            f"{name} is not to be trusted, so nothing of it is used: {'; '.join(found[:3])}{more}; restore the "
            "registry's current.json, or remove it"
        )
    return document


def require_trusted_pointer(pointer: Document, now: datetime, name: str) -> Document:
    """Give the pointer back when its keys are a registry's and its models were trained before now."""
    try:
        keys = [str(key) for models in pointer["models"].values() for key in models.values()]
        strange = [key for key in keys if not _MODEL.fullmatch(key)]
        trained = [each for all_ in pointer.get("trained", {}).values() for each in all_.values()]
        late = [each for each in trained if parse_instant(str(each["trained_at"])) > now + SKEW]
        numbers = [value for each in trained for _, _, value in _numbers(each)]
        sound = not strange and not late and all(math.isfinite(value) for value in numbers)
    except _BROKEN:
        sound = False
    if not sound:
        raise RegistryError(
            f"{name} is not to be trusted, so no model of it is used: it names models of no such form, or trained in "
            "days to come; restore it, or remove it and train anew"
        )
    return pointer


def _faults(document: Document, now: datetime) -> Iterator[str]:
    if document["schema"] != SCHEMA:
        yield f"its schema is not {SCHEMA}"
        return
    if not _RUN_ID.fullmatch(document["run_id"]):
        yield "its run id is none"
    yield from _dates(document, now)
    for name, wanted in PLACE.items():
        if document.get(name) and told(wanted) and document[name] != told(wanted):
            yield f"it is of another {name}"
    if not 0 <= document.get("lead_minutes", 0) <= MOST_LEAD:
        yield f"its lead is not 0 to {MOST_LEAD} minutes"
    services = document["services"]
    names = [str(each["service"]) for each in services]
    if len(names) > MOST_SERVICES or len(set(names)) != len(names):
        yield f"it has {len(names)} services, some of them twice or too many"
    for each in services:
        yield from _service(each, parse_instant(document["valid_until"]))


def _dates(document: Document, now: datetime) -> Iterator[str]:
    made, until = (parse_instant(str(document[name])) for name in ("generated_at", "valid_until"))
    hours = document["horizon_hours"]
    if not isinstance(hours, int) or not 1 <= hours <= MOST_HOURS:
        yield f"its horizon is not 1 to {MOST_HOURS} hours"
        return
    if made > now + SKEW:
        yield f"it was made at {iso(made)}, which is yet to come"
    carried = any("carried_from" in entry for each in document["services"] for entry in _entries(each))
    latest = made + timedelta(hours=MOST_HOURS if carried else hours) + GRACE + SKEW
    if until > latest:
        yield f"it would hold until {iso(until)}, longer than any run says ({iso(latest)})"


def _entries(service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [service[metric] for metric in UNITS]


def _service(service: Mapping[str, Any], until: datetime) -> Iterator[str]:
    name = str(service["service"])
    if not SERVICE_NAME.fullmatch(name):
        yield "one of its services has no service's name"
        return
    for metric, unit in UNITS.items():
        entry = service[metric]
        if entry.get("unit", unit) != unit:
            yield f"{name} {metric} is not in {unit}"
        for at, key, value in _numbers(entry):
            if fault := _number(key, value, MOST[unit]):
                yield f"{name} {metric} {at}: {fault}"
        yield from (f"{name} {metric}: {fault}" for fault in _spans(entry, until))
        if _asked(entry) > entry.get("max_replicas", MAX_REPLICAS):
            yield f"{name} {metric} asks for more replicas than it says there may be"
    if LOAD in service:
        yield from _load(name, service[LOAD], until)


def _load(name: str, entry: Mapping[str, Any], until: datetime) -> Iterator[str]:
    if entry["unit"] not in LOAD_UNITS:
        yield f"{name} load is in no unit that there is"
        return
    for at, key, value in _numbers(entry):
        if fault := _number(key, value, MOST["cores"] if key in COSTS else MOST[entry["unit"]]):
            yield f"{name} load {at}: {fault}"
        elif key in COSTS and not 0 < value <= MOST["cores"]:
            yield f"{name} load {at}: is not above 0 and up to {MOST['cores']:g}"
    if "change" in entry:
        parse_instant(str(entry["change"]["since"]))
    yield from (f"{name} load: {fault}" for fault in _spans(entry, until))


def _asked(entry: Mapping[str, Any]) -> int:
    """The most replicas that an entry asks for, in whatever form."""
    asked = [entry.get("min_replicas", 0), *(each.get("min_replicas", 0) for each in entry.get("blocks", []))]
    return int(max([*asked, *(each.get("replicas", 0) for each in entry.get("floors", []))]))


def _numbers(node: Any, at: str = "", key: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every number below an entry with where it stands; true and false are none."""
    if isinstance(node, Mapping):
        for name, child in node.items():
            yield from _numbers(child, f"{at}.{name}" if at else str(name), str(name))
    elif isinstance(node, list):
        for place, child in enumerate(node):
            yield from _numbers(child, f"{at}[{place}]", key)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield at, key, node
    elif node is not None and (key in AMOUNTS or key in REPLICAS):
        yield at, key, math.nan


def _number(key: str, value: float, most: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number"
    if key in REPLICAS and not (isinstance(value, int) and 0 <= value <= MAX_REPLICAS):
        return f"is not 0 to {MAX_REPLICAS} replicas"
    if key == "wanted" and not 0 <= value <= MOST_WANTED:
        return f"is not 0 to {MOST_WANTED}"
    if key in AMOUNTS and not 0 <= value <= most:
        return f"is not 0 to {most:g}"
    return ""


def _spans(entry: Mapping[str, Any], until: datetime) -> Iterator[str]:
    """Blocks and floors end within the document, and there are only so many of them."""
    blocks, floors = entry.get("blocks", []), entry.get("floors", [])
    if len(blocks) > MOST_BLOCKS or len(floors) > MOST_BLOCKS:
        yield f"has more than {MOST_BLOCKS} blocks or floors"
        return
    longest = timedelta(hours=2 * MOST_HOURS)
    for block in blocks:
        start, end = parse_instant(str(block["start"])), parse_instant(str(block["end"]))
        if not start < end <= until or end - start > longest or until - start > 2 * longest:
            yield f"has a block from {iso(start)} to {iso(end)}"
    if any(not timedelta(0) <= until - parse_instant(str(each["start"])) <= 2 * longest for each in floors):
        yield "has floors of other days"
    if "valid_until" in entry and parse_instant(str(entry["valid_until"])) > until:
        yield "holds longer than its document"
