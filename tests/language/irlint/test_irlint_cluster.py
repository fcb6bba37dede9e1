"""What KFP and Kubernetes refuse of a compiled pipeline that is brought, told where it stands."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
from kfp_gitops.language import irlint
from kfp_gitops.language.irlint import Finding

_EXECUTOR = "exec-use"


def _findings(*, container: Any = None, settings: Any = None, workspace: Any = None) -> list[Finding]:
    documents = rich_ir.documents()
    documents[0]["deploymentSpec"]["executors"][_EXECUTOR]["container"].update(container or {})
    platform = documents[1]["platforms"]["kubernetes"]
    platform["deploymentSpec"]["executors"].setdefault(_EXECUTOR, {}).update(settings or {})
    if workspace is not None:
        platform["pipelineConfig"] = {"workspace": workspace}
    return irlint.findings(documents)


_CONTAINERS = {
    "'A=B' is no name of an environment variable": {"env": [{"name": "A=B", "value": "x"}]},
    "the cpu request 2 is above the limit 1": {
        "resources": {"resourceCpuRequest": "2", "resourceCpuLimit": "1"}
    },
    "the memory request 2Gi is above the limit 2G": {
        "resources": {"resourceMemoryRequest": "2Gi", "resourceMemoryLimit": "2G"}
    },
    "the memory request 2.5G is above the limit 2Gi": {
        "resources": {"memoryRequest": 2.5, "resourceMemoryLimit": "2Gi"}
    },
    "the cpu request 2.0 is above the limit 1.0": {"resources": {"cpuRequest": 2.0, "cpuLimit": 1.0}},
    "'1K' is no quantity": {"resources": {"resourceMemoryLimit": "1K"}},
    "'gpu' is no resource of Kubernetes": {
        "resources": {"accelerator": {"resourceType": "gpu", "resourceCount": "1"}}
    },
    "is no whole number of devices": {
        "resources": {"accelerator": {"type": "nvidia.com/gpu", "resourceCount": "1.5"}}
    },
}
_SETTINGS = {
    "'team/' is no key of a label": {"podMetadata": {"labels": {"team/": "a"}}},
    "'a b' is no key of an annotation": {"podMetadata": {"annotations": {"a b": "a"}}},
    "is no field that a variable can have": {"fieldPathAsEnv": [{"name": "N", "fieldPath": "spec.nodename"}]},
    "'a.b' is no name of a volume": {"secretAsVolume": [{"secretName": "a.b", "mountPath": "/a"}]},
    "'A' is no name of a volume": {
        "pvcMount": [{"pvcNameParameter": {"runtimeValue": {"constant": "A"}}, "mountPath": "/a"}]
    },
    "'A' is no name of an object": {"imagePullSecret": [{"secretName": "A"}]},
    "'..k' is no key of a secret": {
        "configMapAsEnv": [{"configMapName": "c", "keyToEnv": [{"configMapKey": "..k", "envVar": "K"}]}]
    },
    "'Never' is no effect of a taint": {"tolerations": [{"key": "a", "effect": "Never"}]},
    "'x y' is no value of a label": {"nodeSelector": {"labels": {"disk": "x y"}}},
    "In takes one or more values": {
        "nodeAffinity": [{"matchExpressions": [{"key": "zone", "operator": "In"}]}]
    },
    "no access mode": {"genericEphemeralVolume": [{"volumeName": "v", "mountPath": "/v", "size": "1Gi"}]},
    "leads out of the volume": {"pvcMount": [{"constant": "a", "mountPath": "/a", "subPath": "/b"}]},
    "'big' is no quantity": {"emptyDirMounts": [{"volumeName": "v", "mountPath": "/v", "sizeLimit": "big"}]},
}
_PATCH = "pvcSpecPatch"
_WORKSPACES = {
    "a workspace without accessModes": {"size": "1Gi"},
    "no empty storageClassName": {
        "size": "1Gi", "kubernetes": {_PATCH: {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}},
    },
    "'1K' is no quantity": {"size": "1K", "kubernetes": {_PATCH: {"accessModes": ["ReadWriteOnce"]}}},
}  # fmt: skip


@pytest.mark.parametrize("what", _CONTAINERS)
def test_containers(what: str) -> None:
    (found,) = _findings(container=_CONTAINERS[what])
    assert found.document == 0
    assert found.at[:4] == ("deploymentSpec", "executors", _EXECUTOR, "container")
    assert what in found.what


@pytest.mark.parametrize("what", _SETTINGS)
def test_settings(what: str) -> None:
    (found,) = _findings(settings=_SETTINGS[what])
    assert found.document == 1
    assert found.at[:5] == ("platforms", "kubernetes", "deploymentSpec", "executors", _EXECUTOR)
    assert what in found.what


@pytest.mark.parametrize("what", _WORKSPACES)
def test_workspaces(what: str) -> None:
    (found,) = _findings(workspace=_WORKSPACES[what])
    assert found.at[:4] == ("platforms", "kubernetes", "pipelineConfig", "workspace")
    assert what in found.what


def test_what_is_filled_in_when_it_runs_is_left_alone() -> None:
    given = {"runtimeValue": {"constant": "{{$.pipeline_job_name}}"}}
    put_in = "{{$.inputs.parameters['text']}}"
    assert _findings(settings={"imagePullSecret": [{"secretNameParameter": given}]}) == []
    assert _findings(container={"resources": {"resourceCpuLimit": put_in, "resourceCpuRequest": "9"}}) == []


@pytest.mark.parametrize("name", ["root", "comp-inner"])
@pytest.mark.parametrize("dag", [{}, {"tasks": {}}, None])
def test_a_dag_without_a_task(name: str, dag: Any) -> None:
    documents = rich_ir.documents()
    spec = documents[0]
    node = spec["root"] if name == "root" else spec["components"][name]
    node.pop("dag")
    node.pop("outputDefinitions", None)
    if dag is not None:
        node["dag"] = dag
    found = [one.what for one in irlint.findings(documents)]
    assert f"{name} {'runs nothing' if dag is None else 'has no task'}" in found
