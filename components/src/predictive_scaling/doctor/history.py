"""How far back usage reaches, and what that is enough for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.finding import Finding, fine, note, problem

DAYS, STEP = 92, 3 * 3600
"""As far as `fetch` reads; and how finely it is looked at."""
LEAST, FORECASTS, WEEKS, ALL, KEPT = 7, 11, 14, 17, 35
"""Days: validation's own; the first forecasts that pass; a week seen twice; every fold of the backtest (as `needs`
of the backtest has them, and docs/serving.md); what is worth keeping."""
_COMPLETE = 0.9
_RAW = "container_cpu_usage_seconds_total"
_RULE = "predictive_scaling:cpu_cores:rate5m"


def history_findings(place: Place, now: float) -> Iterator[Finding]:
    """Of the raw series, then of the recorded ones."""
    raw = place.seen(f"count({place.rows(_RAW)})", DAYS, STEP, now)
    recorded = place.seen(f"count({place.rows(_RULE)})", DAYS, STEP, now)
    end = place.at or now
    kept = _retention(place)
    if raw or not recorded:
        yield _judged("history", "raw series", raw, end, kept)
    if recorded:
        yield _judged(
            "history", "recorded series", recorded, end, kept, better=bool(raw) and raw[0] < recorded[0]
        )


def _retention(place: Place) -> str:
    """What Prometheus itself says, such as `10d`; others do not say."""
    found = place.optional("/api/v1/status/runtimeinfo") or {}
    return str(found.get("storageRetention", ""))


def _judged(
    check: str, what: str, seen: Sequence[int], end: float, kept: str, *, better: bool = False
) -> Finding:
    if not seen:
        return problem(check, f"there are no {what} of the namespace", "the findings above say why")
    days = (end - seen[0]) / 86_400
    limit = f" (Prometheus keeps {kept})" if kept else ""
    text = f"{what} reach {days:.1f} days back{limit}: {enough_for(days)}{_holes(seen, end)}"
    if days >= ALL or better:
        return fine(check, text)
    remedy = (
        f"keep {KEPT} days (--storage.tsdb.retention.time; prometheusSpec.retention; or a store such as Thanos, "
        "Mimir or VictoriaMetrics), or wait"
    )
    return (note if days >= FORECASTS else problem)(check, text, remedy)


def enough_for(days: float) -> str:
    """What so many days of history give."""
    if days < LEAST:
        return f"fewer than the {LEAST} that validation wants, so nothing but constants"
    if days < FORECASTS:
        return f"enough for constants; forecasts are accepted from {FORECASTS} days on"
    if days < WEEKS:
        return f"enough for forecasts by the day; weekly terms from {WEEKS} days on, every fold from {ALL}"
    if days < ALL:
        return f"enough for forecasts with weekly terms; every fold from {ALL} days on"
    return "enough for weekly terms and every fold"


def _holes(seen: Sequence[int], end: float) -> str:
    expected = (end - seen[0]) // STEP + 1
    return (
        f"; {1 - len(seen) / expected:.0%} of it is missing"
        if expected and len(seen) < _COMPLETE * expected
        else ""
    )
