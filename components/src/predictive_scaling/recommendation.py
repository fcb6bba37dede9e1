"""The recommendation: the versioned document that consumers read (`schemas/recommendation.v1.schema.json`).

It may only raise a floor beside a reactive autoscaler. Every document says until when it holds; after that it is to
be ignored, so that a dead pipeline cannot pin an old forecast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from predictive_scaling.clock import iso
from predictive_scaling.documents import Document, rounded
from predictive_scaling.errors import InputError
from predictive_scaling.fallback import WINDOW_DAYS, constant

SCHEMA = "predictive-scaling/v1"
UNITS = {"cpu": "cores", "memory": "bytes"}
FALLBACK_HORIZON_HOURS = 24
GRACE = timedelta(hours=12)
NO_DATA = "no usable data"


@dataclass(frozen=True)
class PlanOptions:
    """How forecasts become capacity. Headroom multiplies p95; a replica serves target_utilisation × replica_cores."""

    headroom: float = 1.15
    block_hours: int = 4
    target_utilisation: float = 0.7
    replica_cores: float = 1.0
    max_replicas: int = 20

    def __post_init__(self) -> None:
        if self.headroom < 1:
            raise InputError(f"headroom is {self.headroom}; it must be at least 1")
        if not 0 < self.target_utilisation <= 1 or self.replica_cores <= 0:
            raise InputError("target_utilisation must be in (0, 1] and replica_cores positive")
        if self.block_hours < 1 or self.max_replicas < 1:
            raise InputError("block_hours and max_replicas must be at least 1")


@dataclass(frozen=True)
class Header:
    """What a document says of itself."""

    run_id: str
    generated_at: datetime
    valid_until: datetime
    horizon_hours: int

    def document(self, services: Sequence[Document], reason: str = "") -> Document:
        """The whole document."""
        body: Document = {
            "schema": SCHEMA,
            "run_id": self.run_id,
            "generated_at": iso(self.generated_at),
            "valid_until": iso(self.valid_until),
            "granularity": "1h",
            "horizon_hours": self.horizon_hours,
            "services": list(services),
        }
        return body | ({"reason": reason} if reason else {})


def replicas(cores: float, options: PlanOptions) -> int:
    """Replicas that serve `cores` at the target utilisation, between 1 and the maximum."""
    # 1e-9: 2.1 cores at 0.7 are 3 replicas, though the floats' quotient is a hair above.
    wanted = math.ceil(cores / (options.target_utilisation * options.replica_cores) - 1e-9)
    return min(max(1, wanted), options.max_replicas)


def model_entry(metric: str, forecast: pd.DataFrame, scores: Document, options: PlanOptions) -> Document:
    """Entry of an accepted forecast; `forecast` has timestamp, model, p50, p95 of one series."""
    ordered = forecast.sort_values("timestamp").reset_index(drop=True)
    entry: Document = {
        "unit": UNITS[metric],
        "source": str(ordered["model"].iloc[0]),
        # For what cannot follow the blocks, such as memory: it cannot be lowered hourly without restarts.
        "request": rounded(float(ordered["p95"].max()) * options.headroom),
        "blocks": [
            _block(metric, rows, options) for _, rows in ordered.groupby(ordered.index // options.block_hours)
        ],
    }
    return entry | {name: scores[name] for name in ("accuracy", "skill", "baseline", "over95")}


def _block(metric: str, rows: pd.DataFrame, options: PlanOptions) -> Document:
    p95 = float(rows["p95"].max())
    block: Document = {
        "start": iso(rows["timestamp"].iloc[0]),
        "end": iso(rows["timestamp"].iloc[-1] + pd.Timedelta(hours=1)),
        "p50": rounded(float(rows["p50"].max())),
        "p95": rounded(p95),
        "capacity": rounded(p95 * options.headroom),
    }
    return block | ({"min_replicas": replicas(p95 * options.headroom, options)} if metric == "cpu" else {})


def fallback_entry(
    metric: str, samples: pd.DataFrame, end: pd.Timestamp, reason: str, options: PlanOptions
) -> Document:
    """Entry from usage alone; without any usable sample its source is `none` and it recommends nothing."""
    entry: Document = {"unit": UNITS[metric]}
    found = constant(samples, metric, end, options.headroom)
    if found is None:
        return entry | {"source": "none", "reason": f"{reason}; {NO_DATA}" if reason else NO_DATA}
    entry |= {
        "source": "fallback",
        "reason": reason,
        "request": rounded(found.request),
        "p90": rounded(found.p90),
    }
    return entry | ({"min_replicas": replicas(found.request, options)} if metric == "cpu" else {})


@dataclass(frozen=True)
class Recommender:
    """Builds documents from tables; `clean` are the validated samples."""

    options: PlanOptions
    run_id: str
    now: datetime

    def merged(self, clean: pd.DataFrame, forecast: pd.DataFrame, evaluation: Document) -> Document:
        """Forecasts where the evaluation accepted them, constants elsewhere; valid until the horizon's end + 12 h."""
        judged = {(each["service"], each["metric"]): each for each in evaluation["results"]}
        end = _end(clean, self.now)
        names = sorted(set(map(str, clean["service"])) | {service for service, _ in judged})
        services = [
            self._service(name, clean[clean["service"] == name], forecast, judged, end) for name in names
        ]
        accepted = [each for each in judged.values() if each["decision"] == "model"]
        if forecast.empty or not accepted:
            return self._constant_header(end).document(services)
        last = forecast["timestamp"].max().to_pydatetime() + timedelta(hours=1)
        header = Header(self.run_id, self.now, last + GRACE, int(evaluation["horizon_hours"]))
        return header.document(services)

    def _service(
        self,
        service: str,
        samples: pd.DataFrame,
        forecast: pd.DataFrame,
        judged: dict[tuple[str, str], Document],
        end: pd.Timestamp,
    ) -> Document:
        entry: Document = {"service": service}
        for metric in UNITS:
            result = judged.get((service, metric), {})
            rows = forecast[(forecast["service"] == service) & (forecast["metric"] == metric)]
            if result.get("decision") == "model" and not rows.empty:
                entry[metric] = model_entry(metric, rows, result, self.options)
            else:
                reason = result.get("reason") or "did not pass data validation"
                entry[metric] = fallback_entry(metric, samples, end, reason, self.options)
        return entry

    def fallback_only(self, clean: pd.DataFrame, services: Sequence[str], reason: str) -> Document:
        """Constants for the given services (none given: all), with one reason for all."""
        end = _end(clean, self.now)
        names = sorted(services) if services else sorted(set(map(str, clean["service"])))
        entries = [self._constants(name, clean[clean["service"] == name], end, reason) for name in names]
        usable = [each for each in entries if any(each[metric]["source"] == "fallback" for metric in UNITS)]
        return self._constant_header(end).document(usable, reason if usable else reason or NO_DATA)

    def _constants(self, service: str, samples: pd.DataFrame, end: pd.Timestamp, reason: str) -> Document:
        entry: Document = {"service": service}
        return entry | {m: fallback_entry(m, samples, end, reason, self.options) for m in UNITS}

    def _constant_header(self, end: pd.Timestamp) -> Header:
        """A constant holds for a day, but none from samples older than its own window: that is expired at birth."""
        begin = min(self.now, end.to_pydatetime() + timedelta(days=WINDOW_DAYS))
        until = begin + timedelta(hours=FALLBACK_HORIZON_HOURS) + GRACE
        return Header(self.run_id, self.now, until, FALLBACK_HORIZON_HOURS)


def _end(clean: pd.DataFrame, now: datetime) -> pd.Timestamp:
    """Newest sample; now without any."""
    return pd.Timestamp(now) if clean.empty else clean["timestamp"].max()


def fallback_share(document: Document) -> float:
    """Share of service × metric entries that no model serves; 1 without any entry."""
    sources = [service[metric]["source"] for service in document["services"] for metric in UNITS]
    return sum(source in ("fallback", "none") for source in sources) / len(sources) if sources else 1.0
