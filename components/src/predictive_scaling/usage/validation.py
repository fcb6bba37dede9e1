"""Turning away usage data that no model should see, service by service and metric by metric, with the reason.

Bad data is a finding, never an exception. What can be repaired is repaired: values that cannot be are missing.
A service that fails keeps its repaired rows, from which a constant can still be recommended; so does a metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.checks import (
    DEPLOYED,
    LOAD,
    LOADS,
    METRICS,
    Finding,
    Severity,
    ValidationRules,
    fail,
    warn,
)
from predictive_scaling.usage.load_checks import judge_load, load_column, usable_load
from predictive_scaling.usage.metric_checks import capacity_changes, judge, usable
from predictive_scaling.usage.plausible import implausible, shares
from predictive_scaling.usage.row_checks import check_rows
from predictive_scaling.usage.sampling import sampling_of, settled, told
from predictive_scaling.usage.sources import REQUIRED_COLUMNS
from predictive_scaling.usage.tables import NUMBERS, numeric, require_columns

__all__ = ["DataValidator", "Finding", "ServiceResult", "Severity", "ValidationResult", "ValidationRules"]

# A DNS-1123 label, as Kubernetes wants a Service's name.
SERVICE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
CLEAN_COLUMNS = ("timestamp", "service", "cpu", "memory")


@dataclass(frozen=True)
class ServiceResult:
    """Judgement of one service: rows as they came, what was found, and by metric the usable share of expected slots.

    `load` is among the metrics of a service that has any; what is wrong with it turns nothing else away.
    """

    service: str
    rows: int
    qualities: Mapping[str, float]
    findings: tuple[Finding, ...]

    @property
    def quality(self) -> float:
        """Of its worse metric; a load has its own."""
        return min((self.qualities[metric] for metric in METRICS if metric in self.qualities), default=0.0)

    @property
    def passing(self) -> list[str]:
        """Metrics that models may be trained on."""
        return [metric for metric in METRICS if not self.reasons_of(metric)]

    @property
    def passed(self) -> bool:
        """Whether models may be trained on any metric of it."""
        return bool(self.passing)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it, or a metric of it, failed; empty when all passed."""
        failed = [
            found for found in self.findings if found.severity is Severity.FAIL and found.metric != LOAD
        ]
        return tuple(dict.fromkeys(map(_named, failed)))

    def reasons_of(self, metric: str) -> tuple[str, ...]:
        """Why a metric failed; empty when it passed."""
        failed = [found for found in self.findings if found.severity is Severity.FAIL]
        return tuple(found.text for found in failed if found.metric in ("", metric))

    @property
    def metrics(self) -> list[str]:
        """What is judged of it: cpu, memory, and load where it has one."""
        return [*METRICS, *(each for each in (LOAD,) if each in self.qualities)]


def _named(found: Finding) -> str:
    return f"{found.metric}: {found.text}" if found.metric else found.text


@dataclass(frozen=True)
class ValidationResult:
    """Judgement of a table and its repaired rows (`timestamp`, `service`, `cpu`, `memory`, optional maxima).

    `shares` says that all values lie between 0 and 1, so that no unit can be told from them.
    """

    passed: bool
    reason: str
    quality_score: float
    services: tuple[ServiceResult, ...]
    clean: pd.DataFrame
    shares: bool = False

    @property
    def passing(self) -> list[str]:
        """Services of which at least one metric may be modelled."""
        return [result.service for result in self.services if result.passed]


