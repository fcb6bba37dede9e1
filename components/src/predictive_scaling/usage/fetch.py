"""Usage from Prometheus as the tidy CSV: timestamp, service, cpu (cores), memory (bytes), and what else is asked for.

The span is asked for in chunks. Chunks that are complete are kept under tmp/<run id>/ in the registry, where there is
one: a task that is tried again goes on where the last attempt ended, and cleanup removes them with the run.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from predictive_scaling.base.documents import canonical_bytes, sha256
from predictive_scaling.base.errors import InputError, MissingObjectError
from predictive_scaling.base.web import Server
from predictive_scaling.store.registry import Registry
from predictive_scaling.tell.logs import log
from predictive_scaling.usage.prometheus import MAX_POINTS, Series, Span, query_range
from predictive_scaling.usage.tables import parsed

# Recorded by docs/prometheus/recording-rules.yaml; any other expressions serve as well.
CPU_QUERY = "predictive_scaling:cpu_cores:rate5m"
MEMORY_QUERY = "predictive_scaling:memory_bytes:working_set"
OPTIONAL_COLUMNS = ("cpu_max", "memory_max", "cpu_limit", "memory_limit", "cpu_request", "memory_request")
MAX_DAYS = 92
MAX_SERVICES = 2000
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class UsageQuery:
    """What to ask: an expression for each column, the label that names the service, the span and its grid."""

    cpu: str = CPU_QUERY
    memory: str = MEMORY_QUERY
    others: Mapping[str, str] = field(default_factory=dict)
    service_label: str = "service"
    days: int = 28
    step: str = "5min"
    chunk_hours: int = 24

    def __post_init__(self) -> None:
        unknown = sorted(set(self.others) - set(OPTIONAL_COLUMNS))
        if unknown:
            raise InputError(f"unknown columns {', '.join(unknown)}; there are {', '.join(OPTIONAL_COLUMNS)}")
        if not all(expression.strip() for expression in self.expressions.values()):
            raise InputError("a query is empty")
        if not 1 <= self.days <= MAX_DAYS:
            raise InputError(f"days is {self.days}; it must be between 1 and {MAX_DAYS}")
        if not 1 <= self.chunk_points <= MAX_POINTS:
            raise InputError(f"chunks of {self.chunk_hours} h have no point, or more than {MAX_POINTS}")

    @property
    def expressions(self) -> dict[str, str]:
        """Column → expression, in the order of the table."""
        return {"cpu": self.cpu, "memory": self.memory, **self.others}

    @property
    def seconds(self) -> int:
        """The step in seconds; raises InputError when it is no whole number of them."""
        try:
            seconds = pd.Timedelta(self.step).total_seconds()
        except ValueError as error:
            raise InputError(f"step is {self.step!r}; write it as 5min or 1h") from error
        if seconds < 1 or seconds % 1:
            raise InputError(f"step is {self.step!r}; it must be a whole number of seconds")
        return int(seconds)

    @property
    def chunk_points(self) -> int:
        """Instants of a chunk."""
        return self.chunk_hours * 3600 // self.seconds

    def span(self, now: datetime) -> Span:
        """The days up to now on the grid of the step; the instant that has just begun is not complete yet."""
        end = int(now.timestamp()) // self.seconds * self.seconds
        return Span(end - self.days * 86_400 // self.seconds * self.seconds, end, self.seconds)


@dataclass(frozen=True)
class Kept:
    """Where complete chunks are kept."""

    registry: Registry
    run_id: str


def fetch(server: Server, query: UsageQuery, now: datetime, kept: Kept | None = None) -> pd.DataFrame:
    """Rows by service and instant; instants at which a service has nothing are left out. Nothing is imputed.

    Raises InputError for queries that Prometheus refuses or whose series do not fit, RemoteError, RegistryError.
    """
    tables = [_chunk(server, query, span, kept) for span in query.span(now).chunks(query.chunk_points)]
    rows = pd.concat(tables, ignore_index=True)
    services = rows["service"].nunique()
    if services > MAX_SERVICES:
        raise InputError(
            f"the queries give {services} services; at most {MAX_SERVICES} are read: narrow the queries"
        )
    return rows.sort_values(["service", "timestamp"], ignore_index=True)


def _chunk(server: Server, query: UsageQuery, span: Span, kept: Kept | None) -> pd.DataFrame:
    if kept is None:
        return _asked(server, query, span)
    key = _key(query, span, kept.run_id)
    try:
        return parsed(io.BytesIO(kept.registry.get(key)), ("timestamp", "service", *query.expressions))
    except MissingObjectError:
        table = _asked(server, query, span)
        kept.registry.put(key, table.to_csv(index=False).encode())
        return table


def _key(query: UsageQuery, span: Span, run_id: str) -> str:
    """By what is asked, so that a changed query does not find the old one's answer."""
    asked = {"expressions": query.expressions, "label": query.service_label, "span": vars(span)}
    return f"tmp/{run_id}/usage/{span.start}-{sha256(canonical_bytes(asked))[:16]}.csv"


def _asked(server: Server, query: UsageQuery, span: Span) -> pd.DataFrame:
    columns = {
        name: _column(name, query_range(server, expression, span), query.service_label)
        for name, expression in query.expressions.items()
    }
    table = pd.DataFrame(columns).rename_axis(["at", "service"]).reset_index()
    log("fetched", start=span.start, end=span.end, rows=len(table))
    instants = pd.to_datetime(table.pop("at").astype("int64"), unit="s").dt.strftime(INSTANT)
    table.insert(0, "timestamp", instants)
    return table


def _column(name: str, found: list[Series], label: str) -> pd.Series[float]:
    """Values of one expression by instant and service; every series must name its service, and no two the same."""
    values: dict[tuple[int, str], float] = {}
    for series in found:
        service = series.labels.get(label, "")
        if not service:
            raise InputError(
                f"{name}: a series has no label {label!r}: {series.labels}; aggregate by ({label})"
            )
        for at, value in series.samples:
            if (at, service) in values:
                raise InputError(
                    f"{name}: two series for {service!r} at once; aggregate with sum by ({label}) (…)"
                )
            values[at, service] = value
    index = pd.MultiIndex.from_tuples(values, names=["at", "service"]) if values else _NOTHING
    return pd.Series(list(values.values()), index=index, dtype="float64", name=name)


_NOTHING = pd.MultiIndex.from_arrays([[], []], names=["at", "service"])
