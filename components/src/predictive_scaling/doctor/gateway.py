"""Whether what we push arrives under its own labels."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_scaling.doctor.asking import EXPORTED, Place
from predictive_scaling.doctor.finding import Finding, fine, listed, problem

GAUGE = "predictive_scaling_valid_until_seconds"
_LABELS = ("service", "namespace", "environment", "job")


def gateway_findings(place: Place) -> Iterator[Finding]:
    """Of the gauges that are there; none are there before the first run in mode publish."""
    by = ", ".join(["job", "instance", *(EXPORTED + name for name in _LABELS)])
    rows = place.ask(f"count by ({by}) ({place.selector(GAUGE)})")
    renamed = sorted({name for row in rows for name in row.labels if name.startswith(EXPORTED)})
    if renamed:
        jobs = sorted({row.labels.get("job", "") for row in rows})
        yield problem(
            "pushgateway",
            f"the Pushgateway is scraped without honor_labels by {listed(jobs)}: gauges have {listed(renamed)}",
            "set honor_labels: true (honorLabels in a ServiceMonitor); until then autoscalers read no floor",
        )
    elif rows:
        yield fine("pushgateway", "gauges arrive under their own labels")
