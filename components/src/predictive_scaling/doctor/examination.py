"""All checks in order. One that cannot be asked is told, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import RefusedError
from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.clock import clock_findings
from predictive_scaling.doctor.finding import Finding, Level, problem
from predictive_scaling.doctor.gateway import gateway_findings
from predictive_scaling.doctor.history import history_findings
from predictive_scaling.doctor.rules import rule_findings
from predictive_scaling.doctor.runs import run_findings
from predictive_scaling.doctor.scrapes import scrape_findings
from predictive_scaling.doctor.services import service_findings

DOCTOR_SCHEMA = "predictive-scaling-doctor/v1"
TOO_MUCH = frozenset({400, 413, 422, 503})
"""What Prometheus, and what stands before it, say to a query that is too large."""
_SIGNS = {Level.OK: "ok     ", Level.NOTE: "note   ", Level.PROBLEM: "problem"}


def examined(place: Place, now: float) -> list[Finding]:
    """Every finding; `now` is our clock in Unix seconds. Raises RemoteError when Prometheus does not answer."""
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("clock", lambda: clock_findings(place, now)),
        ("scrape", lambda: scrape_findings(place)),
        ("usage", lambda: service_findings(place)),
        ("rules", lambda: rule_findings(place)),
        ("history", lambda: history_findings(place, now)),
        ("pushgateway", lambda: gateway_findings(place)),
        ("runs", lambda: run_findings(place)),
    ]
    return [found for name, check in checks for found in _told(name, check)]


def _told(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except RefusedError as error:
        if error.status not in TOO_MUCH:
            raise
        return [
            problem(name, f"cannot be looked at: {error}", "raise --query.max-samples and --query.timeout")
        ]


def document(place: Place, findings: Iterable[Finding]) -> Document:
    """For machines (schemas/doctor.v1.schema.json)."""
    listed = [asdict(each) for each in findings]
    fine = all(each["level"] != Level.PROBLEM for each in listed)
    return {"schema": DOCTOR_SCHEMA, "namespace": place.namespace, "healthy": fine, "findings": listed}


def text(findings: Iterable[Finding]) -> str:
    """For people: a line a finding, and what to do below it."""
    return "\n".join(line for each in findings for line in _lines(each))


def _lines(each: Finding) -> list[str]:
    told = [f"{_SIGNS[each.level]}  {each.check}: {each.text}"]
    return told + ([f"         → {each.remedy}"] if each.remedy else [])
