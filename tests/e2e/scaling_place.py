"""Where floors are tried: two namespaces of a cluster, what runs there, and what Prometheus has of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kube import Document, Failed, Namespace, apply, tell, until

SERVICE = "checkout"
MOST = 24
# Few enough to be what cpu alone asks for: it goes down by steps of five minutes, of which the first is waited for.
IDLE = 8
SETTLED_SECONDS = 45


@dataclass(frozen=True)
class Place:
    """An environment: its namespace, and what its pods reach Prometheus by."""

    environment: str

    @property
    def namespace(self) -> Namespace:
        return Namespace(f"kfp-scaling-e2e-{self.environment}")

    @property
    def prometheus(self) -> str:
        """By a Service of its own, so that Prometheus can be taken away from it alone."""
        return f"http://metrics.{self.namespace.name}.svc:9090"

    def replicas(self) -> int:
        """What the autoscaler asks for."""
        return int(self.namespace.read("get", "deployment", SERVICE)["spec"].get("replicas", 1))

    def ready(self) -> int:
        return int(self.namespace.read("get", "deployment", SERVICE)["status"].get("readyReplicas", 0))


DEV, PROD = Place("dev"), Place("prod")


def setting(name: str, default: str = "") -> str:
    found = os.environ.get(name, default)
    if not found:
        raise Failed(f"{name} is not set; see --help")
    return found


def product(*arguments: str, place: Place | None = None, codes: tuple[int, ...] = (0,)) -> str:
    """`python -m predictive_scaling …` as a person runs it; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "predictive_scaling", *arguments],
        env=environment_of(place),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in codes:
        raise Failed(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def asked(query: str) -> list[Document]:
    """What Prometheus answers to an instant query."""
    address = f"{setting('PROMETHEUS_URL')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: list[Document] = json.load(answer)["data"]["result"]
    return found


def alerts() -> dict[tuple[str, str], str]:
    """Name and environment of each alert whose expression holds → pending, or firing."""
    return {
        (each["metric"]["alertname"], each["metric"].get("environment", "")): each["metric"]["alertstate"]
        for each in asked("ALERTS")
    }


def workload(place: Place) -> list[Document]:
    """A Deployment that idles, without `replicas:`, as docs say; and the Service by which Prometheus is reached."""
    labels = {"app": SERVICE}
    busy = "while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 1; done"
    container = {
        "name": "app",
        "image": os.environ.get("IMAGE", "localhost/busybox:1"),
        "command": ["sh", "-c", busy],
        "resources": {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    metadata = {"name": SERVICE, "namespace": place.namespace.name}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "metrics", "namespace": place.namespace.name},
            "spec": {"ports": [{"port": 9090}]},
        },
    ]


class Way:
    """Prometheus as an environment's pods reach it: through a process that can be ended."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.process: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Hand on what comes to the Service `metrics`."""
        url = urllib.parse.urlsplit(setting("PROMETHEUS_URL"))
        here = setting("NODE_ADDRESS", str(url.hostname))
        command = [
            sys.executable,
            str(Path(__file__).parent / "forwarder.py"),
            here,
            str(url.hostname),
            str(url.port),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        port = int(self.process.stdout.readline())
        metadata = {
            "name": "metrics-1",
            "namespace": self.place.namespace.name,
            "labels": {"kubernetes.io/service-name": "metrics"},
        }
        endpoints = {
            "endpoints": [{"addresses": [here], "conditions": {"ready": True}}],
            "ports": [{"port": port}],
        }
        kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4"}
        apply([{**kind, "metadata": metadata, **endpoints}])

    def close(self) -> None:
        """Prometheus is gone to this environment, connections that are there too."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def document(place: Place, floors: Callable[[datetime], int], lead: int, *, ended: bool = False) -> Document:
    """A recommendation of the next 24 hours; the floors are of each hour, the lead in minutes."""
    now = datetime.now(UTC).replace(microsecond=0)
    first = now.replace(minute=0, second=0)
    hours = [first + timedelta(hours=at) for at in range(24)]
    wanted = {hour: floors(hour) for hour in hours}
    cpu = {
        "unit": "cores",
        "source": "fallback",
        "reason": "of the end-to-end test",
        "request": 1.0,
        "p90": 1.0,
        "max_replicas": MOST,
        "replica_cores": 0.02,
        "floors": [
            {"start": stamp(hour), "replicas": min(MOST, wanted[hour]), "wanted": wanted[hour]}
            for hour in hours
        ],
        "min_replicas": min(MOST, max(wanted.values())),
    }
    return {
        "schema": "predictive-scaling/v1",
        "run_id": "e2e",
        "environment": place.environment,
        "namespace": place.namespace.name,
        "generated_at": stamp(now),
        "valid_until": stamp(now - timedelta(seconds=1) if ended else first + timedelta(hours=36)),
        "granularity": "1h",
        "horizon_hours": 24,
        "lead_minutes": lead,
        "services": [
            {
                "service": SERVICE,
                "cpu": cpu,
                "memory": {"unit": "bytes", "source": "none", "reason": "of the end-to-end test"},
            }
        ],
    }


def pushed(place: Place, recommendation: Document) -> None:
    """As a run with the mode publish does it."""
    code = (
        "import json, sys\nfrom predictive_scaling.tell.pushing import deliver\n"
        "deliver(json.load(sys.stdin), with_floors=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(recommendation), env=environment_of(place), text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"the floors were not pushed: {done.stderr}")


def environment_of(place: Place | None) -> dict[str, str]:
    """The settings of a run there."""
    found = {**os.environ, "PREDICTIVE_SCALING_PUSHGATEWAY_URL": setting("PUSHGATEWAY_URL")}
    if place is None:
        return found
    names = {"ENVIRONMENT": place.environment, "NAMESPACE": place.namespace.name}
    return found | {f"PREDICTIVE_SCALING_{name}": value for name, value in names.items()}


def stamp(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def step(text: str) -> None:
    tell(f"\n== {text}")


def settles(place: Place, wanted: int, seconds: float = 180) -> None:
    """The autoscaler asks for just so many, all are ready, and it stays so for a while."""
    begin = time.monotonic()
    until(f"{wanted} replicas in {place.environment}", lambda: place.replicas() == wanted, seconds)
    asked_for = time.monotonic() - begin
    until(f"{wanted} ready in {place.environment}", lambda: place.ready() == wanted, 600)
    ready = time.monotonic() - begin
    end = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < end:
        if (found := place.replicas()) != wanted:
            raise Failed(f"{place.environment}: {wanted} replicas became {found}")
        time.sleep(3)
    tell(
        f"{place.environment}: {wanted} replicas, asked for after {asked_for:.0f} s, "
        f"ready after {ready:.0f} s, and stays"
    )
