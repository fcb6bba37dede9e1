"""Turning away usage data that no model should see, service by service, with the reason.

Bad data is a finding, never an exception. What can be repaired is repaired: values that cannot be are missing.
A service that fails keeps its repaired rows, from which a constant can still be recommended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from predictive_scaling.checks import Finding, ServiceChecks, Severity, ValidationRules
from predictive_scaling.errors import InputError
from predictive_scaling.sources import REQUIRED_COLUMNS
from predictive_scaling.tables import require_columns

__all__ = ["DataValidator", "Finding", "ServiceResult", "Severity", "ValidationResult", "ValidationRules"]

# A DNS-1123 label, as Kubernetes wants a Service's name.
SERVICE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NUMBERS = ("cpu", "memory", "cpu_max", "memory_max", "cpu_limit", "memory_limit")
CLEAN_COLUMNS = ("timestamp", "service", "cpu", "memory")


@dataclass(frozen=True)
class ServiceResult:
    """Judgement of one service: usable share of expected slots, rows as they came, and what was found."""

    service: str
    rows: int
    quality: float
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether models may be trained on it."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it failed; empty when it passed."""
        return tuple(found.text for found in self.findings if found.severity is Severity.FAIL)


@dataclass(frozen=True)
class ValidationResult:
    """Judgement of a table and its repaired rows (`timestamp`, `service`, `cpu`, `memory`, optional maxima)."""

    passed: bool
    reason: str
    quality_score: float
    services: tuple[ServiceResult, ...]
    clean: pd.DataFrame

    @property
    def passing(self) -> list[str]:
        """Services that may be modelled."""
        return [result.service for result in self.services if result.passed]


@dataclass(frozen=True)
class DataValidator:
    """Judges usage tables by fixed rules at a fixed instant."""

    rules: ValidationRules
    now: datetime

    def validate(self, raw: pd.DataFrame) -> ValidationResult:
        """Judge and repair; `raw` is not changed. The table's score is that of its worst service."""
        try:
            require_columns(raw, REQUIRED_COLUMNS, "usage data")
        except InputError as error:
            return refused(str(error))
        numbers = {name: pd.to_numeric(raw[name], errors="coerce") for name in NUMBERS if name in raw.columns}
        typed = raw.assign(**numbers, service=raw["service"].fillna(""))
        checked = [self._service(str(name), rows) for name, rows in typed.groupby("service", sort=True)]
        return self._summary([result for result, _ in checked], [rows for _, rows in checked])

    def _service(self, service: str, rows: pd.DataFrame) -> tuple[ServiceResult, pd.DataFrame]:
        if not SERVICE_NAME.fullmatch(service):
            finding = Finding(
                Severity.FAIL, "name", "not a DNS-1123 label, so it names no Kubernetes service"
            )
            return ServiceResult(service, len(rows), 0.0, (finding,)), empty_clean()
        quality, findings, clean = ServiceChecks(self.rules, pd.Timestamp(self.now)).run(rows)
        return ServiceResult(service, len(rows), quality, findings), clean.assign(service=service)

    def _summary(self, results: list[ServiceResult], tables: Iterable[pd.DataFrame]) -> ValidationResult:
        if not results:
            return refused("usage data: no rows")
        failed = [result for result in results if not result.passed]
        share = len(failed) / len(results)
        passed = share < 1 and share <= self.rules.max_failed_share
        quality = min(result.quality for result in results)
        kept = [table for table in tables if not table.empty]
        clean = pd.concat(kept, ignore_index=True) if kept else empty_clean()
        return ValidationResult(passed, _reason(results, failed), quality, tuple(results), _ordered(clean))


def require_service_name(name: str) -> str:
    """Give the name back when it is a DNS-1123 label (it becomes part of file names); raises InputError."""
    if not SERVICE_NAME.fullmatch(name):
        raise InputError(f"{name!r} is not a service name: it must be a DNS-1123 label")
    return name


def refused(reason: str) -> ValidationResult:
    """The result for a table that cannot be judged service by service."""
    return ValidationResult(False, reason, 0.0, (), empty_clean())


def empty_clean() -> pd.DataFrame:
    """A clean table without rows."""
    empty = pd.DataFrame({name: pd.Series(dtype="float64") for name in CLEAN_COLUMNS})
    return empty.assign(
        timestamp=pd.to_datetime(pd.Series(dtype="str"), utc=True), service=pd.Series(dtype="str")
    )


def _ordered(clean: pd.DataFrame) -> pd.DataFrame:
    rest = [name for name in NUMBERS if name in clean.columns and name not in CLEAN_COLUMNS]
    return clean[[*CLEAN_COLUMNS, *rest]]


def _reason(results: list[ServiceResult], failed: list[ServiceResult]) -> str:
    if not failed:
        return f"all {len(results)} services pass"
    details = "; ".join(f"{result.service}: {', '.join(result.reasons)}" for result in failed[:5])
    more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"{len(failed)} of {len(results)} services fail: {details}{more}"
