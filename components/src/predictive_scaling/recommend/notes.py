"""What a recommendation has to say of a service beside its numbers: by metric, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from predictive_scaling.recommend.floors import beyond


def notes(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Metric and sentence: why it has no replicas, what is wanted beyond the maximum, what held its usage back."""
    if "unsized" in service["cpu"]:
        yield "cpu", str(service["cpu"]["unsized"])
    more = beyond(service["cpu"])
    if more:
        yield "cpu", more
    for metric, text in sorted(service.get("censored", {}).items()):
        yield metric, str(text)
