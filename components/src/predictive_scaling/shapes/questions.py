"""What is asked of Prometheus about the shapes of a namespace's services: PromQL over the series as they are scraped.

Each holds whether kube-state-metrics is scraped with honor_labels or without (then the cluster's own labels are
`exported_…` and the plain ones are the scraper's), once or by two jobs, cAdvisor with /metrics/resource beside it or
not: seen on Kubernetes 1.37 with kube-state-metrics 2.19, by kube-prometheus-stack, the chart prometheus, Prometheus'
own example and kube-prometheus. The past is asked for by the day, for a server bounds the samples of one query.
"""

from __future__ import annotations

_IDENTITY = ("namespace", "pod", "container")
_KEYS = ", ".join(f"{prefix}{name}" for name in _IDENTITY for prefix in ("", "exported_"))
_RUNS = 'container!="", container!="POD"'
# Of an hour's 36,000 CFS periods of 100 ms: fewer say more of a start than of an hour.
MIN_PERIODS = 360


def present(metric: str, namespace: str, more: str = "") -> str:
    """The rows of a namespace as they are now; `more` are matchers after a comma."""
    return _either(f"{metric}{{NAMESPACE{more}}}", namespace)


def of_day(metric: str, namespace: str, day: int, more: str = "") -> str:
    """The last value that each row had within a day; 0 is the 24 hours that end now."""
    return _either(f"last_over_time({metric}{{NAMESPACE{more}}}[1d]{_offset(day)})", namespace)


def memory(namespace: str, day: int) -> str:
    """Highest working set of each pod's container within a day, bytes."""
    chosen = f"container_memory_working_set_bytes{{NAMESPACE, {_RUNS}}}"
    return _either(f"max by ({_KEYS}) (max_over_time({chosen}[1d]{_offset(day)}))", namespace)


def cpu(namespace: str, day: int) -> str:
    """Highest five minutes of each pod's container within a day, cores."""
    rate = f"rate(container_cpu_usage_seconds_total{{NAMESPACE, {_RUNS}}}[5m])"
    return _either(f"max by ({_KEYS}) (max_over_time({rate}[1d:5m]{_offset(day)}))", namespace)


def throttled(namespace: str, day: int) -> str:
    """Share of CFS periods in which each pod's container was throttled, in the worst hour of a day, 0–1.

    There are such series only for containers with a CPU limit.
    """
    parts = [
        f"sum by ({_KEYS}) (increase(container_cpu_cfs_{each}_total{{NAMESPACE, {_RUNS}}}[1h]))"
        for each in ("throttled_periods", "periods")
    ]
    return _either(
        f"max_over_time(({parts[0]} / ({parts[1]} > {MIN_PERIODS}))[1d:15m]{_offset(day)})", namespace
    )


def oom_kills(namespace: str, day: int) -> str:
    """Restarts of each pod's container within a day whose last end was OOMKilled.

    container_oom_events_total dies with the container, so its increase never shows. The windows overlap by a minute:
    a restart between the last sample of one and the first of the next would be in neither.
    """
    return _either(f"sum_over_time(({_KILLED})[1d:10m]{_offset(day)})", namespace)


def oom_limits(namespace: str, day: int) -> str:
    """Highest memory limit, bytes, that each pod's container had when it was killed so within a day."""
    limits = 'max by (KEYS) (kube_pod_container_resource_limits{NAMESPACE, resource="memory"})'
    return _either(
        f"max_over_time(({limits.replace('KEYS', _KEYS)} and {_KILLED})[1d:10m]{_offset(day)})", namespace
    )


_KILLED = (
    f"(max by ({_KEYS}) (increase(kube_pod_container_status_restarts_total{{NAMESPACE}}[11m])) > 0"
    f' and max by ({_KEYS}) (kube_pod_container_status_last_terminated_reason{{NAMESPACE, reason="OOMKilled"}}) == 1)'
)


def _offset(day: int) -> str:
    return f" offset {day}d" if day else ""


def _either(expression: str, namespace: str) -> str:
    """With the cluster's labels behind `exported_`, or plain; never the scraper's own namespace for the cluster's."""
    ways = f'exported_namespace="{namespace}"', f'namespace="{namespace}", exported_namespace=""'
    return " or ".join(expression.replace("NAMESPACE", way) for way in ways)
