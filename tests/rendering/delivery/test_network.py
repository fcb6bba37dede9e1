"""Whom the pods reach, and what the AppProject permits: exactly what is delivered and asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import delivered
import pytest
import yaml
from delivered import ENVIRONMENTS, Object
from project import PROJECT, Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]


def _egress(objects: Iterable[Object], labels: dict[str, str]) -> set[str]:
    """`peer port` of all that the policies which select a pod let it reach."""
    found = set()
    for item in objects:
        if item["kind"] != "NetworkPolicy" or not (
            item["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
        ):
            continue
        for rule in item["spec"]["egress"]:
            for peer in rule["to"]:
                where = _peer(peer)
                found |= {f"{where} {port['protocol']} {port['port']}" for port in rule["ports"]}
    return found


def _peer(peer: Object) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
    labels = ",".join(f"{key}={value}" for key, value in peer["podSelector"]["matchLabels"].items())
    return f"{namespace}/{labels}"


DNS = {"kube-system/k8s-app=kube-dns UDP 53", "kube-system/k8s-app=kube-dns TCP 53"}
API = {"kubeflow/app=ml-pipeline TCP 8888"}
LEASE = {"0.0.0.0/0 TCP 443", "0.0.0.0/0 TCP 6443"}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_pods_reach_dns_and_kfp_and_only_those_that_lock_kubernetes(env: str) -> None:
    objects = delivered.of(env)
    for name, template in delivered.pods(objects):
        locks = not name.endswith("-drift")
        assert _egress(objects, template["metadata"]["labels"]) == DNS | API | (LEASE if locks else set())
    ingress = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
    assert any("Ingress" in spec["policyTypes"] and "ingress" not in spec for spec in ingress)
    host = urlsplit(
        yaml.safe_load((PROJECT / f"manifests/{env}/environment.yaml").read_text())["kfp"]["host"]
    )
    assert {f"{str(host.hostname).split('.')[1]}/app=ml-pipeline TCP {host.port}"} == API


def test_a_pushgateway_is_reached_where_one_is_set(repository: Path, command: Command) -> None:
    base = repository / "environments/base.yaml"
    gateway = (
        "  pushGateway:\n    url: http://push.monitoring.svc:9091\n    namespace: monitoring\n"
        "    podLabels: {app: pushgateway}\n    port: 9091\n"
    )
    base.write_text(base.read_text("utf-8").replace("pipelines:\n", gateway + "pipelines:\n", 1), "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    objects = kustomize_build(repository / "manifests/dev")
    for name, template in delivered.pods(tuple(objects)):
        reached = _egress(objects, template["metadata"]["labels"])
        assert "monitoring/app=pushgateway TCP 9091" in reached
        arguments = template["spec"]["containers"][0]["args"]
        assert "--push-gateway=http://push.monitoring.svc:9091" in arguments, name


def test_the_project_permits_exactly_what_is_delivered() -> None:
    (project,) = (item["spec"] for item in delivered.built(PROJECT) if item["kind"] == "AppProject")
    objects = [item for env in ENVIRONMENTS for item in delivered.of(env)]
    kinds = {(item["apiVersion"].rpartition("/")[0], item["kind"]) for item in objects}
    assert {(entry["group"], entry["kind"]) for entry in project["namespaceResourceWhitelist"]} == kinds
    assert project["clusterResourceWhitelist"] == []
    assert {entry["namespace"] for entry in project["destinations"]} == {
        item["metadata"]["namespace"] for item in objects
    }
    (applications,) = (item for item in delivered.built(PROJECT) if item["kind"] == "ApplicationSet")
    made = [delivered.application(applications, env)["spec"] for env in ENVIRONMENTS]
    assert project["sourceRepos"] == [made[0]["source"]["repoURL"]]
    assert {entry["server"] for entry in project["destinations"]} == {
        spec["destination"]["server"] for spec in made
    }


def _hosted(repository: Path, host: str, more: str = "") -> None:
    base = repository / "environments/base.yaml"
    text = re.sub(r"(  host: ).*", lambda found: found[1] + host, base.read_text("utf-8"), count=1)
    base.write_text(text.replace("pipelines:\n", f"{more}pipelines:\n", 1), "utf-8")


@pytest.mark.parametrize(
    ("host", "more", "reached"),
    [
        ("http://ml-pipeline.ml.svc.cluster.local:8888", "", "ml/app=ml-pipeline TCP 8888"),
        ("http://ml-pipeline.ml.svc:9999", "", "ml/app=ml-pipeline TCP 9999"),
        ("https://ml-pipeline.ml.svc", "", "ml/app=ml-pipeline TCP 443"),
        ("http://ml-pipeline:8888", "", "kubeflow/app=ml-pipeline TCP 8888"),
        (
            "http://gate.istio-system.svc",
            "  network: {kfp: {namespace: istio-system, podLabels: {a: b}, port: 8080}}\n",
            "istio-system/a=b TCP 8080",
        ),
        (
            "https://kfp.example.com",
            "  network: {kfp: {cidr: 203.0.113.7/32, port: 443}}\n",
            "203.0.113.7/32 TCP 443",
        ),
    ],
)
def test_the_policy_follows_the_host(
    repository: Path, command: Command, host: str, more: str, reached: str
) -> None:
    _hosted(repository, host, more)
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 0, outcome.err
    objects = tuple(kustomize_build(repository / "manifests/dev"))
    for _, template in delivered.pods(objects):
        assert _egress(objects, template["metadata"]["labels"]) - DNS - LEASE == {reached}


@pytest.mark.parametrize(
    ("host", "more", "says"),
    [
        ("https://kfp.example.com", "", "no NetworkPolicy can be made of it"),
        ("http://gate.istio-system.svc", "", "set delivery.network.kfp: {namespace, podLabels, port}"),
        (
            "http://ml-pipeline.ml.svc:8888",
            "  network: {kfp: {namespace: kubeflow, podLabels: {app: ml-pipeline}, port: 8888}}\n",
            "kfp.host is a Service of namespace ml, and the reconciler may reach kubeflow only",
        ),
        (
            "https://kfp.example.com:8443",
            "  network: {kfp: {cidr: 203.0.113.7/32, port: 443}}\n",
            "kfp.host has port 8443, and the reconciler may reach port 443 only",
        ),
        (
            "https://kfp.example.com",
            "  network: {kfp: {cidr: 203.0.113.7/32, namespace: x, port: 443}}\n",
            "`cidr` is an address outside of the cluster",
        ),
        (
            "http://ml-pipeline.kubeflow.svc:8888",
            "  pushGateway: {url: 'http://push.m.svc:9091', namespace: other, podLabels: {a: b}, port: 9091}\n",
            "its URL names a Service of namespace m, and pods of other may be reached",
        ),
        (
            "http://ml-pipeline.kubeflow.svc:8888",
            "  statusPage: {url: 's3://status', env: {AWS_ENDPOINT_URL_S3: 'http://minio.kubeflow.svc:9000'}}\n",
            "its endpoint is a Service of namespace kubeflow, and no pods of that may be reached",
        ),
        (
            "http://ml-pipeline.kubeflow.svc:8888",
            "  statusPage: {url: 's3://status', env: {AWS_ENDPOINT_URL_S3: 'https://s3.example.com:9000'}}\n",
            "its endpoint has port 9000, and port 443 may be reached only",
        ),
    ],
)
def test_a_policy_that_keeps_the_host_out_is_refused_with_its_line(
    repository: Path, command: Command, host: str, more: str, says: str
) -> None:
    _hosted(repository, host, more)
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert re.search(r"environments/base.yaml:\d+:\d+: ", outcome.err)
    assert says in outcome.err
