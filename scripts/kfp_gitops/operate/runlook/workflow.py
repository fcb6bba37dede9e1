"""What Argo Workflows says of the end of a pod, where Kubernetes can be asked: KFP keeps none of it.

Only where KUBECONFIG is set or in a pod: a person's usual kubeconfig may lead anywhere, and ask for a login.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from kfp_gitops.base import redact
from kfp_gitops.base.errors import GitOpsError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.writes import place
from kfp_gitops.kfpserver.runtree.pods import Pod

_SECONDS = 5.0
_RUN = "pipeline/runid"
"""The label that KFP puts on a run's workflow (backend/src/common/util/consts.go)."""


def message(api: KfpApi, run_id: str, pod: Pod, environ: Mapping[str, str] = os.environ) -> str:
    """`OOMKilled (exit code 137)`; nothing where it says nothing, has no such workflow, or cannot be asked."""
    if not (environ.get("KUBECONFIG") or environ.get("KUBERNETES_SERVICE_HOST")):
        return ""
    from kfp_gitops.base import cluster

    name = pod.node.rpartition("-")[0]
    try:
        custom = cluster.client.CustomObjectsApi(cluster.connect())
        read = custom.get_namespaced_custom_object
        where = place(api.namespace or "", api.host)
        found = cluster.call(
            lambda: dict(read("argoproj.io", "v1alpha1", where, "workflows", name)), _SECONDS
        )
        return cluster.call(lambda: _said(found, run_id, pod.node))
    except GitOpsError:
        return ""


def _said(found: Mapping[str, Any], run_id: str, node: str) -> str:
    """Of another cluster's workflow of the same name nothing."""
    if found["metadata"].get("labels", {}).get(_RUN) != run_id:
        return ""
    text = found.get("status", {}).get("nodes", {}).get(node, {}).get("message") or ""
    return redact.text(" ".join(str(text).split())[:300])
