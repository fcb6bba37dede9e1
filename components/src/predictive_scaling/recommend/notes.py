"""What a recommendation has to say of a service beside its numbers: by metric, one sentence each.

That its size is not known is no fault of its data, so it stands in the entry itself (`unsized`) and is said, no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from predictive_scaling.base.amounts import number, quantity
from predictive_scaling.recommend.entries import UNITS
from predictive_scaling.recommend.floors import beyond
from predictive_scaling.recommend.load_entries import told


def notes(service: Mapping[str, Any], generated_at: str = "") -> Iterator[tuple[str, str]]:
    """Metric and sentence: what is wanted beyond the maximum, level shifts, what held its usage back, whether its code
    got slower.

    `generated_at` is when the recommendation was made: what changed long before is told no more.
    """
    more = beyond(service["cpu"])
    if more:
        yield "cpu", more
    for metric, unit in UNITS.items():
        if "shift" in service[metric]:
            yield metric, shifted(metric, service[metric], unit)
    for metric, text in sorted(service.get("censored", {}).items()):
        yield metric, str(text)
    changed = told(service["load"], generated_at) if "load" in service and generated_at else ""
    if changed:
        yield "load", changed


def shifted(metric: str, entry: Mapping[str, Any], unit: str) -> str:
    """A sentence on the level shift of an entry."""
    shift = entry["shift"]
    usual, level = float(shift["usual"]), float(shift["level"])
    times = f" ({number(level / usual)} ×)" if usual > 0 else ""
    why = ", after a deployment" if shift["deployed"] else ""
    since = str(shift["since"])[:16] + "Z"
    text = f"{metric} is at another level since {since}{why}: {quantity(usual, unit)} → {quantity(level, unit)}{times}"
    return text if entry["source"] == "fallback" else f"{text}; the forecast has moved with it"
