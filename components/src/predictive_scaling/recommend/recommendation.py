"""The recommendation: the versioned document that consumers read (`schemas/recommendation.v1.schema.json`).

It may only raise a floor beside a reactive autoscaler. Every document says until when it holds; after that it is to
be ignored, so that a dead pipeline cannot pin an old forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pandas as pd

from predictive_scaling.backtest.by_load import chosen_of, served
from predictive_scaling.backtest.evaluation import GUARDED, SERVED
from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.base.daily import LEAD_MINUTES
from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.load import cost_of, unit_of
from predictive_scaling.recommend.acting.choice import FloorOptions
from predictive_scaling.recommend.acting.hours import Acted, Sized, acted
from predictive_scaling.recommend.containers import container_entries
from predictive_scaling.recommend.entries import (
    NO_DATA,
    UNITS,
    About,
    about,
    at_least,
    carried_entry,
    fallback_entry,
    model_entry,
)
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.recommend.fallback import WINDOW_DAYS
from predictive_scaling.recommend.floors import capped
from predictive_scaling.recommend.load_entries import load_entry
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.recommend.raised_floors import with_events
from predictive_scaling.shapes.merged import Merged
from predictive_scaling.usage.checks import LOAD
from predictive_scaling.usage.events import Event

SCHEMA = "predictive-scaling/v1"
FALLBACK_HORIZON_HOURS = 24
GRACE = timedelta(hours=12)


@dataclass(frozen=True)
class Place:
    """Where the services are, and how long before its hour a floor counts; empty is not known."""

    environment: str = ""
    namespace: str = ""
    lead_minutes: int = LEAD_MINUTES

    def __post_init__(self) -> None:
        # The lead reaches into the next hour and no further: the gauges are by the hour.
        if not 0 <= self.lead_minutes <= 60:
            raise InputError(f"lead_minutes is {self.lead_minutes}; it must be between 0 and 60")

    def document(self) -> Document:
        """The part of a document that says it."""
        names = {"environment": self.environment, "namespace": self.namespace}
        return {name: text for name, text in names.items() if text} | {"lead_minutes": self.lead_minutes}


@dataclass(frozen=True)
class Header:
    """What a document says of itself."""

    run_id: str
    generated_at: datetime
    valid_until: datetime
    horizon_hours: int
    place: Place = field(default_factory=Place)

    def document(self, services: Sequence[Document], reason: str = "") -> Document:
        """The whole document."""
        body: Document = {
            "schema": SCHEMA,
            "run_id": self.run_id,
            "generated_at": iso(self.generated_at),
            "valid_until": iso(self.valid_until),
            "granularity": "1h",
            "horizon_hours": self.horizon_hours,
            **self.place.document(),
            "services": [_held(each, self.valid_until) for each in services],
        }
        return body | ({"reason": reason} if reason else {})


@dataclass(frozen=True)
class Recommender:
    """Builds documents. What failed validation keeps what the previous document says, as long as that holds."""

    options: PlanOptions
    run_id: str
    now: datetime
    shapes: Merged = field(default_factory=Merged)
    place: Place = field(default_factory=Place)
    acted: Mapping[str, Acted] = field(default_factory=dict)
    events: Sequence[Event] = ()

    def merged(self, evidence: Evidence, forecast: pd.DataFrame, evaluation: Document) -> Document:
        """Forecasts where the evaluation accepted them, constants elsewhere; valid until the horizon's end + 12 h."""
        judged = {(each["service"], each["metric"]): each for each in evaluation["results"]}
        newest = {
            name: cost_of(evidence.samples(name), levelled=True) for name in chosen_of(evaluation["results"])
        }
        forecast = served(forecast, newest)
        acting = replace(self, acted=self._acted(evidence, _expected(forecast, judged)))
        return acting._merged(evidence, forecast, evaluation, judged)

    def _acted(self, evidence: Evidence, expected: Mapping[str, float]) -> dict[str, Acted]:
        """Floors of the services that have a size and good data of cpu; `expected` are means of the day to come."""
        if self.options.floor_budget is None:
            return {}
        lead, target = self.place.lead_minutes, self.options.target_utilisation
        options = FloorOptions(target, lead_minutes=lead, budget=self.options.floor_budget)
        found = {}
        for service in sorted(set(map(str, evidence.clean["service"]))):
            shape, size = self.shapes.shapes.get(service), self._about(service).size
            if size.replica_cores is None or size.unsized or (service, "cpu") in evidence.refused:
                continue
            least = shape.scaler.min if shape and shape.scaler and shape.scaler.min else 1
            found[service] = Sized(
                evidence.samples(service), size.replica_cores, least, expected.get(service)
            )
        return acted(found, options)

    def _merged(
        self,
        evidence: Evidence,
        forecast: pd.DataFrame,
        evaluation: Document,
        judged: Mapping[tuple[str, str], Document],
    ) -> Document:
        names = sorted(evidence.names() | {service for service, _ in judged} | self._launched())
        services = [self._service(name, evidence, forecast, judged) for name in names]
        accepted = [each for each in judged.values() if each["decision"] in SERVED]
        if forecast.empty or not accepted:
            return _dated(self._constant_header(evidence), services).document(services)
        last = forecast["timestamp"].max().to_pydatetime() + timedelta(hours=1)
        header = Header(self.run_id, self.now, last + GRACE, int(evaluation["horizon_hours"]), self.place)
        return _dated(header, services).document(services)

    def _service(
        self,
        service: str,
        evidence: Evidence,
        forecast: pd.DataFrame,
        judged: Mapping[tuple[str, str], Document],
    ) -> Document:
        known, entries = self._about(service), {}
        for metric in UNITS:
            result = judged.get((service, metric), {})
            rows = forecast[(forecast["service"] == service) & (forecast["metric"] == metric)]
            if result.get("decision") in SERVED and not rows.empty:
                guarded = str(result["reason"]) if result["decision"] == GUARDED else ""
                entries[metric] = model_entry(metric, rows, result, evidence.samples(service), known, guarded)
            else:
                reason = str(result.get("reason") or "did not pass data validation")
                entries[metric] = self._without_model(service, metric, evidence, reason, bad_data=not result)
            if (
                "shift" in result
                and entries[metric]["source"] != "none"
                and "carried_from" not in entries[metric]
            ):
                entries[metric] |= {"shift": result["shift"]}
        rows = forecast[(forecast["service"] == service) & (forecast["metric"] == LOAD)]
        entries |= self._load(service, evidence, rows, judged.get((service, LOAD), {}))
        return self._with_shape(service, entries)

    def _load(
        self, service: str, evidence: Evidence, rows: pd.DataFrame, judged: Document
    ) -> dict[str, Document]:
        """The entry of a service's load, where it has any that passed."""
        unit = unit_of(evidence.samples(service))
        if not unit or (service, LOAD) in evidence.refused:
            return {}
        return {LOAD: load_entry(unit, evidence.costs.get(service), rows, judged, self.options.block_hours)}

    def _launched(self) -> set[str]:
        """Services with a shape and, in the next day, an event with a floor: a launch has no usage yet."""
        until = self.now + timedelta(hours=FALLBACK_HORIZON_HOURS)
        soon = [each for each in self.events if each.floor and each.begin < until and self.now < each.end]
        return {name for each in soon for name in each.services if name in self.shapes.shapes}

    def _about(self, service: str) -> About:
        told = self.shapes.told.get(service, "")
        return about(service, self.shapes.shapes.get(service), self.options, told, self.acted.get(service))

    def _with_shape(self, service: str, entries: Document) -> Document:
        """The entries of a service under its known events, and what its shape adds."""
        shape, seen = self.shapes.shapes.get(service), self._about(service)
        held, most = seen.held, seen.size.max_replicas
        scales = shape is None or shape.kind != "DaemonSet"
        under = with_events({"service": service, **entries}, self.events if scales else (), self.now, most)
        if shape is None:
            return under
        main = shape.main_container
        known = {
            "kind": shape.kind,
            "container": main.name if main else "",
            "containers": container_entries(shape, held, entries["memory"]),
            "censored": dict(held.told),
        }
        return under | {name: value for name, value in known.items() if value}

    def _without_model(
        self, service: str, metric: str, evidence: Evidence, reason: str, *, bad_data: bool
    ) -> Document:
        """Bad data: what was recommended before, else a constant. A model that failed on good data: a constant."""
        refusal = evidence.refused.get((service, metric))
        why = refusal or reason
        before = evidence.previous if bad_data or refusal is not None else None
        known = self._about(service)
        carried = carried_entry(before, service, metric, self.now, why)
        if carried:
            return capped(carried, known.size.max_replicas) if metric == "cpu" else at_least(carried, known)
        samples, end = evidence.samples(service), evidence.end(self.now)
        return fallback_entry(metric, samples, end, why, known, self.now)

    def fallback_only(
        self, evidence: Evidence, services: Sequence[str], reason: str, *, data_failed: bool = False
    ) -> Document:
        """No forecasts: the given services (none given: all), with their reasons; bad data keeps what still holds."""
        before = {str(each["service"]) for each in (evidence.previous or {"services": []})["services"]}
        found = set(services) or evidence.names() | (before if data_failed else set())
        names = sorted(found | self._launched())
        acting = self if data_failed else replace(self, acted=self._acted(evidence, {}))
        entries = [acting._constants(name, evidence, reason, bad_data=data_failed) for name in names]
        usable = [each for each in entries if _says(each)]
        dated = _dated(self._constant_header(evidence), usable)
        return dated.document(usable, reason if usable else reason or NO_DATA)

    def _constants(self, service: str, evidence: Evidence, reason: str, *, bad_data: bool) -> Document:
        found = {m: self._without_model(service, m, evidence, reason, bad_data=bad_data) for m in UNITS}
        found |= {} if bad_data else self._load(service, evidence, pd.DataFrame(), {"reason": reason})
        return self._with_shape(service, found)

    def _constant_header(self, evidence: Evidence) -> Header:
        """A constant holds for a day, but none from samples older than its own window: that is expired at birth."""
        begin = min(self.now, evidence.end(self.now).to_pydatetime() + timedelta(days=WINDOW_DAYS))
        until = begin + timedelta(hours=FALLBACK_HORIZON_HOURS) + GRACE
        return Header(self.run_id, self.now, until, FALLBACK_HORIZON_HOURS, self.place)


