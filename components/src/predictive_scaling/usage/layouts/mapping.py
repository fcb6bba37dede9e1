"""What a map says of a file: where the instants, the services and the values stand, and in which units.

A map is YAML; the known layouts are maps that ship beside this module (`known/*.yaml`). A map laid over a known layout
replaces what it names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.checks import LOADS
from predictive_scaling.usage.layouts.units import CORES, RATES, SIZES, amount

KNOWN = Path(__file__).parent / "known"
FORMATS = ("csv", "wide", "prometheus", "cloudwatch")
TIMES = ("auto", "iso", "s", "ms", "us", "ns")
CPU_COLUMNS = ("cpu", "cpu_max", "cpu_request", "cpu_limit")
MEMORY_COLUMNS = ("memory", "memory_max", "memory_request", "memory_limit")
COLUMNS = (*CPU_COLUMNS, *MEMORY_COLUMNS, "replicas", *LOADS)
LOAD_UNITS = {"replicas": {"": 1.0}, "requests": RATES, "queue": {"": 1.0}}
_TOP = {
    "description",
    "format",
    "header",
    "separator",
    "timestamp",
    "service",
    "instance",
    "step",
    "names",
    *COLUMNS,
}


@dataclass(frozen=True)
class Value:
    """Where a number stands, and what it is: `of` is what a percentage or share is of, `counter` that it only grows."""

    column: str = ""
    match: str = ""
    unit: str = ""
    of: float = 1.0
    counter: bool = False

    @property
    def factor(self) -> float:
        """By which it becomes cores, bytes, or requests a second."""
        return {**CORES, **SIZES, **RATES}[self.unit] * self.of


@dataclass(frozen=True)
class Instants:
    """Where the time stands, in which unit, from when it counts, and the zone of texts that have none."""

    column: str = ""
    unit: str = "auto"
    start: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Service:
    """Where the service's name stands: a column, a label, a pattern of a series' name, or one name for all."""

    column: str = ""
    label: str = ""
    pattern: str = ""
    name: str = ""


@dataclass(frozen=True)
class Mapped:
    """A map, whole and checked."""

    format: str
    header: tuple[str, ...]
    separator: str
    timestamp: Instants
    service: Service
    instance: str
    step: str
    values: Mapping[str, Value]
    names: Mapping[str, str] = field(default_factory=dict)


def known() -> list[str]:
    """Names of the known layouts."""
    return sorted(path.stem for path in KNOWN.glob("*.yaml"))


def mapped(layout: str, path: str) -> Mapped:
    """The map of a known layout, of a file, or of the file over the layout. Raises InputError with every fault."""
    base = _known(layout) if layout else {}
    over = _read(Path(path)) if path else {}
    name = Path(path).name if path else layout
    return _Reader(name).whole(_over(base, over))


def _known(layout: str) -> dict[str, Any]:
    if layout not in known():
        raise InputError(f"no layout {layout!r}; there is {', '.join(known())}; or describe yours by --map")
    return _read(KNOWN / f"{layout}.yaml")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise InputError(f"{path.name}:{at}: not YAML: {error.problem}; see docs/usage-data.md") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path.name}: not YAML; see docs/usage-data.md") from None
    if not isinstance(found, dict):
        raise InputError(f"{path.name}: a map is a YAML mapping; see docs/usage-data.md")
    return found


def _over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: {**base[name], **over[name]}
        for name in set(base) & set(over)
        if isinstance(base[name], dict) and isinstance(over[name], dict)
    }
    return {**base, **over, **both}


class _Reader:
    """Reads a map and keeps every fault."""

    def __init__(self, name: str) -> None:
        self.name, self.faults = name, list[str]()

    def whole(self, found: Mapping[str, Any]) -> Mapped:
        self._unknown("", found, _TOP)
        values = {name: self._value(name, found[name]) for name in COLUMNS if found.get(name) is not None}
        result = Mapped(
            self._choice("format", found.get("format", "csv"), FORMATS),
            tuple(map(str, found.get("header") or ())),
            str(found.get("separator", ",")),
            self._instants(found.get("timestamp") or {}),
            self._service(found.get("service") or {}),
            str(found.get("instance") or ""),
            str(found.get("step") or "5min"),
            values,
            {str(old): str(new) for old, new in self._mapping("names", found.get("names") or {}).items()},
        )
        self._consistent(result)
        if self.faults:
            raise InputError("\n".join(f"{self.name}: {fault}" for fault in self.faults))
        return result

    def _consistent(self, found: Mapped) -> None:
        if not {"cpu", "memory"} & set(found.values):
            self.faults.append("cpu or memory must be said: where it stands, and its unit")
        if found.format == "csv" and not found.timestamp.column:
            self.faults.append("timestamp.column: which column holds the time?")
        if found.format == "csv" and not (found.service.column or found.service.name):
            self.faults.append("service: say its column, or one name for all rows")
        for name, value in found.values.items():
            if found.format == "csv" and not value.column:
                self.faults.append(f"{name}.column: which column holds it?")

    def _unknown(self, at: str, found: Mapping[str, Any], allowed: set[str]) -> None:
        for name in sorted(set(map(str, found)) - allowed):
            self.faults.append(f"{at}{name}: unknown; there is {', '.join(sorted(allowed))}")

    def _mapping(self, at: str, found: object) -> Mapping[str, Any]:
        if isinstance(found, dict):
            return found
        self.faults.append(f"{at}: must be a mapping")
        return {}

    def _choice(self, at: str, found: object, allowed: tuple[str, ...]) -> str:
        if found not in allowed:
            self.faults.append(f"{at}: must be {', '.join(allowed[:-1])} or {allowed[-1]}")
        return str(found)

    def _instants(self, given: object) -> Instants:
        found = self._mapping("timestamp", given)
        self._unknown("timestamp.", found, {"column", "unit", "start", "zone"})
        start = str(found.get("start") or "")
        try:
            _ = parse_instant(start.replace(" ", "T")) if start else None
        except InputError as error:
            self.faults.append(f"timestamp.start: {error}")
        unit = self._choice("timestamp.unit", found.get("unit", "auto"), TIMES)
        return Instants(str(found.get("column") or ""), unit, start, str(found.get("zone") or ""))

    def _service(self, given: object) -> Service:
        found = self._mapping("service", given)
        self._unknown("service.", found, {"column", "label", "pattern", "name"})
        pattern = str(found.get("pattern") or "")
        try:
            groups = re.compile(pattern).groups if pattern else 1
        except re.error:
            groups = 0
        if groups != 1:
            self.faults.append("service.pattern: must be a regular expression with one group, the name")
        column, label, name = (str(found.get(each) or "") for each in ("column", "label", "name"))
        return Service(column, label, pattern, name)

    def _value(self, name: str, given: object) -> Value:
        found = self._mapping(name, given)
        self._unknown(f"{name}.", found, {"column", "match", "unit", "of", "counter"})
        units = CORES if name in CPU_COLUMNS else SIZES if name in MEMORY_COLUMNS else LOAD_UNITS[name]
        unit = str(found.get("unit") or ("" if "" in units else "?"))
        if unit not in units:
            self.faults.append(f"{name}.unit: say its unit; there is {', '.join(units)}")
            unit = next(iter(units))
        try:
            of = amount(found.get("of", 1), memory=name in MEMORY_COLUMNS)
        except InputError as error:
            self.faults.append(f"{name}.of: {error}")
            of = 1.0
        return Value(
            str(found.get("column") or ""),
            str(found.get("match") or ""),
            unit,
            of,
            found.get("counter") is True,
        )