@dataclass(frozen=True)
class DataValidator:
    """Judges usage tables by fixed rules as of `now`. No instant after `wall`, the clock, and a day can be true."""

    rules: ValidationRules
    now: datetime
    wall: datetime | None = None

    def validate(self, raw: pd.DataFrame) -> ValidationResult:
        """Judge and repair; `raw` is not changed. The table's score is that of its worst service."""
        try:
            require_columns(raw, REQUIRED_COLUMNS, "usage data")
            self._require_services(raw)
        except InputError as error:
            return refused(str(error))
        present = [name for name in NUMBERS if name in raw.columns]
        numbers = {name: numeric(raw[name]) for name in present}
        texts = {f"{name}_text": raw[name] for name in (*METRICS, *LOADS) if name in raw.columns}
        typed = raw.assign(**texts, **numbers, service=raw["service"].fillna(""))
        groups = [(str(name), rows) for name, rows in typed.groupby("service", sort=True)]
        of_shares = {name for name, rows in groups if shares(rows)}
        stepped = replace(self, rules=settled(self.rules, _samplings(typed)))
        checked = [stepped._service(name, rows) for name, rows in groups]
        more = told(self.rules, stepped.rules)
        results = _suspected([_with(result, more) for result, _ in checked], of_shares, self.rules)
        summary = self._summary(results, [rows for _, rows in checked])
        return replace(summary, shares=len(of_shares) == len(groups) > 0)

    def _require_services(self, raw: pd.DataFrame) -> None:
        number = raw["service"].nunique()
        if number > self.rules.max_services:
            raise InputError(f"usage data: {number} services, at most {self.rules.max_services} are allowed")

    def _service(self, service: str, rows: pd.DataFrame) -> tuple[ServiceResult, pd.DataFrame]:
        if not SERVICE_NAME.fullmatch(service):
            finding = fail("name", "not a DNS-1123 label, so it names no Kubernetes service")
            return ServiceResult(service, len(rows), {}, (finding,)), empty_clean()
        now = pd.Timestamp(self.now)
        latest = max(now, pd.Timestamp(self.wall or self.now)) + pd.Timedelta(days=1)
        timed, findings = check_rows(rows, self.rules, now, latest)
        findings += [*capacity_changes(timed), *implausible(timed, self.rules)]
        repaired, defects = self._repaired(timed)
        apart = sampling_of(timed["timestamp"])
        qualities = {}
        if repaired.empty:
            defects.append(fail("history", "no usable rows"))
        for metric in METRICS if len(repaired) else ():
            qualities[metric], found = judge(repaired, metric, self.rules, now, apart)
            defects += found
        if len(repaired) and (column := load_column(timed)):
            qualities[LOAD], found = judge_load(repaired, column, self.rules, now, apart)
            defects += found
        result = ServiceResult(service, len(rows), qualities, (*findings, *defects))
        return result, repaired.assign(service=service)

    def _repaired(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
        """Mean of each slot over usable values; samplers drift by seconds, so rows off the grid are normal."""
        column = load_column(rows)
        pairs = {metric: usable(rows, metric) for metric in METRICS}
        pairs |= {column: usable_load(rows, column)} if column else {}
        values = rows.assign(**{name: series for name, (series, _) in pairs.items()})
        slotted = values.assign(timestamp=values["timestamp"].dt.floor(self.rules.step))
        maxima = {f"{metric}_max": "max" for metric in METRICS if f"{metric}_max" in rows.columns}
        maxima |= {DEPLOYED: "max"} if DEPLOYED in rows.columns else {}
        means = dict.fromkeys(pairs, "mean")
        grouped = slotted.groupby("timestamp", sort=True).agg({**means, **maxima})
        off = int((slotted["timestamp"] != rows["timestamp"]).sum())
        drift = [warn("slot", f"{off} rows off the grid of {_step(self.rules)}: floored")] if off else []
        findings = [found for _, each in pairs.values() for found in each]
        return grouped.dropna(subset=list(METRICS), how="all").reset_index(), [*drift, *findings]

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


HEAD_ROWS = 400
"""Rows of a service that its step is told from before all are read."""
SUSPECTED_SHARE = 0.5


def _samplings(rows: pd.DataFrame) -> dict[str, str]:
    """Service -> how far apart its rows are."""
    heads = rows[["service", "timestamp"]].groupby("service").head(HEAD_ROWS)
    at = pd.to_datetime(heads["timestamp"].astype("str"), utc=True, format="ISO8601", errors="coerce")
    return {str(name): sampling_of(times.dropna()) for name, times in at.groupby(heads["service"])}


def _step(rules: ValidationRules) -> str:
    minutes = rules.step.total_seconds() / 60
    return f"{minutes:g}min"


def _with(result: ServiceResult, findings: Iterable[Finding]) -> ServiceResult:
    return replace(result, findings=(*result.findings, *findings))


def _suspected(
    results: list[ServiceResult], of_shares: set[str], rules: ValidationRules
) -> list[ServiceResult]:
    """One table has one unit: where half of its services have none that can be, the others have none either.

    What lies between 0 and 1 is not taken for shares beside a single one of them: GiB of a small service do, too.
    """
    wrong = {each.service for each in results if any(found.check == "units" for found in each.findings)}
    most = len(wrong) >= SUSPECTED_SHARE * len(results)
    text = f"{len(wrong)} of {len(results)} services of this table are in no cores or bytes, so this one is not either"
    suspicion = Finding(Severity(rules.implausible), "units", text)
    return [
        _with(each, [suspicion])
        if wrong and each.service not in wrong and (most or each.service in of_shares)
        else each
        for each in results
    ]


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
    partly = [result for result in results if result.passed and result.reasons]
    told = [*failed, *partly]
    if not told:
        return f"all {len(results)} services pass"
    details = "; ".join(f"{result.service}: {', '.join(result.reasons)}" for result in told[:5])
    more = f"; and {len(told) - 5} more" if len(told) > 5 else ""
    part = f", {len(partly)} in one metric" if partly else ""
    return f"{len(failed)} of {len(results)} services fail{part}: {details}{more}"
