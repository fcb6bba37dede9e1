"""Recommendations, manifests and work trees for what is proposed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import pretty_bytes

MIB = 2**20
RUN = "20260120T000000Z-run-1"


def service(name, replicas=3, memory=300, **more):
    """An entry of a recommendation; memory in MiB."""
    cpu = (
        {"source": "none"}
        if replicas is None
        else {"blocks": [{"min_replicas": replicas}, {"min_replicas": replicas + 2}]}
    )
    entry = {"source": "none"} if memory is None else {"request": memory * MIB}
    return {"service": name, "cpu": cpu, "memory": entry, **more}


def document(*services, namespace="shop", at="2026-01-20T00:00:00Z", run="run-1"):
    """A recommendation."""
    made = {"schema": "predictive-scaling/v1", "run_id": run, "generated_at": at, "services": list(services)}
    return made | ({"namespace": namespace} if namespace else {})


def workload(name="checkout", kind="Deployment", containers=None, namespace="", spec=None, **template):
    """A workload; `containers` by name: their resources."""
    listed = [
        {"name": each, "image": "registry.example.com/it:1", "resources": resources}
        for each, resources in (containers or {"app": {}}).items()
    ]
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": listed, **template}}
    body = {"selector": {"matchLabels": labels}, "template": pod, **(spec or {})}
    if kind == "StatefulSet":
        body["serviceName"] = name
    return _made("apps/v1", kind, name, namespace, body)


def hpa(
    name="checkout", of="checkout", least=1, most=20, namespace="", api="autoscaling/v2", kind="Deployment"
):
    """A HorizontalPodAutoscaler."""
    target = {"apiVersion": "apps/v1", "kind": kind, "name": of}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    return _made(api, "HorizontalPodAutoscaler", name, namespace, spec)


def scaled_object(name="checkout", of="checkout", least=1, most=20, namespace=""):
    """KEDA's ScaledObject."""
    spec = {"scaleTargetRef": {"name": of}, "minReplicaCount": least, "maxReplicaCount": most, "triggers": []}
    return _made("keda.sh/v1alpha1", "ScaledObject", name, namespace, spec)


def vpa(name="checkout", of="checkout", policies=None, mode="InPlaceOrRecreate", namespace=""):
    """A VerticalPodAutoscaler."""
    spec = {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": of}}
    spec["updatePolicy"] = {"updateMode": mode}
    if policies is not None:
        spec["resourcePolicy"] = {"containerPolicies": policies}
    return _made("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", name, namespace, spec)


def bound(kind, name, spec, namespace="shop"):
    """A LimitRange or a ResourceQuota."""
    return _made("v1", kind, name, namespace, spec)


def node(name, memory, labels=None, *, closed=False):
    """A Node."""
    made = _made("v1", "Node", name, "", {"unschedulable": closed})
    made["metadata"]["labels"] = labels or {}
    return made | {"status": {"allocatable": {"memory": memory}}}


def _made(api, kind, name, namespace, spec):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def requests(memory=None, limit=None, cpu=None):
    """Resources of a container."""
    asked = {key: value for key, value in (("memory", memory), ("cpu", cpu)) if value}
    found = {"requests": asked} if asked else {}
    return found | ({"limits": {"memory": limit}} if limit else {})


@dataclass
class Repository:
    """A GitOps repository: base/, overlay/ with its namespace, and floors/ laid where `laid` says."""

    root: Path
    place: Path | None = None
    said: str = ""
    told: str = ""
    code: int = 0

    @property
    def tree(self) -> Path:
        return self.place or self.root / "overlay" / "floors"

    def write(self, base, overlay=None, *, components=True):
        """Write base and overlay; the overlay sets what is given, such as {"namespace": "shop"}."""
        (self.root / "base").mkdir(parents=True, exist_ok=True)
        (self.root / "base" / "all.yaml").write_text(yaml.safe_dump_all(base, sort_keys=False))
        (self.root / "base" / "kustomization.yaml").write_text("resources: [all.yaml]\n")
        (self.root / "overlay").mkdir(exist_ok=True)
        made = {"resources": ["../base"], **(overlay or {})}
        (self.root / "overlay" / "plain.yaml").write_text(yaml.safe_dump(made))
        if components:
            made["components"] = ["floors"]
        (self.root / "overlay" / "kustomization.yaml").write_text(yaml.safe_dump(made))

    def propose(self, capsys, recommendation, rendered, *more):
        """Run the command over rendered objects."""
        (self.root / "r.json").write_bytes(pretty_bytes(recommendation))
        text = rendered if isinstance(rendered, str) else yaml.safe_dump_all(rendered, sort_keys=False)
        (self.root / "rendered.yaml").write_text(text)
        arguments = [
            "--recommendation",
            str(self.root / "r.json"),
            "--over",
            str(self.root / "rendered.yaml"),
        ]
        self.code = main(["propose", *arguments, "--into", str(self.tree), *more])
        found = capsys.readouterr()
        self.said, self.told = found.out, found.err.replace(f"{self.root}/", "")
        return self.code

    def put(self, path, text):
        """Write a file of the tree."""
        target = self.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def text(self, path):
        """A file of the tree."""
        return (self.tree / path).read_bytes().decode()

    def files(self):
        """Every file of the tree."""
        return {
            each.relative_to(self.tree).as_posix(): each.read_bytes().decode()
            for each in sorted(self.tree.rglob("*")) if each.is_file()
        }  # fmt: skip


def container_requests(thing):
    """Memory requests by container."""
    listed = thing["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("resources", {}).get("requests", {}).get("memory") for each in listed}


def of_kind(built, kind, name=None, namespace=None):
    """The one object of this kind."""
    found = [
        each for each in built
        if each["kind"] == kind and name in {None, each["metadata"]["name"]}
        and namespace in {None, each["metadata"].get("namespace")}
    ]  # fmt: skip
    assert len(found) == 1, [each["metadata"] for each in found]
    return found[0]
