"""Checks of one service's rows as they came: how many, at which instants, how often each.

Every function gives the rows that are left and what it found. What is left has certain instants, in order, each once.
"""

from __future__ import annotations

import pandas as pd

from predictive_scaling.usage.checks import Finding, ValidationRules, fail, warn

MAX_DUPLICATES = 0.01
FUTURE_TOLERANCE = pd.Timedelta(minutes=5)
EARLIEST = pd.Timestamp("2000-01-01", tz="UTC")
# An offset needs a time before it: 2026-11-14 ends in no zone. PostgreSQL writes +00 for +00:00.
ZONED = r"\d[Zz]$|[T ]\d\d[\d:.,]*[+-]\d\d(?::?\d\d)?$"
Checked = tuple[pd.DataFrame, list[Finding]]


def check_rows(
    rows: pd.DataFrame, rules: ValidationRules, now: pd.Timestamp, latest: pd.Timestamp
) -> Checked:
    """All checks of rows; `now` ends the data, `latest` is the last instant that can be true at all."""
    findings = [] if len(rows) >= rules.records else [_too_few(rows, rules)]
    timed, found = instants(rows, now, latest)
    ordered, disorder = in_order(timed)
    distinct, doubles = without_duplicates(ordered)
    return distinct, [*findings, *found, *disorder, *doubles]


def _too_few(rows: pd.DataFrame, rules: ValidationRules) -> Finding:
    return fail("records", f"{len(rows)} records, at least {rules.records} are needed")


def instants(rows: pd.DataFrame, now: pd.Timestamp, latest: pd.Timestamp) -> Checked:
    """Keep rows whose instant is certain. A time without zone is a guess, and a wrong epoch is not of this age."""
    text = rows["timestamp"].fillna("")
    epoch = text.str.fullmatch(r"\d{9,19}(\.\d+)?")
    zoned = text.str.contains(ZONED, regex=True)
    parsed = pd.to_datetime(text.mask(epoch, ""), utc=True, format="ISO8601", errors="coerce")
    known = parsed.notna()
    sane = (parsed >= EARLIEST) & (parsed <= latest)
    future = parsed > now + FUTURE_TOLERANCE
    findings = [
        *_counted(epoch, "timestamps that are epoch numbers, of unknown scale"),
        *_counted(known & ~zoned, "timestamps without time zone"),
        *_counted(~known & ~epoch, "timestamps that cannot be read"),
        *_counted(
            known & zoned & ~sane, f"timestamps outside 2000–{latest:%Y-%m-%d}: an epoch of wrong scale?"
        ),
    ]
    late = int((future & sane & zoned).sum())
    findings += [warn("future", f"{late} rows from the future dropped")] if late else []
    return rows.assign(timestamp=parsed)[zoned & sane & ~future], findings


def _counted(bad: pd.Series[bool], text: str) -> list[Finding]:
    count = int(bad.sum())
    return [fail("timestamps", f"{count} {text}")] if count else []


def in_order(rows: pd.DataFrame) -> Checked:
    """Sort by instant."""
    back = int((rows["timestamp"].diff() < pd.Timedelta(0)).sum())
    findings = [warn("order", f"{back} rows before their predecessor: sorted")] if back else []
    return rows.sort_values("timestamp", kind="stable"), findings


def without_duplicates(rows: pd.DataFrame) -> Checked:
    """Drop equal rows; too many of them, or one instant with two values, mean a broken collector."""
    distinct = rows.drop_duplicates()
    dropped, findings = len(rows) - len(distinct), []
    if dropped > MAX_DUPLICATES * len(rows):
        findings.append(fail("duplicates", f"{dropped} duplicate rows ({dropped / len(rows):.1%})"))
    elif dropped:
        findings.append(warn("duplicates", f"{dropped} duplicate rows dropped"))
    conflicting = int(distinct["timestamp"].duplicated().sum())
    if conflicting:
        findings.append(fail("duplicates", f"{conflicting} timestamps with conflicting values"))
    return distinct, findings
