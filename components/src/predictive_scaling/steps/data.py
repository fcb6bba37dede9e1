"""Steps that look at usage data: load, summarise, validate, make features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from predictive_scaling.base.clock import iso, resolve_now
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import Document, pretty_bytes, read_document, rounded, write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.features import FeatureEngineer, without
from predictive_scaling.models.load import costs, levelled
from predictive_scaling.report.markdown import statistics_markdown, validation_markdown
from predictive_scaling.steps.faults import Fault, write_error_log
from predictive_scaling.tell.pushing import push_data
from predictive_scaling.usage import events as known_events
from predictive_scaling.usage import sources
from predictive_scaling.usage.checks import METRICS
from predictive_scaling.usage.per_pod import CONTAINER, per_pod, require_memory_of
from predictive_scaling.usage.tables import read_csv, read_table, write_table
from predictive_scaling.usage.validation import (
    CLEAN_COLUMNS,
    DataValidator,
    ServiceResult,
    Severity,
    ValidationResult,
    ValidationRules,
    refused,
)


class Loaded(NamedTuple):
    """Rows and services of loaded data."""

    rows: int
    services: list[str]


class Validated(NamedTuple):
    """Verdict, services that may be modelled, quality (0–1) of the worst service, and the reason in words."""

    passed: bool
    services: list[str]
    quality_score: float
    reason: str


def load_usage(data: str, source: str, required_columns: Sequence[str]) -> Loaded:
    """Copy `source` (`sample:<name>` or a path) to `data` as gzipped CSV; raises InputError when it is not usable."""
    frame = sources.load_usage(source, required_columns)
    write_table(frame, data, compress=True)
    names = sorted(frame["service"].dropna().unique()) if "service" in frame else []
    return Loaded(len(frame), [str(name) for name in names])


def summarize_usage(data: str, summary: str) -> Document:
    """Print and write statistics by service; gives them as service -> figure -> value. Raises InputError."""
    frame = sources.load_usage(data)
    statistics = sources.usage_statistics(frame)
    text = statistics_markdown(statistics)
    say(text)
    write_bytes(summary, text.encode())
    records = statistics.to_dict(orient="records")
    return {
        str(row["service"]): _figures({str(name): value for name, value in row.items()}) for row in records
    }


def _figures(row: Document) -> Document:
    return {name: rounded(float(value)) for name, value in row.items() if name != "service"}


def validate_data(
    raw: str,
    clean: str,
    validation: str,
    report: str,
    rules: ValidationRules,
    now_override: str = "",
    *,
    error_log: str = "",
    memory_of: str = CONTAINER,
) -> Validated:
    """Judge and repair raw usage. `clean` holds every service that can be read, also those that failed.

    `memory_of` is `service` where memory is a sum over pods, which the column `replicas` then divides.
    """
    now = resolve_now(now_override)
    result = _validated(raw, DataValidator(rules, now, resolve_now()), require_memory_of(memory_of))
    write_table(result.clean, clean, compress=True)
    write_bytes(validation, pretty_bytes(_document(result, iso(now))))
    write_bytes(report, validation_markdown(result).encode())
    push_data(
        {each.service: each.quality for each in result.services}, sum(each.rows for each in result.services)
    )
    say(result.reason)
    write_error_log(error_log, _faults(result), success=result.passed)
    return Validated(result.passed, result.passing, result.quality_score, result.reason)


def _faults(result: ValidationResult) -> list[Fault]:
    found = [
        Fault(finding.text, each.service, finding.metric)
        for each in result.services
        for finding in each.findings
        if finding.severity is Severity.FAIL
    ]
    return found if found or result.passed else [Fault(result.reason)]


def _validated(raw: str, validator: DataValidator, memory_of: str) -> ValidationResult:
    try:
        return validator.validate(per_pod(read_csv(raw), memory_of))
    except InputError as error:  # not a CSV: the data's fault, so a result
        return refused(str(error))


def _document(result: ValidationResult, now: str) -> Document:
    return {
        "schema": "predictive-scaling-validation/v1",
        "now": now,
        "passed": result.passed,
        "reason": result.reason,
        "quality_score": rounded(result.quality_score),
        "shares": result.shares,
        "services": [_service(each) for each in result.services],
    }


def _service(each: ServiceResult) -> Document:
    return {
        "service": each.service,
        "passed": each.passed,
        "quality": rounded(each.quality),
        "rows": each.rows,
        "metrics": {metric: _metric(each, metric) for metric in each.metrics},
        "findings": [asdict(found) for found in each.findings],
    }


def _metric(each: ServiceResult, metric: str) -> Document:
    reasons = each.reasons_of(metric)
    quality = rounded(each.qualities.get(metric, 0.0))
    return {"passed": not reasons, "quality": quality, "reason": ", ".join(reasons)}


def refused_metrics(validation: str) -> dict[tuple[str, str], str]:
    """(service, metric) -> reason, of what a validation document turned away; no document, nothing."""
    if not validation:
        return {}
    return {
        (str(each["service"]), metric): str(judged["reason"])
        for each in read_document(validation)["services"]
        for metric, judged in each["metrics"].items()
        if not judged["passed"]
    }


def in_shares(validation: str) -> bool:
    """Whether a validation document says that the data are shares of something, in no unit; no document, no."""
    return bool(validation) and bool(read_document(validation).get("shares"))


def engineer_features(
    clean: str,
    features: str,
    services: Sequence[str],
    model_freq: str,
    window_days: int,
    validation: str = "",
    *,
    events: Sequence[Mapping[str, Any]] = (),
    error_log: str = "",
) -> bool:
    """Write hourly features of the given services (none given: all); gives whether there is anything to train on.

    A metric that the validation document turned away has no values, nor have hours of events that are not learnt. Cores
    before code got slower or faster are as the code of now would have used them for their load; by what they were
    multiplied stands beside them.
    """
    engineer = FeatureEngineer(model_freq, window_days)
    refused = refused_metrics(validation)
    known = known_events.read(events)
    samples = read_table(Path(clean), CLEAN_COLUMNS)
    table = without(engineer.transform(levelled(samples, costs(samples, refused)), services), refused)
    table = known_events.unlearnt(table, known)
    write_table(table, features)
    faults = [Fault(reason, service, metric) for (service, metric), reason in refused.items()]
    success = any(bool(table[metric].notna().any()) for metric in METRICS)
    return write_error_log(error_log, faults, success=success)
