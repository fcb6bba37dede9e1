"""The weekly floors that a recommendation gives: least replicas, and memory requests by container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.raised_floors import usual
from predictive_scaling.recommend.run_archive import run_name
from predictive_scaling.shapes.bounds import MAX_BYTES, MAX_REPLICAS
from predictive_scaling.usage.validation import require_service_name


@dataclass(frozen=True)
class Floor:
    """Least replicas and memory (bytes) of a service; None or empty where nothing is recommended.

    `memory` is by container; the key is empty where the recommendation does not name the container. `main` is the one
    that forecasts are of, `kind` that of its workload; empty where it does not say. `run` and `memory_run` made these
    numbers: an entry may be carried. `wanted` is the most that any hour wants.
    """

    service: str
    kind: str = ""
    replicas: int | None = None
    wanted: int | None = None
    memory: Mapping[str, float] = field(default_factory=dict)
    main: str = ""
    run: str = ""
    memory_run: str = ""


def namespace(document: Document) -> str:
    """The namespace that a recommendation is of; empty where it does not say."""
    return str(document.get("namespace") or "")


def floors(document: Document) -> list[Floor]:
    """Weekly floors of every service of a recommendation. Raises InputError where it is none."""
    try:
        run = run_name(document)
        return [_floor(each, run) for each in document["services"]]
    except KeyError as error:
        raise InputError(f"this is no recommendation of predictive-scaling/v1: {error} is missing") from error
    except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise InputError(f"this is no recommendation of predictive-scaling/v1: {error}") from error


def _floor(service: Document, run: str) -> Floor:
    cpu, memory = service["cpu"], service["memory"]
    return Floor(
        require_service_name(str(service["service"])),
        str(service.get("kind") or ""),
        _quietest(cpu),
        _wanted(cpu),
        _memory(service, memory),
        str(service.get("container") or ""),
        str(cpu.get("carried_from") or run),
        str(memory.get("carried_from") or run),
    )


def _count(value: object) -> int:
    """A number of replicas; raises ValueError for what is none."""
    if not isinstance(value, int | float) or value != value // 1 or not 0 <= value <= MAX_REPLICAS:
        raise ValueError(f"{str(value)[:40]} are no replicas")
    return int(value)


def _bytes(value: object) -> float:
    """An amount of memory; raises ValueError for what is none."""
    if not isinstance(value, int | float) or not 0 <= value <= MAX_BYTES:
        raise ValueError(f"{str(value)[:40]} are no bytes of a container")
    return float(value)


def _quietest(entry: Document) -> int | None:
    """What even the quietest block of the day needs, on a day without events; None where a block says nothing."""
    entry = usual(entry)
    if any("min_replicas" not in block for block in entry.get("blocks", [])):
        return None
    if "blocks" in entry:
        found = [_count(block["min_replicas"]) for block in entry["blocks"] if "min_replicas" in block]
        return min(found, default=None)
    return _count(entry["min_replicas"]) if "min_replicas" in entry else None


def _wanted(entry: Document) -> int | None:
    """The most replicas that any hour wants, whatever the maximum is."""
    wanted = [_count(each["wanted"]) for each in entry.get("floors") or [] if "wanted" in each]
    said = [_count(block["min_replicas"]) for block in entry.get("blocks") or [] if "min_replicas" in block]
    return max(wanted + said, default=None)


def _memory(service: Document, entry: Document) -> dict[str, float]:
    listed = service.get("containers") or []
    by_name = {str(each["name"]): (each.get("memory") or {}).get("request") for each in listed}
    found = {name: _bytes(request) for name, request in by_name.items() if request}
    main = str(service.get("container") or "")
    if entry.get("request") and main not in found and (main or not found):
        found[main] = _bytes(entry["request"])
    return found
