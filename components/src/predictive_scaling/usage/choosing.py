"""Which series usage is read from: the recorded ones, or the raw ones where those reach back further.

How far each reaches is asked by the hour, at little cost: for each hour of the span, how many series there are. It also
shows later whether samples came late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.web import Server
from predictive_scaling.usage.columns import CPU_QUERY, MEMORY_QUERY, RAW, RULES
from predictive_scaling.usage.expressions import CPU, MEMORY, Selection
from predictive_scaling.usage.prometheus import Span, Told, query, query_range

AUTO = "auto"
SOURCES = (AUTO, RULES, RAW)
HOUR = 3600
LOOKBACK = 300
"""How old a sample may be that says at an hour that there is a series, in seconds."""
TOLERANCE_HOURS = 6
"""Recorded series are preferred as long as they lack no more than so many hours that the raw ones have."""


@dataclass(frozen=True)
class Choice:
    """The source, why it is that, and the Unix second before which it has nothing; None when it has nothing at all.

    `seen` says of Unix seconds an hour apart how many series there are.
    """

    source: str
    reason: str
    first: int | None
    seen: Mapping[int, float] = field(default_factory=dict)


def choose(server: Server, chosen: Selection, source: str, span: Span, told: Told | None = None) -> Choice:
    """Choose a source for a span; `source` is one of SOURCES. Raises InputError, RemoteError."""
    hours = {each: seen(server, _probe(chosen, each), span, told) for each in _candidates(chosen, source)}
    best = RULES if RULES in hours else RAW
    if len(hours) > 1 and len(hours[RULES]) + TOLERANCE_HOURS < len(hours[RAW]):
        best = RAW
    reason = "" if len(hours) < 2 else _reason(best, {each: len(found) / 24 for each, found in hours.items()})
    found = hours[best]
    return Choice(best, reason, max(min(found) - HOUR, span.start) if found else None, found)


def _candidates(chosen: Selection, source: str) -> tuple[str, ...]:
    if source == AUTO and chosen.namespace:
        return RULES, RAW
    if source == RAW and not chosen.namespace:
        raise InputError(
            "raw series are read of one namespace; name it: --namespace, PREDICTIVE_SCALING_NAMESPACE"
        )
    return (RAW,) if source == RAW else (RULES,)


def _probe(chosen: Selection, source: str) -> str:
    """An expression that has a value, the number of series, where cpu, memory and owners are all there."""
    if source == RULES:
        return " + ".join(f"count({chosen.recorded(name)})" for name in (CPU_QUERY, MEMORY_QUERY))
    parts = [(CPU, 'pod!=""'), (MEMORY, 'pod!=""'), ("kube_pod_owner", "")]
    return " + ".join(f"count({chosen.raw(name, matchers)})" for name, matchers in parts)


def seen(server: Server, expression: str, span: Span, told: Told | None) -> dict[int, float]:
    """Values of an expression at the whole hours of a span, and at its end."""
    grid = Span(-(-span.start // HOUR) * HOUR, span.end // HOUR * HOUR + HOUR, HOUR, lookback=LOOKBACK)
    spans = [grid] * bool(grid.points > 0)
    if span.end % HOUR:
        spans.append(Span(span.end, span.end + span.step, span.step, lookback=LOOKBACK))
    answers = (series for each in spans for series in query_range(server, expression, each, told))
    return {at: value for series in answers for at, value in series.samples}


def _reason(best: str, days: dict[str, float]) -> str:
    if best == RAW:
        recorded = f"hold {days[RULES]:.1f} days" if days[RULES] else "are not there"
        return f"they hold {days[RAW]:.1f} days, the recorded ones {recorded}"
    return f"they hold {days[RULES]:.1f} days, the raw ones {days[RAW]:.1f}"


def nothing(server: Server, chosen: Selection, at: int) -> str:
    """Why there may be no usage at all, and what to look at."""
    owners = query(server, "count by (namespace, exported_namespace) (kube_pod_owner)", at)
    if not owners:
        return (
            "Prometheus has no series kube_pod_owner: is kube-state-metrics scraped, and is this its Prometheus? "
            "Look at its targets, or ask `python -m predictive_scaling doctor`"
        )
    places = sorted(
        {each.labels.get("exported_namespace") or each.labels.get("namespace", "") for each in owners}
    )
    if chosen.namespace and chosen.namespace not in places:
        near = get_close_matches(chosen.namespace, places, 1)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(places[:8])}"
        return f"no pod of namespace {chosen.namespace!r} is known; {hint}"
    if not query(server, f"count({CPU})", at):
        return (
            "Prometheus has no container_cpu_usage_seconds_total: is the kubelet's /metrics/cadvisor scraped?"
        )
    return (
        "pods are known, and no usage of a Deployment, StatefulSet, DaemonSet or Rollout in this span; look at the "
        "recording rules' state in Prometheus, or ask `python -m predictive_scaling doctor`"
    )
