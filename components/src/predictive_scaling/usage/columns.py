"""The columns of the usage table, and the PromQL that gives each: recorded series, the raw ones, or what was given.

A value is of its step: it is asked for at the step's end, and its row names the step's beginning. In steps of ten
minutes and more it is the mean, or the maximum, over all of the step, never a sample of it: what is recorded or
worked out is looked at every five minutes, raw series with all their samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from predictive_scaling.usage import expressions
from predictive_scaling.usage.checks import DEPLOYED, LOADS
from predictive_scaling.usage.expressions import RATE_SECONDS, Selection

RULES, RAW = "rules", "raw"
# Recorded by docs/prometheus/recording-rules.yaml.
CPU_QUERY = "predictive_scaling:cpu_cores:rate5m"
MEMORY_QUERY = "predictive_scaling:pod_memory_bytes:max"
REPLICAS_QUERY = "predictive_scaling:replicas:count"
AMOUNTS = {
    f"{resource}_{what[:-1]}": (what, resource) for resource in ("cpu", "memory") for what in ("requests", "limits")
}  # fmt: skip
OPTIONAL_COLUMNS = (
    "cpu_max",
    "memory_max",
    "replicas",
    "cpu_limit",
    "memory_limit",
    "cpu_request",
    "memory_request",
    *LOADS,
    DEPLOYED,
)
LONG_SECONDS = 2 * RATE_SECONDS
"""A step from which on a value must be made of many."""


@dataclass(frozen=True)
class Column:
    """What to ask for one column.

    `by_container`: a series for each container of a workload, of which the main one is taken. `at_end`: asked at the
    end of each step. `hourly`: asked once an hour, for it seldom changes. `resource` picks those series that have it as
    their label. `lookback` is how old a sample may be, in seconds. Series of another `namespace` are left out, where
    they have one; `service` is whose the series is, and `but` whose it is not, whatever its label says.
    """

    name: str
    expression: str
    label: str = "service"
    by_container: bool = False
    at_end: bool = False
    hourly: bool = False
    lookback: int | None = None
    resource: str = ""
    namespace: str = ""
    service: str = ""
    but: tuple[str, ...] = ()


def recorded(chosen: Selection, seconds: int) -> list[Column]:
    """Columns from recorded series, in steps of so many seconds."""
    cpu, memory, replicas = (chosen.recorded(name) for name in (CPU_QUERY, MEMORY_QUERY, REPLICAS_QUERY))
    window = f"[{seconds if seconds < LONG_SECONDS else seconds - 1}s]"
    columns = [
        _built("cpu", _mean(cpu, seconds)),
        _built("memory", f"avg_over_time({memory}{window})", by_container=True),
        _built("cpu_max", f"max_over_time({cpu}{window})"),
        _built("memory_max", f"max_over_time({memory}{window})", by_container=True),
        _built("replicas", f"avg_over_time({replicas}{window})"),
    ]
    return columns + _amounts(lambda what: chosen.recorded(f"predictive_scaling:container_{what}:max"))


def raw(chosen: Selection, seconds: int) -> list[Column]:
    """The same from raw series, each expression complete in itself."""
    window = max(seconds, RATE_SECONDS)
    columns = [
        _built("cpu", expressions.cores(chosen, window)),
        _built("memory", _mean(expressions.pod_memory(chosen), seconds), by_container=True),
        _built("memory_max", expressions.pod_memory(chosen, window), by_container=True),
        _built("replicas", _mean(expressions.replicas(chosen), seconds)),
    ]
    if seconds >= LONG_SECONDS:
        columns.insert(2, _built("cpu_max", over("max", expressions.cores(chosen), seconds)))
    return columns + _amounts(lambda what: expressions.amounts(chosen, what))


def _amounts(expression: Callable[[str], str]) -> list[Column]:
    return [
        replace(_built(name, expression(what), by_container=True), hourly=True, resource=resource)
        for name, (what, resource) in AMOUNTS.items()
    ]


def _built(name: str, expression: str, by_container: bool = False) -> Column:
    return Column(name, expression, by_container=by_container, at_end=True, lookback=RATE_SECONDS)


def _mean(expression: str, seconds: int) -> str:
    return expression if seconds < LONG_SECONDS else over("avg", expression, seconds)


def over(aggregate: str, expression: str, seconds: int) -> str:
    """Over every five minutes of the step. A second less, for before Prometheus 3 a range holds both of its ends."""
    return f"{aggregate}_over_time(({expression})[{seconds - 1}s:{RATE_SECONDS}s])"
