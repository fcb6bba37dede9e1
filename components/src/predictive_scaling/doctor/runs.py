"""Whether the pipelines' newest runs are as new as their schedules say."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_scaling.doctor.asking import Place, Row, true
from predictive_scaling.doctor.finding import Finding, fine, problem

LAST = "predictive_scaling_run_last_success_seconds"
EVERY = "predictive_scaling_run_every_seconds"
SLACK, SLACK_SECONDS = 1.15, 6 * 3600
"""As docs/prometheus/alerts.yaml: a longer run and a missed one or two are no fault yet."""
_HOUR = 3600


def run_findings(place: Place) -> Iterator[Finding]:
    """One for each pipeline that starts by the clock; none before the first run, and of what people start."""
    every = {_name(row): row.value for row in place.ask(f"{place.rows(EVERY)} > 0")}
    for row in place.ask(f"time() - {place.rows(LAST)}"):
        due = every.get(_name(row))
        if due is None:
            continue
        text = f"{_name(row)} succeeded {row.value / _HOUR:.1f} h ago, and is to run every {due / _HOUR:g} h"
        if row.value > SLACK * due + SLACK_SECONDS:
            yield problem(
                "runs", text, "look at its newest runs, and whether its schedule is there and enabled"
            )
        else:
            yield fine("runs", text)


def _name(row: Row) -> str:
    place = true(row.labels, "environment")
    return true(row.labels, "pipeline") + (f" of {place}" if place else "")
