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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from predictive_scaling.base.errors import InputError, RefusedError, RemoteError
from predictive_scaling.base.web import TOO_LARGE, Server
from predictive_scaling.tell.logs import log

ROLE = "PROMETHEUS"
# Prometheus refuses a range query of more points in one series.
MAX_POINTS = 11_000
_SELECTOR = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*\s*(\{[^{}]*\})?")
_TOO_MUCH = frozenset({422, TOO_LARGE})
_BAD_QUERY = frozenset({400, 422})


@dataclass(frozen=True)
class Span:
    """Instants from `start` up to and without `end`, `step` apart; Unix seconds, multiples of the step."""

    start: int
    end: int
    step: int

    def chunks(self, points: int) -> Iterator[Span]:
        """Consecutive parts of at most so many instants."""
        length = points * self.step
        for start in range(self.start, self.end, length):
            yield Span(start, min(start + length, self.end), self.step)

    @property
    def points(self) -> int:
        """Number of instants."""
        return (self.end - self.start) // self.step


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and values by Unix second."""

    labels: dict[str, str]
    samples: list[tuple[int, float]]


def query_range(server: Server, expression: str, span: Span) -> list[Series]:
    """Series of an expression; a range that is too much for the server is asked for in halves.

    Raises InputError for an expression that Prometheus refuses, RemoteError when it does not answer.
    """
    try:
        return _series(_ask(server, expression, span))
    except RefusedError as error:
        if error.status in _TOO_MUCH and span.points > 1:
            halves = span.chunks((span.points + 1) // 2)
            return [series for half in halves for series in query_range(server, expression, half)]
        if error.status in _BAD_QUERY:
            raise InputError(f"query {expression!r}: {error}") from error
        raise


def _ask(server: Server, expression: str, span: Span) -> bytes:
    fields = {
        "query": _guarded(expression, span.step),
        "start": span.start,
        "end": span.end - span.step,
        "step": span.step,
        "lookback_delta": f"{span.step * 1000 - 1}ms",
        "partial_response": "false",  # Thanos: an answer with holes is no answer
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return server.call("POST", "/api/v1/query_range", body=urlencode(fields).encode(), headers=headers)


def _guarded(expression: str, step: int) -> str:
    if not _SELECTOR.fullmatch(expression.strip()):
        return expression
    return f"{expression} and (timestamp({expression}) > time() - {step})"


def _series(answer: bytes) -> list[Series]:
    try:
        document: dict[str, Any] = json.loads(answer)
        for warning in document.get("warnings") or []:
            log("Prometheus warns", level=logging.WARNING, warning=str(warning))
        data = document["data"]
        if data["resultType"] != "matrix":
            raise RemoteError(f"Prometheus answered with a {data['resultType']}, not a matrix")
        return [Series(dict(each["metric"]), _samples(each["values"])) for each in data["result"]]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RemoteError(
            "Prometheus answered with something that is not the result of a range query"
        ) from error


def _samples(values: list[tuple[float, str]]) -> list[tuple[int, float]]:
    return [(int(at), float(value)) for at, value in values]
