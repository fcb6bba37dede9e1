"""`fetch`: usage from Prometheus into a file, by hand."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from predictive_scaling import steps
from predictive_scaling.base.errors import InputError
from predictive_scaling.commands.command import Command
from predictive_scaling.usage.fetch import OPTIONAL_COLUMNS, UsageQuery

LESSON = """\
Each query must give one series per service, in cores and in bytes. Without the recording rules of
docs/prometheus/recording-rules.yaml, name expressions of your own, such as

  --cpu-query 'sum by (container) (rate(container_cpu_usage_seconds_total{namespace="shop", container!=""}[5m]))'
  --memory-query 'sum by (container) (container_memory_working_set_bytes{namespace="shop", container!=""})'
  --service-label container

A token is read from PREDICTIVE_SCALING_PROMETHEUS_TOKEN, or from the file that
PREDICTIVE_SCALING_PROMETHEUS_TOKEN_FILE names; certificates to trust from PREDICTIVE_SCALING_CA_FILE.
With --resume, a fetch that was interrupted goes on where it ended."""


def _arguments(parser: ArgumentParser) -> None:
    query = UsageQuery()
    parser.add_argument("--url", default="", help="Prometheus, such as http://localhost:9090")
    parser.add_argument("--output", required=True, help="usage CSV, gzipped")
    parser.add_argument("--cpu-query", default=query.cpu, help="PromQL in cores (default %(default)s)")
    parser.add_argument("--memory-query", default=query.memory, help="PromQL in bytes (default %(default)s)")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=PROMQL",
        help=f"more: {', '.join(OPTIONAL_COLUMNS)}",
    )
    parser.add_argument("--service-label", default=query.service_label, help="default %(default)s")
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
    )
    loaded = steps.fetch_usage(found.output, found.url, query, found.resume, "by-hand", found.now)
    return 0 if loaded.rows else 1


def _column(text: str) -> tuple[str, str]:
    name, equals, expression = text.partition("=")
    if not equals:
        raise InputError(f"--column {text!r}: write NAME=PROMQL")
    return name, expression


FETCH = Command("fetch", "Read usage from Prometheus", _arguments, _run, LESSON)
