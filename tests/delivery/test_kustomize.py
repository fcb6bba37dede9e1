"""What Argo CD would apply: built by the real kustomize from the committed manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from project import PROJECT
from tools import kustomize_build

ENVIRONMENTS = sorted(path.name for path in (PROJECT / "environments").iterdir() if path.is_dir())


def _one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (item for item in objects if item["kind"] == kind)
    return found


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_job_sees_exactly_the_manifests_of_its_environment(env: str, tmp_path: Path) -> None:
    folder = PROJECT / "manifests" / env
    objects = kustomize_build(folder)
    maps = {item["metadata"]["name"]: item for item in objects if item["kind"] == "ConfigMap"}
    assert all(item["immutable"] for item in maps.values())
    pod = _one(objects, "Job")["spec"]["template"]["spec"]
    (desired,) = (volume for volume in pod["volumes"] if volume["name"] == "desired")
    mounted = {}
    for source in desired["projected"]["sources"]:
        data = maps.pop(source["configMap"]["name"])["data"]
        items = source["configMap"].get("items") or [{"key": key, "path": key} for key in data]
        mounted.update({item["path"]: data[item["key"]] for item in items})
    assert not maps, "a ConfigMap that the Job does not mount"
    expected = [
        folder / "environment.yaml",
        folder / "versions.lock.yaml",
        *folder.glob("pipelines/**/*.yaml"),
    ]
    assert mounted == {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in expected}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_job_is_a_sync_hook_after_what_it_mounts_with_the_least_rights(env: str) -> None:
    job = _one(kustomize_build(PROJECT / "manifests" / env), "Job")
    annotations = job["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "Sync"
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    assert int(annotations["argocd.argoproj.io/sync-wave"]) > 0
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "@sha256:" in container["image"]


def test_the_bootstrap_applies_the_project_and_the_applicationset_alone() -> None:
    kinds = sorted(item["kind"] for item in kustomize_build(PROJECT))
    assert kinds == ["AppProject", "ApplicationSet"]
