"""The floor in force in PromQL, and how an HPA comes to have exactly that many replicas.

An HPA with `replicas` pods and an external metric `value` of type AverageValue and target 1 does nothing while
`value / replicas` is within its tolerance, by default 10 %, of 1; else it wants ceil(value) (Kubernetes,
pkg/controller/podautoscaler/replica_calculator.go, GetExternalPerPodMetricReplicas; values are in thousandths). So a
floor of 21 leaves 20 pods as they are, for ever.
"""

from __future__ import annotations

import json
import math

DEFAULT_TOLERANCE = 0.1
# So small that no count but the floor's own is kept by it, and more than the thousandth that a metric is cut to.
_ABOVE = 0.01
MOST = 1_000_000
"""More replicas than this are no floor."""


def selector(environment: str, namespace: str, service: str) -> str:
    """Matchers of one service's gauges."""
    return f"environment={quoted(environment)}, namespace={quoted(namespace)}, service={quoted(service)}"


def quoted(text: str) -> str:
    """A string of PromQL, whose escapes are Go's: JSON's are among them."""
    return json.dumps(text, ensure_ascii=False)


def query(matchers: str, lead_minutes: int) -> str:
    """The highest floor of this hour and of the one that the lead from now lies in, while it holds; else nothing.

    What is negative, NaN or beyond reason is no floor.
    """
    hours = 'count_values("hour", hour())'
    if lead_minutes:
        hours = f'({hours} or count_values("hour", hour(vector(time() + {lead_minutes * 60}))))'
    return (
        "max(\n"
        f"  (predictive_scaling_min_replicas{{{matchers}}} >= 0 <= {MOST})\n"
        f"  and on (hour) {hours}\n"
        "  and on (job, environment, namespace, service)\n"
        f"    (predictive_scaling_valid_until_seconds{{{matchers}}} > time())\n"
        ")"
    )


def raised(floor: str) -> str:
    """A floor raised for an HPA whose tolerance cannot be set: from any count below it, it orders at least the floor.

    With one pod less than the floor the ratio is just beyond the tolerance, so fewer are raised too; with as many it is
    within, so they stay. What is ordered is exact up to 10 and at most a tenth more above. Nothing exact exists: an HPA
    that moves at all from n pods moves to more than 1.1 × n.
    """
    return f"{1 + DEFAULT_TOLERANCE:g} * ({floor} - 1) + {_ABOVE:g}"


def tolerance(most: int) -> float:
    """Largest tolerance, in thousandths, with which every floor up to `most` is reached exactly.

    The smallest step that matters is from `most` - 1 to `most`. Not 0, for that would let the cpu trigger follow every
    ripple.
    """
    if most <= 1:
        return DEFAULT_TOLERANCE
    below = math.ceil(1000 / (most - 1)) - 1
    return max(0, min(below, round(1000 * DEFAULT_TOLERANCE))) / 1000


def tolerance_text(most: int) -> str:
    """The tolerance as the API server writes it: `50m` is 0.05."""
    thousandths = round(1000 * tolerance(most))
    return f"{thousandths}m" if thousandths else "0"
