"""`doctor`: what a Prometheus has of a namespace, and what to do about what it lacks."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace

from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server
from predictive_scaling.commands.command import Command
from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.examination import document, examined, text
from predictive_scaling.doctor.finding import Level
from predictive_scaling.usage.prometheus import ROLE
from predictive_scaling.usage.validation import require_service_name

LESSON = """\
  kubectl -n monitoring port-forward svc/kube-prometheus-stack-prometheus 9090 &
  python -m predictive_scaling doctor --url http://localhost:9090 --namespace shop

Looks at how the namespace's series are scraped (honor_labels, twice, no container rows), how far back they reach and
what that is enough for, the recording rules, services without usage, names in two namespaces or kinds, the
Pushgateway's labels and the clock. It asks and changes nothing.

Exit codes: 0 no problem · 1 a problem, with what to do · 2 bad usage · 4 Prometheus did not answer.
A token is read from PREDICTIVE_SCALING_PROMETHEUS_TOKEN, as by `fetch`."""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--url", default="", help="Prometheus, such as http://localhost:9090")
    parser.add_argument("--namespace", default="", help="the namespace that a run reads")
    parser.add_argument(
        "--matcher",
        action="append",
        default=[],
        metavar="LABEL=VALUE",
        help="look at series with this label alone, such as cluster=one",
    )
    parser.add_argument("--now", default="", help="instant to look at, such as 2026-11-23T04:00:00Z")
    parser.add_argument("--json", action="store_true", help="for machines: predictive-scaling-doctor/v1")


def _run(found: Namespace) -> int:
    place = _place(found)
    findings = examined(place, time.time())
    say(pretty_bytes(document(place, findings)).decode().rstrip() if found.json else text(findings))
    return 1 if any(each.level is Level.PROBLEM for each in findings) else 0


def _place(found: Namespace) -> Place:
    url, namespace = found.url or setting("PROMETHEUS_URL"), found.namespace or setting("NAMESPACE")
    if not url:
        raise InputError("no Prometheus is named: give --url, or set PREDICTIVE_SCALING_PROMETHEUS_URL")
    if not namespace:
        raise InputError("no namespace is named: give --namespace, or set PREDICTIVE_SCALING_NAMESPACE")
    at = int(parse_instant(found.now).timestamp()) if found.now else 0
    return Place(Server(ROLE, url), require_service_name(namespace), dict(map(_pair, found.matcher)), at)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.replace("_", "a").isalnum() or not name.isascii() or name[0].isdigit():
        raise InputError(f"--matcher {text!r}: write LABEL=VALUE, such as cluster=one")
    return name, value


DOCTOR = Command("doctor", "Look at what Prometheus has of a namespace", _arguments, _run, LESSON)
