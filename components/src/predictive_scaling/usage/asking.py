"""Asking for the columns of the usage table, a span at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pandas as pd

from predictive_scaling.base.documents import canonical_bytes, sha256
from predictive_scaling.base.errors import InputError, MissingObjectError
from predictive_scaling.base.web import Server
from predictive_scaling.store.registry import Registry
from predictive_scaling.tell.logs import log
from predictive_scaling.usage.assembly import KEYS
from predictive_scaling.usage.checks import LOADS
from predictive_scaling.usage.columns import Column
from predictive_scaling.usage.prometheus import Series, Span, Told, query_range
from predictive_scaling.usage.tables import parsed

HOUR = 3600
MAX_SERIES = 2000
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Kept:
    """Where complete chunks are kept."""

    registry: Registry
    run_id: str


@dataclass(frozen=True)
class Asking:
    """Whom to ask for which columns, and whom to tell of what it remarks."""

    server: Server
    columns: tuple[Column, ...]
    tell: Told

    def key(self, span: Span, run_id: str) -> str:
        """Where a chunk is kept: by what is asked, so that a changed query does not find the old one's answer."""
        asked = {"columns": [vars(each) for each in self.columns], "span": vars(span)}
        return f"tmp/{run_id}/usage/{span.start}-{sha256(canonical_bytes(asked))[:16]}.csv"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns; several services' own expressions may give one."""
        return tuple(dict.fromkeys(column.name for column in self.columns))

    def digest(self, step: int) -> str:
        """Of what is asked, whom, and how far apart: what is kept of one span fits another of the same digest."""
        parts = urlsplit(self.server.url)  # without a password that may stand in it
        place = [parts.hostname, parts.port, parts.path]
        asked = {"columns": [vars(each) for each in self.columns], "server": place, "step": step}
        return sha256(canonical_bytes(asked))

    def table(self, span: Span) -> pd.DataFrame:
        """Rows of a span by instant, service, kind and container; those without a container are the service's."""
        answers: dict[tuple[str, Span], list[Series]] = {}
        found: dict[str, pd.Series[float]] = {}
        for column in self.columns:
            key = column.expression, _asked(column, span)
            if key not in answers:
                answers[key] = query_range(self.server, *key, self.tell)
            values = _values(column, answers[key], span)
            found[column.name] = pd.concat([found[column.name], values]) if column.name in found else values
        table = pd.DataFrame(found).rename_axis(KEYS).reset_index()
        log("fetched", start=span.start, end=span.end, rows=len(table))
        instants = pd.to_datetime(table["timestamp"].astype("int64"), unit="s").dt.strftime(INSTANT)
        return table.assign(timestamp=instants)


def chunk(asking: Asking, span: Span, kept: Kept | None) -> pd.DataFrame:
    if kept is None:
        return asking.table(span)
    key = asking.key(span, kept.run_id)
    try:
        names = [*KEYS, *(column.name for column in asking.columns)]
        return parsed(io.BytesIO(kept.registry.get(key)), names).fillna({"kind": "", "container": ""})
    except MissingObjectError:
        table = asking.table(span)
        kept.registry.put(key, table.to_csv(index=False).encode())
        return table


def _asked(column: Column, span: Span) -> Span:
    """The instants to ask at."""
    if column.hourly and span.step < HOUR:
        first, last = span.start // HOUR * HOUR, -(-span.end // HOUR) * HOUR
        return Span(first, last, HOUR, column.lookback)
    return replace(span.moved(span.step) if column.at_end else span, lookback=column.lookback)


def _samples(column: Column, series: Series, span: Span) -> Iterator[tuple[int, float]]:
    """Values by the instants that they are of."""
    if column.hourly and span.step < HOUR:
        for hour, value in series.samples:
            for at in range(max(hour, span.start), min(hour + HOUR, span.end), span.step):
                yield at, value
    else:
        late = span.step if column.at_end else 0
        yield from ((at - late, value) for at, value in series.samples)


def _values(column: Column, found: list[Series], span: Span) -> pd.Series[float]:
    """Values of one column by instant, service, kind and container.

    Every series must name its service, all must be of one namespace and cluster, and no two the same.
    """
    found = _meant(column, found)
    if column.at_end:
        _require_one_place(column, found)
    values: dict[tuple[int, str, str, str], float] = {}
    for series in found:
        if column.resource and series.labels.get("resource") != column.resource:
            continue
        place = _identity(column, series.labels)
        for at, value in _samples(column, series, span):
            if (at, *place) in values:
                raise InputError(
                    f"{column.name}: two series for {place[0]!r} at once; aggregate with sum by ({column.label}) (…)"
                )
            values[at, *place] = value
    index = pd.MultiIndex.from_tuples(values, names=KEYS) if values else _NO_INDEX
    return pd.Series(list(values.values()), index=index, dtype="float64", name=column.name)


def _meant(column: Column, found: list[Series]) -> list[Series]:
    """Series of the namespace, and of the services, that a column is of; at most as many as there may be services."""
    if not (column.namespace or column.service or column.but):
        return found
    own = [each for each in found if each.labels.get("namespace", column.namespace) in ("", column.namespace)]
    if len(own) > (1 if column.service else MAX_SERIES):
        raise InputError(
            f"{column.name}: {len(own)} series"
            + (
                f" for {column.service!r}; aggregate with sum(…)"
                if column.service
                else f", at most {MAX_SERIES}"
            )
        )
    return [each for each in own if each.labels.get(column.label, "") not in column.but]


def _identity(column: Column, labels: Mapping[str, str]) -> tuple[str, str, str]:
    service = column.service or labels.get(column.label, "")
    if not service:
        raise InputError(
            f"{column.name}: a series has no label {column.label!r}: {dict(labels)}; aggregate by ({column.label})"
        )
    container = labels.get("container", "") if column.by_container else ""
    return service, labels.get("kind", "") if column.at_end and column.name not in LOADS else "", container


def _require_one_place(column: Column, found: list[Series]) -> None:
    for label, option in (("namespace", "--namespace"), ("cluster", "--selector")):
        places = sorted({each.labels.get(label, "") for each in found})
        if len(places) > 1:
            named = ", ".join(place or "(none)" for place in places[:8])
            raise InputError(
                f"{column.name}: series of {len(places)} {label}s: {named}; name one with {option}"
            )


_NO_INDEX = pd.MultiIndex.from_arrays([[], [], [], []], names=KEYS)
NOTHING = pd.DataFrame(
    {
        **{name: pd.Series(dtype="str") for name in KEYS},
        "cpu": pd.Series(dtype="float64"),
        "memory": pd.Series(dtype="float64"),
    }
)
