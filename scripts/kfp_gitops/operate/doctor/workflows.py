"""What KFP's own configuration of Argo Workflows makes of `retry` in a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from kfp_gitops.base.cluster import Once, client
from kfp_gitops.base.errors import NotFoundError, RemoteError
from kfp_gitops.operate.doctor.check import Check, missing, ok, unknown

_TIMEOUT = (5, 10)
_NAME = "workflow-controller-configmap"
_TITLE = "retries of steps"
_VOID = frozenset({"OnError", "OnTransientError"})
"""Policies under which a container that ended with an error is not tried again: it is Failed, not Error."""


def check(looked: Once, namespace: str) -> Check:
    """Whether a step that failed is tried again as its manifest says.

    Argo merges `workflowDefaults.templateDefaults.retryStrategy` into the retryStrategy of each template, and KFP's
    compiler names no policy there: so KFP's own default, OnError, holds for all (seen on KFP 2.17.0, whose manifests
    install it; manifests/kustomize/third-party/argo).
    """
    look = f"kubectl -n {namespace} get configmap {_NAME} -o yaml   # workflowDefaults.templateDefaults.retryStrategy"
    try:
        read = client.CoreV1Api(looked.api).read_namespaced_config_map
        found = looked.call(lambda: _data(read(_NAME, namespace, _request_timeout=_TIMEOUT)))
    except NotFoundError:
        return unknown(
            _TITLE, f"no {_NAME} in namespace {namespace}: KFP's workflow controller may be elsewhere", look
        )
    except RemoteError as error:
        return unknown(_TITLE, str(error), look)
    policy = _policy(found)
    return _void(policy, namespace) if policy in _VOID else ok(_TITLE, "as the manifests say")


def _data(found: Any) -> dict[str, str]:
    return {**(found.data or {})} if found.metadata.name else {}


def _void(policy: str, namespace: str) -> Check:
    what = (
        f"retryPolicy {policy} in {_NAME} holds for every step: one that ends with an error is not tried again, "
        "whatever `retry` says, and a run may end SUCCEEDED though a step failed"
    )
    mend = (
        f"kubectl -n {namespace} edit configmap {_NAME}\n"
        "take templateDefaults.retryStrategy out of workflowDefaults, or write retryPolicy: Always; it holds for runs "
        "that are started afterwards, and for everybody who uses this KFP"
    )
    return missing(_TITLE, what, mend)


def _policy(data: Mapping[str, str]) -> str:
    """The default policy of all templates: `workflowDefaults` is a key of its own, or stands in the key `config`."""
    for text in (data.get("workflowDefaults"), data.get("config")):
        try:
            value = yaml.safe_load(text or "")
        except yaml.YAMLError:
            continue
        if text is data.get("config") and isinstance(value, Mapping):
            value = value.get("workflowDefaults")
        for key in ("templateDefaults", "retryStrategy", "retryPolicy"):
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            return value
    return ""
