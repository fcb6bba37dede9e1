"""Consumers as the command line writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from predictive_scaling.__main__ import main
from pytest import CaptureFixture

PLACE = ("--environment", "prod", "--namespace", "shop", "--prometheus", "http://prometheus.monitoring:9090")
APP = {"name": "app", "image": "shop/app:1", "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}}}


@dataclass(frozen=True)
class Written:
    """Exit code, what was said, and the files by path."""

    code: int
    out: str
    err: str
    files: Mapping[str, Any]


def workload(name: str = "checkout", kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    """A workload of one container; `replicas`, `containers`, `init` and `namespace` where given."""
    pod = {"containers": more.get("containers", [APP]), "initContainers": more.get("init", [])}
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
    }
    replicas = {"replicas": more["replicas"]} if "replicas" in more else {}
    api = "argoproj.io/v1alpha1" if kind == "Rollout" else "apps/v1"
    metadata = {"name": name, "namespace": more.get("namespace", "shop")}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {**replicas, **spec}}


def hpa(name: str = "checkout", of: str = "checkout", version: str = "v2", **more: Any) -> dict[str, Any]:
    """An HPA from 3 to 20, by cpu at 60 %."""
    metrics = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
        }
    ]
    spec: dict[str, Any] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": more.pop("kind", "Deployment"), "name": of},
        "minReplicas": 3,
        "maxReplicas": 20,
    }
    spec |= {"metrics": metrics} if version == "v2" else {"targetCPUUtilizationPercentage": 60}
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {key: value for key, value in {**spec, **more}.items() if value is not None},
    }


def scaled_object(name: str = "checkout", of: str = "checkout", **more: Any) -> dict[str, Any]:
    """A ScaledObject from 2 to 12, by cpu and by a queue."""
    spec = {
        "scaleTargetRef": {"name": of},
        "minReplicaCount": 2,
        "maxReplicaCount": 12,
        "triggers": [
            {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "55"}},
            {"type": "kafka", "metadata": {"topic": "orders", "lagThreshold": "50"}},
        ],
    }
    metadata = {"name": name, "namespace": "shop"}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata,
        "spec": {**spec, **more},
    }


class Consumers:
    """`consumers` over a tree, in a folder of its own."""

    def __init__(self, folder: Path, capsys: CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.output = folder / "floors"

    def __call__(
        self, kind: str, *objects: Mapping[str, Any], services: Any = None, more: tuple[str, ...] = ()
    ) -> Written:
        words = ["consumers", "--kind", kind, *PLACE, "--output", str(self.output), *more]
        if objects:
            (self.folder / "rendered.yaml").write_text(yaml.safe_dump_all(objects))
            words += ["--over", str(self.folder / "rendered.yaml")]
        if services is not None:
            (self.folder / "services.yaml").write_text(yaml.safe_dump({"services": services}))
            words += ["--services", str(self.folder / "services.yaml")]
        code = main(words)
        said = self.capsys.readouterr()
        files = {path.name: yaml.safe_load(path.read_text()) for path in sorted(self.output.glob("*.yaml"))}
        return Written(code, said.out, said.err, files)


def floor_trigger(scaled: Mapping[str, Any]) -> dict[str, Any]:
    """The floor's trigger of a ScaledObject."""
    (found,) = (each for each in scaled["spec"]["triggers"] if each["type"] == "prometheus")
    return dict(found)
