"""Markdown for people: the validation table and usage statistics. Names come from data, so they are escaped.

Put together here and not by a template, for Jinja's autoescape knows HTML alone.
"""

from __future__ import annotations

import html
import re

import pandas as pd

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
    left = [f"\n{len(ordered) - MAX_ROWS} more services are not shown."] if len(ordered) > MAX_ROWS else []
    head = ["| service | verdict | quality | rows | findings |", "|---|---|---|---|---|"] if rows else []
    summary = f"Quality of the worst service: {result.quality_score:.3f}. {escaped(result.reason)}."
    units = ["All values lie between 0 and 1: shares of something, neither cores nor bytes.", ""]
    told = units if result.shares else []
    return "\n".join([f"# Data validation {verdict}", "", summary, "", *told, *head, *rows, *left]) + "\n"


def _row(each: ServiceResult) -> str:
    findings = "; ".join(map(_finding, each.findings))
    verdict = "pass" if each.passed else "fail"
    return f"| {escaped(each.service)} | {verdict} | {each.quality:.3f} | {each.rows} | {findings} |"


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
    return "\n".join(["# Usage", "", *head, *rows]) + "\n"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escaped(str(value))
