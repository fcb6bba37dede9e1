"""Whom the reconciler's NetworkPolicy lets it reach: what `kfp.host` says, or what must be said beside it.

A policy names pods, or addresses, and the ports of pods; a URL names a Service and its port. Only of KFP's own Service
is it known which pods those are (manifests/kustomize/base/pipeline: app: ml-pipeline, 8888 → 8888).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from kfp_gitops.base import weburls
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Path
from kfp_gitops.sources.environment import Environment

_KFP_SERVICE = "ml-pipeline"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_METADATA: Mapping[str, tuple[Mapping[str, str], int]] = {
    "metadata-envoy-service": ({"component": "metadata-envoy"}, 9090),
    "ml-pipeline-ui": ({"app": "ml-pipeline-ui"}, 3000),
}
"""KFP's own Services of its metadata store, and what stands before it: the labels and the port of their pods
(manifests/kustomize/base/metadata/base/metadata-envoy-*.yaml, base/pipeline/ml-pipeline-ui-*.yaml)."""
_STORES = ("statusPage", "data")
"""The sections of `delivery` that lead to an S3 service."""
_PORTS = {"http": 80, "https": 443}
_WAYS = (
    "{namespace, podLabels, port} of the pods behind it, or {cidr, port} of an address outside of the cluster"
)


@dataclass(frozen=True)
class Service:
    """A Service of the cluster, as a URL names it."""

    name: str
    namespace: str


def kfp(env: Environment) -> Mapping[str, Any]:
    """The peer of the policy that stands for KFP: `namespace` and `podLabels`, or `cidr`; and `port`.

    Raises:
        InputError: nobody can tell, or what is said does not agree with `kfp.host`, with the Pushgateway's URL, or with
            the endpoint of an S3 service.
    """
    said, url = env.delivery["network"].get("kfp"), _split(env, env.kfp["host"], ("kfp", "host"))
    service = service_of(url, env.delivery["namespace"])
    stores = (problem for section in _STORES for problem in _store_problems(env, section))
    raise_if_any([*_kfp_problems(env, said, url, service), *_gateway_problems(env), *stores])
    if said:
        return dict(said)
    namespace = service.namespace if service else "kubeflow"  # this machine: the development server
    return {
        "namespace": namespace,
        "podLabels": {"app": _KFP_SERVICE},
        "port": _port(url) if service else 8888,
    }


def metadata(env: Environment) -> Mapping[str, Any] | None:
    """The peer that stands for KFP's metadata store (`kfp.metadata`); None where it is nowhere else than KFP itself.

    Raises:
        InputError: nobody can tell.
    """
    said, host = env.delivery["network"].get("metadata"), env.kfp.get("metadata")
    if host is None:
        return None
    url, kfp_url = _split(env, host, ("kfp", "metadata")), _split(env, env.kfp["host"], ("kfp", "host"))
    if said:
        return dict(said)
    if url.netloc == kfp_url.netloc or weburls.is_loopback(url.hostname):
        return None
    service = service_of(url, env.delivery["namespace"])
    labels, port = _METADATA.get(service.name if service else "", ({}, 0))
    if service is None or not labels:
        what = f"kfp.metadata is {url.netloc}: no NetworkPolicy can be made of it, for it is no Service of KFP's own"
        todo = f"set delivery.network.metadata: {_WAYS}"
        raise InputError([env.values.problem(("kfp", "metadata"), what, todo)])
    return {"namespace": service.namespace, "podLabels": labels, "port": port}


def service_of(url: SplitResult, namespace: str) -> Service | None:
    """The Service that a URL names as pods of a namespace may: `s`, `s.ns.svc`, `s.ns.svc.cluster.local`."""
    labels = (url.hostname or "").split(".")
    if labels == ["localhost"] or not labels[0]:
        return None
    if len(labels) == 1:
        return Service(labels[0], namespace)
    return Service(labels[0], labels[1]) if labels[2:3] == ["svc"] else None


def _kfp_problems(
    env: Environment, said: Mapping[str, Any] | None, url: SplitResult, service: Service | None
) -> Iterator[Problem]:
    at = ("delivery", "network", "kfp")
    if said is None:
        if not weburls.is_loopback(url.hostname) and (service is None or service.name != _KFP_SERVICE):
            what = f"kfp.host is {url.netloc}: no NetworkPolicy can be made of it, for it is not KFP's own Service"
            yield env.values.problem(("kfp", "host"), what, f"set delivery.network.kfp: {_WAYS}")
    elif service and said.get("namespace") != service.namespace:
        reached = said.get("namespace") or said["cidr"]
        what = f"kfp.host is a Service of namespace {service.namespace}, and the reconciler may reach {reached} only"
        yield env.values.problem(at, what, "leave delivery.network.kfp out, or let both name one place")
    elif "cidr" in said and said["port"] != _port(url):
        what = f"kfp.host has port {_port(url)}, and the reconciler may reach port {said['port']} only"
        yield env.values.problem((*at, "port"), what, f"write {_port(url)}")


def _gateway_problems(env: Environment) -> Iterator[Problem]:
    gateway = env.delivery.get("pushGateway")
    if gateway is None:
        return
    url = _split(env, gateway["url"], ("delivery", "pushGateway", "url"))
    service = service_of(url, env.delivery["namespace"])
    if service and service.namespace != gateway["namespace"]:
        at, other = ("delivery", "pushGateway", "namespace"), gateway["namespace"]
        what = f"its URL names a Service of namespace {service.namespace}, and pods of {other} may be reached"
        yield env.values.problem(at, what, f"write {service.namespace}")


def _store_problems(env: Environment, section: str) -> Iterator[Problem]:
    """Of the S3 service of a section; without an endpoint it is that of AWS."""
    said = env.delivery.get(section, {})
    endpoint = next((said["env"][name] for name in _ENDPOINTS if name in said.get("env", {})), None)
    if not isinstance(endpoint, str):
        return
    at: Path = ("delivery", section, "network")
    url, network = _split(env, endpoint, (*at[:2], "env")), said["network"]
    service = service_of(url, env.delivery["namespace"])
    if service and network.get("namespace") != service.namespace:
        what = (
            f"its endpoint is a Service of namespace {service.namespace}, and no pods of that may be reached"
        )
        yield env.values.problem(at, what, f"name the pods behind it: {_WAYS.partition(' or ')[0]}")
    elif "cidr" in network and network["port"] != _port(url):
        what = f"its endpoint has port {_port(url)}, and port {network['port']} may be reached only"
        yield env.values.problem((*at, "port"), what, f"write {_port(url)}")


def _split(env: Environment, url: str, at: Path) -> SplitResult:
    parts = weburls.split(url)
    if parts is None:
        what = f"{url!r} is no URL with a host, and a port from 1 to 65535"
        raise InputError([env.values.problem(at, what, "write http://HOST:PORT or https://…")])
    return parts


def _port(url: SplitResult) -> int:
    return url.port or _PORTS[url.scheme]
