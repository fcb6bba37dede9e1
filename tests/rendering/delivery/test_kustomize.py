"""What Argo CD would apply: built by the real kustomize from the committed manifests."""

from __future__ import annotations

import delivered
import pytest
from delivered import ENVIRONMENTS
from project import PROJECT


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_apply_and_drift_see_exactly_the_manifests_of_their_environment(env: str) -> None:
    folder = PROJECT / "manifests" / env
    expected = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in [
            folder / "environment.yaml",
            folder / "versions.lock.yaml",
            *folder.glob("pipelines/**/*.yaml"),
            *folder.glob("components/*.yaml"),
        ]
    }
    pods = dict(delivered.pods(delivered.of(env)))
    for name in pods:
        assert delivered.mounted(pods[name]["spec"], delivered.of(env)) == expected


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_configmap_is_mounted_and_one_of_them_names_the_job(env: str) -> None:
    objects = delivered.of(env)
    maps = {item["metadata"]["name"] for item in objects if item["kind"] == "ConfigMap"}
    for _, pod in delivered.pods(objects):
        (desired,) = (volume for volume in pod["spec"]["volumes"] if volume["name"] == "desired")
        assert {source["configMap"]["name"] for source in desired["projected"]["sources"]} == maps
    assert {item["metadata"]["name"] for item in objects if item["kind"] == "Job"} <= maps


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_apply_comes_after_what_it_mounts_and_the_drift_check_after_apply(env: str) -> None:
    """Configuration in wave 0, apply in 10, so a drift check never runs against what was not applied."""
    objects = delivered.of(env)
    waves = {
        (item["kind"], delivered.plain(item)): int(
            item["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0")
        )
        for item in objects
    }
    assert waves.pop(("Job", f"kfp-gitops-{env}")) == 10
    checks = [key for key in waves if key[0] == "CronJob"]
    assert ("CronJob", f"kfp-gitops-{env}-drift") in checks
    assert {waves.pop(key) for key in checks} == {20}
    assert set(waves.values()) == {0}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_nothing_is_a_hook_and_nothing_goes_by_itself(env: str) -> None:
    """Self-heal leaves hooks out, PreDelete hooks run when the ApplicationSet goes; a Job that expires runs again."""
    for item in delivered.of(env):
        assert not delivered.is_hook(item)
        assert "ttlSecondsAfterFinished" not in item.get("spec", {})


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_drift_check_only_plans_and_never_overlaps(env: str) -> None:
    spec = delivered.one(delivered.of(env), "CronJob", f"kfp-gitops-{env}-drift")["spec"]
    (container,) = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][0] == "plan"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert len(spec["schedule"].split()) == 5
    evicted, rule = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert evicted["action"] == "Ignore"
    assert 1 in rule["onExitCodes"]["values"], "a difference is final, not worth another try"


def test_the_bootstrap_applies_argocds_objects_alone() -> None:
    kinds = sorted(item["kind"] for item in delivered.built(PROJECT))
    assert kinds == ["AppProject", "ApplicationSet"], "argocd-notifications-cm is everybody's"
    assert {item["metadata"]["namespace"] for item in delivered.built(PROJECT)} == {"argocd"}
