"""`fetch`: usage from Prometheus into a file, by hand."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from predictive_scaling import steps
from predictive_scaling.base.console import complain
from predictive_scaling.base.errors import InputError
from predictive_scaling.commands.command import Command
from predictive_scaling.steps.fetching import NoUsageError
from predictive_scaling.usage.checks import LOADS
from predictive_scaling.usage.choosing import SOURCES
from predictive_scaling.usage.columns import OPTIONAL_COLUMNS
from predictive_scaling.usage.fetch import UsageQuery

LESSON = """\
  python -m predictive_scaling fetch --url http://localhost:9090 --namespace shop --days 35 \\
    --output usage.csv.gz --shapes shapes.json

Then `validate`, and `recommend --shapes shapes.json`.

Usage of one namespace is read from the series that docs/prometheus/recording-rules.yaml records, or, where those reach
back less far or are not there, from cAdvisor's and kube-state-metrics' own. Expressions of your own serve as well; each
must give one series per service, in cores and in bytes:

  --cpu-query 'sum by (container) (rate(container_cpu_usage_seconds_total{namespace="shop", container!=""}[5m]))'
  --memory-query 'max by (container) (container_memory_working_set_bytes{namespace="shop", container!=""})'
  --service-label container

Requests a second are read beside them, as the load that is forecast:

  --load-query 'sum by (namespace, service) (rate(http_requests_total[5m]))'

A token is read from PREDICTIVE_SCALING_PROMETHEUS_TOKEN, or from the file that
PREDICTIVE_SCALING_PROMETHEUS_TOKEN_FILE names; certificates to trust from PREDICTIVE_SCALING_CA_FILE.
With --resume, a fetch that was interrupted goes on where it ended. Exit 1: there is no usage, and why that may be."""


def _arguments(parser: ArgumentParser) -> None:
    query = UsageQuery()
    parser.add_argument("--url", default="", help="Prometheus, such as http://localhost:9090")
    parser.add_argument("--output", required=True, help="usage CSV, gzipped")
    parser.add_argument("--shapes", default="", metavar="FILE.json", help="write here what the services are")
    parser.add_argument("--namespace", default=query.namespace, help="default: PREDICTIVE_SCALING_NAMESPACE")
    parser.add_argument(
        "--source",
        default=query.source,
        choices=SOURCES,
        help="recorded or raw series; auto: what reaches back further (default)",
    )
    parser.add_argument(
        "--selector", default=query.selector, help="more label matchers, such as 'cluster=\"east\"'"
    )
    parser.add_argument("--cpu-query", default=query.cpu, help="PromQL in cores instead")
    parser.add_argument("--memory-query", default=query.memory, help="PromQL in bytes instead")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=PROMQL",
        help=f"more: {', '.join(OPTIONAL_COLUMNS)}",
    )
    parser.add_argument(
        "--load-query", default="", metavar="PROMQL", help="requests a second by service, or a queue's length"
    )
    parser.add_argument("--load-kind", default=LOADS[0], choices=LOADS, help="which (default %(default)s)")
    parser.add_argument("--load-label", default="service", help="the label that names the service in it")
    parser.add_argument(
        "--service-label", default=query.service_label, help="of queries of your own (default %(default)s)"
    )
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="NAME=KIND[/CONTAINER]",
        help="which of two workloads of one name, or which container memory is of",
    )
    parser.add_argument("--days", type=int, default=query.days, help="default %(default)s")
    parser.add_argument("--step", default=query.step, help="default %(default)s")
    parser.add_argument("--chunk-hours", type=int, default=query.chunk_hours, help="hours asked for at once")
    parser.add_argument(
        "--resume", default="", metavar="FOLDER", help="keep chunks here, and go on from them"
    )
    parser.add_argument("--now", default="", help="instant to treat as now, such as 2026-11-23T04:00:00Z")


def _run(found: Namespace) -> int:
    query = UsageQuery(
        found.cpu_query,
        found.memory_query,
        dict(map(_column, found.column)),
        found.service_label,
        found.days,
        found.step,
        found.chunk_hours,
        found.namespace,
        found.source,
        found.selector,
        dict(map(_service, found.service)),
        _load(found),
    )
    try:
        steps.fetch_usage(
            found.output, found.url, query, found.resume, "by-hand", found.now, shapes=found.shapes
        )
    except NoUsageError as error:
        complain(f"error: {error}")
        return 1
    return 0


def _load(found: Namespace) -> dict[str, str]:
    if not found.load_query:
        return {}
    return {"expression": found.load_query, "kind": found.load_kind, "label": found.load_label}


def _column(text: str) -> tuple[str, str]:
    name, equals, expression = text.partition("=")
    if not equals:
        raise InputError(f"--column {text!r}: write NAME=PROMQL")
    return name, expression


def _service(text: str) -> tuple[str, dict[str, str]]:
    name, equals, meant = text.partition("=")
    kind, _, container = meant.partition("/")
    if not equals or not meant:
        raise InputError(f"--service {text!r}: write NAME=KIND, NAME=KIND/CONTAINER or NAME=/CONTAINER")
    return name, {"kind": kind, "container": container}


FETCH = Command("fetch", "Read usage from Prometheus", _arguments, _run, LESSON)
