"""Whether Prometheus' clock is ours: floors are by the hour, and what is stale is judged by the clock."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.finding import Finding, fine, problem

MOST_SECONDS = 30.0


def clock_findings(place: Place, now: float) -> Iterator[Finding]:
    """Prometheus' time against ours; an instant that was given has no clock to compare."""
    if place.at:
        return
    for row in place.ask("vector(time())"):
        apart = row.value - now
        if abs(apart) > MOST_SECONDS:
            yield problem(
                "clock",
                f"Prometheus' clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} this machine's",
                "set both by NTP: floors are by the hour, and S3 refuses a signature that is 15 minutes off",
            )
        else:
            yield fine("clock", f"Prometheus' clock is within {MOST_SECONDS:.0f} s of this machine's")
