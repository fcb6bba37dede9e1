"""A file in another layout as the tidy table of usage."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.checks import LOADS
from predictive_scaling.usage.layouts import series as readers
from predictive_scaling.usage.layouts.instants import instants
from predictive_scaling.usage.layouts.mapping import CPU_COLUMNS, Mapped, Value
from predictive_scaling.usage.tables import numeric, read_table_of, write_table

KEY = ["timestamp", "service"]
SUMMED = (*CPU_COLUMNS, *LOADS)
_NAME = re.compile(r"[^a-z0-9]+")
_LABELS = ("service", "deployment", "statefulset", "workload", "app", "container", "pod")
Formats = Mapping[str, Callable[[Path], pd.DataFrame]]


def convert(mapped: Mapped, source: Path, memory: Path | None, target: Path) -> int:
    """Write the tidy table, gzipped; gives its rows. `memory` is a second file, where one holds one metric alone.

    Raises InputError for what is not as the map says, and for two names that become one.
    """
    rows = _of_rows(mapped, source) if mapped.format == "csv" else _of_series(mapped, source, memory)
    table = _named(rows, mapped)
    for name in ("cpu", "memory"):
        if name not in table.columns:
            table[name] = float("nan")
    order = [*KEY, "cpu", "memory", *(name for name in table.columns if name not in (*KEY, "cpu", "memory"))]
    write_table(table[order].sort_values(["service", "timestamp"]), target, compress=True)
    return len(table)


def _of_rows(mapped: Mapped, source: Path) -> pd.DataFrame:
    """A table with a row an instant and service, or an instant and instance of it."""
    frame = read_table_of(source, mapped.header, mapped.separator)
    _require(frame, mapped, source)
    rows = pd.DataFrame({"timestamp": instants(frame[mapped.timestamp.column], mapped.timestamp)})
    rows["service"] = frame[mapped.service.column] if mapped.service.column else mapped.service.name
    instance = frame[mapped.instance] if mapped.instance else None
    if instance is not None:
        rows["instance"] = instance
    for name, value in mapped.values.items():
        by = [rows["service"], *([instance] if instance is not None else [])]
        rows[name] = _number(frame[value.column], value, rows["timestamp"], by, name)
    return _summed(rows, mapped) if instance is not None else rows


def _require(frame: pd.DataFrame, mapped: Mapped, source: Path) -> None:
    wanted = [mapped.timestamp.column, mapped.service.column, mapped.instance]
    wanted += [value.column for value in mapped.values.values()]
    missing = [name for name in dict.fromkeys(wanted) if name and name not in frame.columns]
    if missing:
        raise InputError(
            f"{source.name}: the map names columns that are not there: {', '.join(missing)}; is it this layout, and "
            "does it have a header?"
        )


def _number(
    texts: pd.Series[str], value: Value, at: pd.Series[str], by: list[pd.Series[str]], name: str
) -> pd.Series[float]:
    numbers = numeric(texts)
    formatted = int((numbers.isna() & texts.notna() & ~texts.isin(["", "null", "NaN", "nan"])).sum())
    if formatted > 0.01 * len(texts):
        raise InputError(
            f"{name}: {formatted} of {len(texts)} values are no plain numbers; export them without formatting (in "
            "Grafana: Inspect, Data, «Formatted data» off)"
        )
    found: pd.Series[float] = numbers.astype("float64") * value.factor
    return _rate(found, at, by) if value.counter else found


def _rate(total: pd.Series[float], at: pd.Series[str], by: list[pd.Series[str]]) -> pd.Series[float]:
    """Per second from one row of a series to the next; where the counter began anew it is not known."""
    keys = [f"by{place}" for place in range(len(by))]
    table = pd.DataFrame(
        {"total": total, "at": pd.to_datetime(at, utc=True), **dict(zip(keys, by, strict=True))}
    )
    ordered = table.sort_values("at", kind="stable")
    groups = ordered.groupby(keys)
    change, seconds = groups["total"].diff(), groups["at"].diff().dt.total_seconds()
    found: pd.Series[float] = (change / seconds).where((change >= 0) & (seconds > 0))
    return found.reindex(total.index)


def _summed(rows: pd.DataFrame, mapped: Mapped) -> pd.DataFrame:
    """Services of their instances: cpu and load are their sums, memory the largest one's, `replicas` their number."""
    slots = pd.to_datetime(rows["timestamp"], utc=True).dt.floor(mapped.step)
    slotted = rows.assign(timestamp=slots.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    names = list(mapped.values)
    each = slotted.groupby([*KEY, "instance"], sort=True)[names].mean()
    how = {name: "sum" if name in SUMMED else "max" for name in names}
    grouped = each.groupby(KEY, sort=True)
    return grouped.agg(how).assign(replicas=grouped.size()).reset_index()


def _of_series(mapped: Mapped, source: Path, memory: Path | None) -> pd.DataFrame:
    columns: dict[str, pd.Series[float]] = {}
    for name, found in _metrics(mapped, source, memory):
        at = instants(found["at"], mapped.timestamp)
        services = pd.Series(
            [_service(text, mapped) for text in found["series"]], index=found.index, dtype="str"
        )
        values = _number(found["value"], mapped.values[name], at, [found["series"]], name)
        kept = pd.DataFrame({"timestamp": at, "service": services, name: values}).dropna(subset=[name])
        grouped = kept.groupby(KEY, sort=True)[name]
        columns[name] = grouped.sum() if name in SUMMED else grouped.max()
    if not columns:
        raise InputError(
            f"{source.name}: no series matches cpu or memory; say cpu.match and memory.match in --map"
        )
    return pd.DataFrame(columns).reset_index()


def _metrics(mapped: Mapped, source: Path, memory: Path | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Column and its series: by the file where each holds one metric, else by what `match` finds in their names."""
    if memory is not None:
        for name, path in (("cpu", source), ("memory", memory)):
            if name not in mapped.values:
                raise InputError(f"{name} has no unit: say {name}: {{unit: …}} in --map")
            yield name, _series(mapped, path)
        return
    everything = _series(mapped, source)
    for name, value in mapped.values.items():
        hit = everything["series"].str.contains(value.match, regex=True) if value.match else None
        if hit is None and len(mapped.values) > 1:
            continue
        found = everything if hit is None else everything[hit]
        if len(found):
            yield name, found


def _series(mapped: Mapped, path: Path) -> pd.DataFrame:
    if mapped.format == "prometheus":
        return readers.prometheus(path)
    if mapped.format == "cloudwatch":
        return readers.cloudwatch(path)
    frame = read_table_of(path, mapped.header, mapped.separator)
    time = mapped.timestamp.column or str(frame.columns[0])
    if time not in frame.columns:
        raise InputError(f"{path.name}: no column {time}; is it this layout?")
    return readers.wide(frame, time)


def _service(text: str, mapped: Mapped) -> str:
    if mapped.service.name:
        return mapped.service.name
    labels = json.loads(text) if text.startswith("{") else {}
    if labels:
        wanted = (mapped.service.label,) if mapped.service.label else _LABELS
        found = next((str(labels[name]) for name in wanted if labels.get(name)), "")
        if not found:
            raise InputError(f"a series has no label {' or '.join(wanted)}: say service.label in --map")
        return found
    match = re.search(mapped.service.pattern, text) if mapped.service.pattern else None
    return match[1] or text if match else text


def _named(rows: pd.DataFrame, mapped: Mapped) -> pd.DataFrame:
    """Services as Kubernetes may call them; two that become one are not added up in silence."""
    new = {str(old): mapped.names.get(str(old)) or dns(str(old)) for old in rows["service"].unique()}
    clash = sorted(
        {
            name
            for name in new.values()
            if list(new.values()).count(name) > 1 and name not in mapped.names.values()
        }
    )
    if clash:
        raise InputError(
            f"{len(clash)} names become one, such as {clash[0]}: give each its own by names: in --map"
        )
    return rows.assign(service=rows["service"].astype("str").map(new)).dropna(subset=["timestamp"])


def dns(name: str) -> str:
    """A DNS-1123 label of a name: lower case, what else there is as hyphens, the first 63 characters."""
    return _NAME.sub("-", name.lower()).strip("-")[:63].strip("-") or "unnamed"
