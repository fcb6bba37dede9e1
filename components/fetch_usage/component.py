"""KFP wrapper of the step `fetch_usage`."""
# ruff: noqa: PLR0913, PLR0917, B006, UP006, UP035 -- the component's interface; KFP reads Dict and its default

from typing import Dict, List, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def fetch_usage(
    data: Output[Dataset],
    prometheus_url: str = "",
    cpu_query: str = "predictive_scaling:cpu_cores:rate5m",
    memory_query: str = "predictive_scaling:memory_bytes:working_set",
    other_queries: Dict[str, str] = {},
    service_label: str = "service",
    days: int = 28,
    step: str = "5min",
    chunk_hours: int = 24,
    registry: str = "",
    run_id: str = "",
    now_override: str = "",
) -> NamedTuple("Outputs", [("rows", int), ("services", List[str])]):
    """Read CPU and memory usage of services from Prometheus by range queries.

    A token or password is taken from the environment or a mounted secret; see predictive_scaling.settings.

    Args:
        prometheus_url: Address such as http://prometheus:9090; empty means the environment's.
        cpu_query: PromQL that gives cores, one series per service; the default is a shipped recording rule.
        memory_query: PromQL that gives bytes, one series per service; the default is a shipped recording rule.
        other_queries: More columns: cpu_max, memory_max, cpu_limit, memory_limit, cpu_request, memory_request.
        service_label: Label that names the service.
        days: Days of history up to now, 1-92.
        step: Distance of samples.
        chunk_hours: Hours that one query asks for.
        registry: s3://bucket/prefix or a folder; a task that is tried again finds there what it has fetched.
        run_id: Identity of the run; fetched chunks are kept under tmp/<run_id>/ until it is cleaned up.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.

    Returns:
        data: timestamp, service, cpu, memory and the other columns; gzipped CSV. Gaps stay gaps.
        rows: Number of rows; 0 is for validate_data to refuse.
        services: Names of the services.
    """
    from predictive_scaling import tasks as steps
    from predictive_scaling.usage_fetch import UsageQuery

    query = UsageQuery(cpu_query, memory_query, other_queries, service_label, days, step, chunk_hours)
    return steps.fetch_usage(data.path, prometheus_url, query, registry, run_id, now_override)
