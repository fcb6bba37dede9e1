"""Range queries against the HTTP API of Prometheus, or of what speaks it (Thanos, Mimir, VictoriaMetrics).

https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
A step is answered with the newest sample within the look-back, five minutes by default: a missing sample would be
filled with the one before. So that gaps stay gaps, `lookback_delta` is set to less than the step; Prometheus before
2.44 knows no such parameter, hence a plain selector, such as a recording rule's name, is guarded by its samples' time.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from predictive_scaling.base.errors import InputError, RefusedError, RemoteError
from predictive_scaling.base.web import TOO_LARGE, Server
from predictive_scaling.tell.logs import log

ROLE = "PROMETHEUS"
# Prometheus refuses a range query of more points in one series.
MAX_POINTS = 11_000
SHOWN = 200  # characters of an expression in an error
_SELECTOR = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*\s*(\{[^{}]*\})?")
_TOO_MUCH = frozenset({422, TOO_LARGE})
_BAD_QUERY = frozenset({400, 422})
Told = Callable[[str], None]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Span:
    """Instants from `start` up to and without `end`, `step` apart; Unix seconds, multiples of the step.

    `lookback` is how old a sample may be that answers an instant, in seconds; None: less than a step.
    """

    start: int
    end: int
    step: int
    lookback: int | None = None

    def chunks(self, points: int) -> Iterator[Span]:
        """Consecutive parts of at most so many instants.

        They begin at multiples of their length, so that those of a later attempt are the same.
        """
        length, start = points * self.step, self.start
        while start < self.end:
            end = min((start // length + 1) * length, self.end)
            yield replace(self, start=start, end=end)
            start = end

    def moved(self, seconds: int) -> Span:
        """Later by so much."""
        return replace(self, start=self.start + seconds, end=self.end + seconds)

    @property
    def points(self) -> int:
        """Number of instants."""
        return (self.end - self.start) // self.step


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and values by Unix second."""

    labels: dict[str, str]
    samples: list[tuple[int, float]]


@dataclass(frozen=True)
class Vector:
    """One value of an instant query, with its labels."""

    labels: dict[str, str]
    value: float


def query_range(server: Server, expression: str, span: Span, told: Told | None = None) -> list[Series]:
    """Series of an expression; a range that is too much for the server is asked for in halves.

    Raises InputError for an expression that Prometheus refuses, RemoteError when it does not answer.
    """
    try:
        return _series(_ask(server, expression, span), told)
    except RefusedError as error:
        if error.status in _TOO_MUCH and span.points > 1:
            middle = span.start + span.points // 2 * span.step
            halves = replace(span, end=middle), replace(span, start=middle)
            return [series for half in halves for series in query_range(server, expression, half, told)]
        if error.status in _BAD_QUERY:
            raise InputError(f"query {_short(expression)!r}: {error}") from error
        raise


def _ask(server: Server, expression: str, span: Span) -> bytes:
    fields = {
        "query": _guarded(expression, span.step),
        "start": span.start,
        "end": span.end - span.step,
        "step": span.step,
        "lookback_delta": f"{span.step * 1000 - 1 if span.lookback is None else span.lookback * 1000}ms",
        "partial_response": "false",  # Thanos: an answer with holes is no answer
    }
    return _post(server, "query_range", fields)


def _post(server: Server, what: str, fields: Mapping[str, Any]) -> bytes:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return server.call("POST", f"/api/v1/{what}", body=urlencode(fields).encode(), headers=headers)


def query(server: Server, expression: str, at: int, told: Told | None = None) -> list[Vector]:
    """Values of an expression at a Unix second; raises InputError when it is refused, RemoteError for no answer."""
    try:
        answer = _post(server, "query", {"query": expression, "time": at, "partial_response": "false"})
    except RefusedError as error:
        if error.status in _BAD_QUERY:
            raise InputError(f"query {_short(expression)!r}: {error}") from error
        raise
    return _results(
        answer, "vector", lambda each: Vector(dict(each["metric"]), float(each["value"][1])), told
    )


def _short(expression: str) -> str:
    return expression if len(expression) <= SHOWN else expression[: SHOWN - 1] + "…"


def _guarded(expression: str, step: int) -> str:
    if not _SELECTOR.fullmatch(expression.strip()):
        return expression
    return f"{expression} and (timestamp({expression}) > time() - {step})"


def _series(answer: bytes, told: Told | None = None) -> list[Series]:
    return _results(
        answer, "matrix", lambda each: Series(dict(each["metric"]), _samples(each["values"])), told
    )


def _results(answer: bytes, kind: str, made: Callable[[Any], Made], told: Told | None) -> list[Made]:
    """Results of an answer; what the server says about it, that it lacks something above all, is told."""
    try:
        document: dict[str, Any] = json.loads(answer)
        for remark in _remarks(document):
            log("Prometheus warns", level=logging.WARNING, warning=remark)
            (told or _silent)(remark)
        data = document["data"]
        if data["resultType"] != kind:
            raise RemoteError(f"Prometheus answered with a {data['resultType']}, not a {kind}")
        return [made(each) for each in data["result"]]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RemoteError("Prometheus answered with something that is not the result of a query") from error


def _remarks(document: dict[str, Any]) -> Iterator[str]:
    """Warnings (Thanos: a store that did not answer), infos (since Prometheus 2.53), VictoriaMetrics' isPartial."""
    for field in ("warnings", "infos"):
        yield from (str(each)[:300] for each in document.get(field) or [])
    if document.get("isPartial"):
        yield "the answer is partial: a storage node did not answer"


def _silent(_: str) -> None:
    pass


def _samples(values: list[tuple[float, str]]) -> list[tuple[int, float]]:
    return [(int(at), float(value)) for at, value in values]