def _says(service: Document) -> bool:
    """Whether anything is recommended for a service: by its usage, or by an event."""
    return "floors" in service["cpu"] or any(service[metric]["source"] != "none" for metric in UNITS)


def _expected(forecast: pd.DataFrame, judged: Mapping[tuple[str, str], Document]) -> dict[str, float]:
    """Mean cores of the next day, of the forecasts that are used."""
    found = {}
    for (service, metric), result in judged.items():
        if metric == "cpu" and result["decision"] in SERVED:
            rows = forecast[(forecast["service"] == service) & (forecast["metric"] == metric)]
            if not rows.empty:
                found[service] = float(rows.sort_values("timestamp")["p50"].iloc[:24].mean())
    return found


def _held(service: Document, until: datetime) -> Document:
    """A service without floors of hours in which its entry holds no more: constants of old samples have such."""
    cpu = service["cpu"]
    last = parse_instant(str(cpu.get("valid_until", iso(until))))
    floors = [each for each in cpu.get("floors", []) if parse_instant(str(each["start"])) < last]
    if len(floors) == len(cpu.get("floors", [])):
        return service
    bare = {key: value for key, value in cpu.items() if key != "floors"}
    return {**service, "cpu": bare | ({"floors": floors} if floors else {})}


def _dated(header: Header, services: Sequence[Document]) -> Header:
    """The header as late as the latest entry; an entry that ends earlier says so itself."""
    entries = [service[metric] for service in services for metric in UNITS]
    carried = [parse_instant(str(entry["valid_until"])) for entry in entries if "valid_until" in entry]
    own = [entry for entry in entries if entry["source"] != "none" and "valid_until" not in entry]
    latest = max(carried + [header.valid_until] * bool(own or not carried))
    for entry in own if latest > header.valid_until else ():
        entry["valid_until"] = iso(header.valid_until)
    return replace(header, valid_until=latest)


def fallback_share(document: Document) -> float:
    """Share of service × metric entries that no model serves; 1 without any entry."""
    sources = [service[metric]["source"] for service in document["services"] for metric in UNITS]
    return sum(source in ("fallback", "none") for source in sources) / len(sources) if sources else 1.0
