"""Whether the recording rules are loaded, evaluated without an error, and give series of this namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.finding import Finding, fine, listed, note, problem

PREFIX = "predictive_scaling:"
NEEDED = ("predictive_scaling:cpu_cores:rate5m", "predictive_scaling:memory_bytes:working_set")
_PAGE = "docs/prometheus/recording-rules.yaml"


def rule_findings(place: Place) -> Iterator[Finding]:
    """Of what /api/v1/rules lists; a store without that path is judged by the series alone."""
    listing = place.optional("/api/v1/rules?type=record")
    rules = [each for each in _rules(listing or {}) if str(each.get("name", "")).startswith(PREFIX)]
    failing = [each for each in rules if each.get("health") == "err"]
    for each in failing:
        yield problem(
            "rules",
            f"rule {each['name']} fails: {' '.join(str(each.get('lastError', '')).split())[:300]}",
            f"load {_PAGE} as it is shipped now; many-to-many means that something is scraped twice, see above",
        )
    silent = [name for name in NEEDED if not place.ask(f"count({place.rows(name)})")]
    if not rules and len(silent) == len(NEEDED):
        yield note(
            "rules",
            "no recording rule of ours is loaded",
            f"load {_PAGE} (kube-prometheus-stack: a PrometheusRule with the release's label); until then `fetch` "
            "reads the raw series",
        )
    elif silent:
        yield problem(
            "rules",
            f"no series of this namespace in {listed(silent)}",
            "its rules are missing or find no pods of this namespace: compare with the findings above",
        )
    elif not failing:
        yield fine(
            "rules", f"{len(rules)} recording rules, all evaluated" if rules else "recorded series are there"
        )


def _rules(listing: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in listing.get("groups") or []:
        yield from group.get("rules") or []
