"""KFP wrapper of the step `fetch_usage`."""
# ruff: noqa: PLR0913, PLR0917, B006, UP006, UP035 -- the component's interface; KFP reads Dict and its default

from typing import Dict, List, NamedTuple

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def fetch_usage(
    data: Output[Dataset],
    shapes: Output[Artifact],
    prometheus_url: str = "",
    namespace: str = "",
    source: str = "auto",
    selector: str = "",
    services: dict = {},
    cpu_query: str = "",
    memory_query: str = "",
    other_queries: Dict[str, str] = {},
    service_label: str = "service",
    days: int = 28,
    step: str = "5min",
    chunk_hours: int = 24,
    registry: str = "",
    run_id: str = "",
    now_override: str = "",
    keep_usage: str = "",
    load: dict = {},
) -> NamedTuple("Outputs", [("rows", int), ("services", List[str])]):
    """Read CPU and memory usage of a namespace's services from Prometheus by range queries.

    Usage comes from recorded series (docs/prometheus/recording-rules.yaml), or from cAdvisor's and kube-state-metrics'
    own where those reach back further. A run that finds none fails. A token or password is taken from the environment
    or a mounted secret; see predictive_scaling.settings.

    Args:
        prometheus_url: Address such as http://prometheus:9090; empty means the environment's.
        namespace: Namespace of the services; empty means the environment's.
        source: auto, or rules or raw for recorded or raw series alone.
        selector: More label matchers, such as cluster="east" where one Prometheus sees several.
        services: What people say of services, such as {web: {kind: Deployment, container: app}}.
        cpu_query: PromQL that gives cores, one series per service, instead.
        memory_query: PromQL that gives bytes, one series per service, instead.
        other_queries: More columns: cpu_max, memory_max, replicas, and cpu or memory with _request or _limit.
        service_label: Label that names the service in series of such PromQL.
        days: Days of history up to now, 1-92.
        step: Distance of samples; from 10min on their means and maxima.
        chunk_hours: Hours that one query asks for.
        registry: s3://bucket/prefix or a folder; a task that is tried again finds there what it has fetched.
        run_id: Identity of the run; fetched chunks are kept under tmp/<run_id>/ until it is cleaned up.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.
        keep_usage: extend to ask only for what is new since the last run, whose usage is kept in the registry; renew to
            ask for everything and keep it; empty keeps nothing. What is had is the same.
        load: PromQL that gives the load, such as {expression: 'sum by (namespace, service)
            (rate(http_requests_total[5m]))'}; kind is requests or queue, label names the service, and services give
            expressions of their own.

    Returns:
        data: timestamp, service, cpu, memory and the other columns; gzipped CSV. Gaps stay gaps.
        shapes: What the services are: kind, containers, requests, autoscaler. For publishing and falling back.
        rows: Number of rows.
        services: Names of the services.
    """
    from predictive_scaling import tasks as steps
    from predictive_scaling.usage_fetch import UsageQuery

    query = UsageQuery(
        cpu_query,
        memory_query,
        other_queries,
        service_label,
        days,
        step,
        chunk_hours,
        namespace,
        source,
        selector,
        services,
        load,
    )
    return steps.fetch_usage(
        data.path,
        prometheus_url,
        query,
        registry,
        run_id,
        now_override,
        shapes=shapes.path,
        keep_usage=keep_usage,
    )
