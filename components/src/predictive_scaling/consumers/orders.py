"""How an autoscaler goes up: exactly to the floor, and at once."""

from __future__ import annotations

from predictive_scaling.consumers import floor
from predictive_scaling.consumers.consumer import Object
from predictive_scaling.consumers.place import Place

# The HPA's defaults double, or add 4: seen 2-4-8-16-32-64-83 in 81 s. Of the policies the one that allows most counts:
# ten times as many, and at least 100 more, within 15 s, so a floor is one step (seen: 8 s).
POLICIES = (
    {"type": "Percent", "value": 900, "periodSeconds": 15},
    {"type": "Pods", "value": 100, "periodSeconds": 15},
)


def scale_up(most: int, place: Place) -> Object:
    """`behavior.scaleUp`."""
    tolerance = {"tolerance": floor.tolerance_text(most)} if place.tolerant else {}
    return {**tolerance, "policies": [dict(each) for each in POLICIES]}


def query(matchers: str, place: Place) -> str:
    """The floor as the autoscaler is to read it on this Kubernetes."""
    found = floor.query(matchers, place.lead_minutes)
    return found if place.tolerant else floor.raised(found)


def exactness(most: int, place: Place, since: str) -> tuple[str, ...]:
    """Lines that say how exact the floor is, and why."""
    if place.tolerant:
        return (
            f"tolerance: below 1/(maximum - 1), so that even one replica more is ordered, up to {most}; by default an "
            f"HPA leaves what is within 10 %. From {since} on; what is older drops the field in silence.",
        )
    major, minor = place.kubernetes
    return (
        f"Kubernetes {major}.{minor} has no tolerance of an autoscaler's own; an HPA leaves what is within 10 %. So "
        "the query asks for 1.1 times the floor less one: never fewer replicas than the floor come of it, exactly as "
        "many up to 10, at most a tenth more above.",
    )


POLICIES_TOLD = "policies: in one step; by default the count doubles every 15 s, 81 s from 2 to 83."
