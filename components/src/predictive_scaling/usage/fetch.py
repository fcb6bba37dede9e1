"""Usage from Prometheus as the tidy CSV: timestamp, service, cpu (cores), memory (bytes), and what else there is.

`cpu` is of the whole service, `memory` of its main container in the pod where that uses most, `replicas` its pods,
requests and limits those of the main container. The span is asked for in chunks. Those that are complete are kept under
tmp/<run id>/ in the registry, where there is one: a task that is tried again goes on where the last attempt ended, and
cleanup removes them with the run. What is kept from run to run is another matter: see `extending`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.web import Server
from predictive_scaling.usage import choosing, columns, load_query
from predictive_scaling.usage.asking import NOTHING, Asking, Kept, chunk
from predictive_scaling.usage.assembly import Chosen, assembled, of_services
from predictive_scaling.usage.choosing import Choice
from predictive_scaling.usage.columns import CPU_QUERY, MEMORY_QUERY, OPTIONAL_COLUMNS, RULES, Column
from predictive_scaling.usage.expressions import Selection
from predictive_scaling.usage.extending import EXTEND, HOW, RENEW, Request, brought
from predictive_scaling.usage.prometheus import MAX_POINTS, Span, Told

__all__ = ["CPU_QUERY", "GIVEN", "MEMORY_QUERY", "Fetched", "UsageQuery", "fetch"]

MAX_DAYS = 92
MAX_SERVICES = 2000
GIVEN = "given"


@dataclass(frozen=True)
class UsageQuery:
    """What to ask: one namespace's usage from recorded or raw series, or by expressions of one's own.

    `cpu` and `memory` are such expressions; `others` give more columns, or other values for those of the same name.
    `service_label` names the service in their series. `source` is auto, rules or raw. `selector` are label matchers
    beside the namespace. `services` says of a service which `kind` or `container` is meant. `load` gives requests or a
    queue's length: see `load_query`.
    """

    cpu: str = ""
    memory: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    service_label: str = "service"
    days: int = 28
    step: str = "5min"
    chunk_hours: int = 24
    namespace: str = ""
    source: str = choosing.AUTO
    selector: str = ""
    services: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    load: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.others) - set(OPTIONAL_COLUMNS))
        if unknown:
            raise InputError(f"unknown columns {', '.join(unknown)}; there are {', '.join(OPTIONAL_COLUMNS)}")
        if any(text and not text.strip() for text in (self.cpu, self.memory)) or not all(
            map(str.strip, self.others.values())
        ):
            raise InputError("a query is empty")
        if self.source not in choosing.SOURCES:
            raise InputError(f"source is {self.source!r}; it must be one of {', '.join(choosing.SOURCES)}")
        if not 1 <= self.days <= MAX_DAYS:
            raise InputError(f"days is {self.days}; it must be between 1 and {MAX_DAYS}")
        if not 1 <= self.chunk_points <= MAX_POINTS:
            raise InputError(f"chunks of {self.chunk_hours} h have no point, or more than {MAX_POINTS}")
        Selection(self.namespace, self.selector)
        load_query.read(self.load)

    @property
    def selection(self) -> Selection:
        """Which series count."""
        return Selection(self.namespace, self.selector)

    @property
    def given(self) -> dict[str, str]:
        """Column → an expression of one's own."""
        usage = {name: text for name, text in (("cpu", self.cpu), ("memory", self.memory)) if text}
        return {**usage, **self.others}

    @property
    def all_given(self) -> bool:
        """Whether nothing is asked but expressions of one's own."""
        return bool(self.cpu and self.memory)

    @property
    def chosen(self) -> dict[str, Chosen]:
        """What was said of services, as far as it concerns usage."""
        return {
            name: Chosen(str(said.get("kind") or ""), str(said.get("container") or ""))
            for name, said in self.services.items()
        }

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

    def columns(self, source: str) -> list[Column]:
        """What to ask of a source, RULES, RAW or GIVEN; expressions of one's own take the place of their column."""
        own = {name: Column(name, text, self.service_label) for name, text in self.given.items()}
        loads = load_query.read(self.load).columns(self.namespace, self.seconds, at_end=not self.cpu)
        if source == GIVEN:
            return [*own.values(), *loads]
        built = (columns.recorded if source == RULES else columns.raw)(self.selection, self.seconds)
        left = {"cpu_max"} if self.cpu else set()
        left |= {"memory_max"} if self.memory else set()
        return [
            *own.values(),
            *(each for each in built if each.name not in own and each.name not in left),
            *loads,
        ]


@dataclass(frozen=True)
class Fetched:
    """The table, its source and why that, by service the main container, and what there is to say besides.

    `rows` may be empty: then `choosing.nothing` says what to look at.
    """

    rows: pd.DataFrame
    source: str
    reason: str
    containers: Mapping[str, str]
    remarks: tuple[str, ...]


def fetch(
    server: Server, query: UsageQuery, now: datetime, kept: Kept | None = None, how: str = ""
) -> Fetched:
    """Rows by service and instant; instants at which a service has nothing are left out. Nothing is imputed.

    `how` is EXTEND to ask only for what is new since the last run, RENEW to ask for everything and keep it for the next
    one; both need `kept`, and what is had is the same. Raises InputError for queries that Prometheus refuses or whose
    series do not fit, RemoteError, RegistryError.
    """
    remarks: dict[str, None] = {}

    def tell(remark: str) -> None:
        remarks[remark] = None

    if how not in HOW or (how and kept is None):
        raise InputError(f"keep_usage is {how!r}; it must be empty, or {RENEW} or {EXTEND} with a registry")
    choice, span = _chosen(server, query, now, tell)
    asking = Asking(server, tuple(query.columns(choice.source)), tell)
    parts, remark = _parts(asking, query, choice, span, kept, how)
    tell(remark)
    found = assembled(of_services(parts, tell), query.chosen, tell, query.given)
    services = found.rows["service"].nunique()
    if services > MAX_SERVICES:
        raise InputError(
            f"the queries give {services} services; at most {MAX_SERVICES} are read: narrow the queries"
        )
    told = tuple(filter(None, remarks))
    return Fetched(found.rows, choice.source, choice.reason, found.containers, told)


def _chosen(server: Server, query: UsageQuery, now: datetime, tell: Told) -> tuple[Choice, Span]:
    """The source, and the span from where there is anything."""
    span = query.span(now)
    if query.all_given:
        return Choice(GIVEN, "", span.start), span
    choice = choosing.choose(server, query.selection, query.source, span, tell)
    first = span.end if choice.first is None and not query.given else choice.first or span.start
    return choice, _from(span, first)


def _parts(
    asking: Asking, query: UsageQuery, choice: Choice, span: Span, kept: Kept | None, how: str
) -> tuple[pd.DataFrame, str]:
    """Rows as they were given, and what there is to say of how they were had."""

    def ask(part: Span) -> pd.DataFrame:
        tables = [chunk(asking, each, kept) for each in part.chunks(query.chunk_points)]
        return pd.concat([NOTHING, *tables], ignore_index=True)

    if kept is None or not how:
        return ask(span), ""
    seen = choice.seen
    if query.all_given:
        seen = choosing.seen(asking.server, f"count({query.cpu})", span, asking.tell)
    since = span.end - query.days * 86_400 // query.seconds * query.seconds
    request = Request(asking.digest(span.step), asking.names, since, span, seen)
    return brought(kept.registry, request, ask, how)


def _from(span: Span, first: int) -> Span:
    """Without the steps before a Unix second."""
    return replace(span, start=max(span.start, first // span.step * span.step))
