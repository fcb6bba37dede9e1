"""Markdown for people: the validation table and usage statistics. Names come from data, so they are escaped.

Put together here and not by a template, for Jinja's autoescape knows HTML alone.
"""

from __future__ import annotations

import html
import re

import pandas as pd

from predictive_scaling.base.amounts import number
from predictive_scaling.usage.checks import Finding
from predictive_scaling.usage.validation import ServiceResult, ValidationResult

# A Markdown viewer loads the text inline; a huge table would crash the browser's tab.
MAX_ROWS = 200


def escaped(text: str) -> str:
    """Make text inert in Markdown and in the HTML that Markdown lets through."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(text.replace("\n", " ")))


def validation_markdown(result: ValidationResult) -> str:
    """Verdict and one row per service, failing ones first."""
    verdict = "passed" if result.passed else "FAILED"
    ordered = sorted(result.services, key=lambda each: (each.passed, each.service))
    rows = [_row(each) for each in ordered[:MAX_ROWS]]
    head = ["| service | verdict | quality | rows | findings |", "|---|---|---|---|---|"] if rows else []
    summary = f"Quality of the worst service: {number(result.quality_score)}. {escaped(result.reason)}."
    units = ["All times are UTC; numbers have three significant digits.", ""]
    units += [
        "All values lie between 0 and 1: shares of something, neither cores nor bytes.",
        "",
    ] * result.shares
    return (
        "\n".join(
            [f"# Data validation {verdict}", "", summary, "", *units, *head, *rows, *_left(len(ordered))]
        )
        + "\n"
    )


def _left(count: int) -> list[str]:
    return [f"\n{count - MAX_ROWS} more services are not shown."] if count > MAX_ROWS else []


def _row(each: ServiceResult) -> str:
    findings = "; ".join(map(_finding, each.findings))
    verdict = "pass" if each.passed else "fail"
    return f"| {escaped(each.service)} | {verdict} | {number(each.quality)} | {each.rows} | {findings} |"


def _finding(found: Finding) -> str:
    metric = f"{found.metric}: " if found.metric else ""
    return f"{found.severity}: {metric}{escaped(found.text)}"


def statistics_markdown(statistics: pd.DataFrame) -> str:
    """One row per service."""
    names = [str(name) for name in statistics.columns]
    head = [f"| {' | '.join(escaped(name) for name in names)} |", "|" + "---|" * len(names)]
    rows = [
        f"| {' | '.join(_cell(value) for value in row)} |" for row in statistics.head(MAX_ROWS).to_numpy()
    ]
    said = "cpu is in cores, memory in bytes, requests by the second; numbers have three significant digits."
    return "\n".join(["# Usage", "", said, "", *head, *rows, *_left(len(statistics))]) + "\n"


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return escaped(str(value))
    return f"{value:,.0f}" if value.is_integer() else number(value)  # a count is exact
