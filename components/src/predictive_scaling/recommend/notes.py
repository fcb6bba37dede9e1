"""What a recommendation has to say of a service beside its numbers: by metric, one sentence each.

That its size is not known is no fault of its data, so it stands in the entry itself (`unsized`) and is said, no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from predictive_scaling.recommend.floors import beyond


def notes(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Metric and sentence: what is wanted beyond the maximum, what held its usage back."""
    more = beyond(service["cpu"])
    if more:
        yield "cpu", more
    for metric, text in sorted(service.get("censored", {}).items()):
        yield metric, str(text)
