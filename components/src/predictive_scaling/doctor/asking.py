"""Instant and coarse range queries about one namespace.

kube-state-metrics that is scraped without honor_labels keeps its own labels as `exported_<name>`; `Place.rows` asks for
both, and `true` gives a row its own labels back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from predictive_scaling.base.errors import RefusedError, RemoteError
from predictive_scaling.base.web import Server

EXPORTED = "exported_"
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_UNKNOWN_PATH = frozenset({400, 404, 405, 501})


@dataclass(frozen=True)
class Row:
    """One series of an answer: its labels without the metric's name, and its newest value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Place:
    """A Prometheus, the namespace to look at, further labels to match, and the Unix second to look at (0: now)."""

    server: Server
    namespace: str
    matchers: Mapping[str, str] = field(default_factory=dict)
    at: int = 0

    def selector(self, metric: str, **labels: str) -> str:
        """A series selector with the further labels; values are quoted."""
        pairs = {**labels, **self.matchers}
        inner = ", ".join(f"{name}{_match(value)}" for name, value in pairs.items())
        return f"{metric}{{{inner}}}"

    def rows(self, metric: str, **labels: str) -> str:
        """Rows of the namespace, whether the scrape kept the label `namespace` or renamed it."""
        kept = self.selector(metric, namespace=self.namespace, exported_namespace="", **labels)
        renamed = self.selector(metric, exported_namespace=self.namespace, **labels)
        return f"({kept} or {renamed})"

    def ask(self, expression: str) -> list[Row]:
        """The newest values. Raises RefusedError when the query is too much, RemoteError without an answer."""
        fields = {"query": expression} | ({"time": str(self.at)} if self.at else {})
        data = self._data("/api/v1/query", fields)
        try:
            return [Row(_labels(each["metric"]), float(each["value"][1])) for each in data["result"]]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise RemoteError(
                "Prometheus answered with something that is not the result of a query"
            ) from error

    def seen(self, expression: str, days: int, step: int, now: float) -> list[int]:
        """Unix seconds, `step` apart, at which an expression had a value within the last days."""
        end = int(self.at or now)
        fields = {"query": expression, "start": str(end - days * 86_400), "end": str(end), "step": str(step)}
        data = self._data("/api/v1/query_range", fields)
        try:
            return sorted({int(at) for each in data["result"] for at, _ in each["values"]})
        except (KeyError, TypeError, ValueError) as error:
            raise RemoteError(
                "Prometheus answered with something that is not the result of a range query"
            ) from error

    def _data(self, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
        return _content(self.server.call("POST", path, body=urlencode(fields).encode(), headers=_FORM))

    def optional(self, path: str) -> dict[str, Any] | None:
        """What a path says that not everything that speaks PromQL has; None where there is none."""
        try:
            return _content(self.server.call("GET", path, headers={"Accept": "application/json"}))
        except RefusedError as error:
            if error.status in _UNKNOWN_PATH:
                return None
            raise


def _content(answer: bytes) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(answer)["data"]
        return dict(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RemoteError(
            "Prometheus answered with something that is not its API's answer; is its URL right?"
        ) from error


def _match(value: str) -> str:
    operator, text = ("=~", value[1:]) if value.startswith("~") else ("=", value)
    quoted = json.dumps(text, ensure_ascii=False)
    return f"{operator}{quoted}"


def _labels(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in found.items() if name != "__name__"}


def true(labels: Mapping[str, str], name: str) -> str:
    """A label as kube-state-metrics or the kubelet wrote it, whatever the scrape made of it."""
    return labels.get(EXPORTED + name) or labels.get(name, "")
