"""Strict validation: nothing is delivered that an API server would refuse, drop or fill in."""

from __future__ import annotations

import copy
import gzip
from collections.abc import Iterator
from functools import cache
from typing import Any

import delivered
import kubernetes_validate
import pytest
import yaml
from delivered import ENVIRONMENTS, Object
from jsonschema import Draft202012Validator
from project import HERE, PROJECT

VERSIONS = ["1.32", kubernetes_validate.latest_version()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_object_is_valid_for_kubernetes(env: str, version: str) -> None:
    for item in delivered.of(env):
        kubernetes_validate.validate(item, version, strict=True)


def test_the_validation_refuses_what_an_api_server_would_drop() -> None:
    job = copy.deepcopy(delivered.one(delivered.of("dev"), "Job", "kfp-gitops-dev"))
    job["spec"]["template"]["spec"]["serviceAccont"] = "typo"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, "1.32", strict=True)


@cache
def _argocd_schema(kind: str) -> Draft202012Validator:
    text = gzip.decompress((HERE / f"data/argocd-crds/{kind.lower()}-crd.yaml.gz").read_bytes())
    (version,) = yaml.load(text, Loader=yaml.CSafeLoader)["spec"]["versions"]
    schema = _strict(version["schema"]["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"const": f"argoproj.io/{version['name']}"},
        "kind": {"const": kind},
    }
    return Draft202012Validator(schema)


def _strict(schema: Any) -> Any:
    """A structural schema as JSON Schema in which an unknown field is an error (fieldValidation=Strict)."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if "properties" in schema and "x-kubernetes-preserve-unknown-fields" not in schema:
        strict.setdefault("additionalProperties", False)
    return strict


def _of_argocd() -> Iterator[Object]:
    for item in delivered.built(PROJECT):
        if item["apiVersion"].startswith("argoproj.io/"):
            yield item
    (applications,) = (item for item in delivered.built(PROJECT) if item["kind"] == "ApplicationSet")
    for env in ENVIRONMENTS:
        yield delivered.application(applications, env)


def test_argocds_own_objects_are_valid_against_its_crds() -> None:
    kinds = []
    for item in _of_argocd():
        checked = {**item, "metadata": {}}  # a CRD says nothing of metadata; an Application's is required
        assert [error.message for error in _argocd_schema(item["kind"]).iter_errors(checked)] == []
        kinds.append(item["kind"])
    assert set(kinds) == {"AppProject", "Application", "ApplicationSet"}


def test_the_crds_refuse_an_unknown_field() -> None:
    (project,) = (item for item in delivered.built(PROJECT) if item["kind"] == "AppProject")
    wrong = {**project, "metadata": {}, "spec": {**project["spec"], "sourceRepositories": []}}
    assert [error.validator for error in _argocd_schema("AppProject").iter_errors(wrong)] == [
        "additionalProperties"
    ]


# What the API server fills in for these kinds (k8s.io/kubernetes, pkg/apis/{batch,core,networking}/v1/defaults.go):
# a field that Git leaves to it is compared with nothing, so a change of it in the cluster would never be seen.
CRONJOB = ["suspend", "concurrencyPolicy", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"]
POD = ["restartPolicy", "dnsPolicy", "schedulerName", "terminationGracePeriodSeconds", "securityContext"]
CONTAINER = [
    "imagePullPolicy",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "resources",
    "securityContext",
]


def _left_to_the_server(item: Object) -> Iterator[str]:
    if item["kind"] == "CronJob":
        yield from (key for key in CRONJOB if key not in item["spec"])
    for _, template in delivered.pods((item,)):
        pod = template["spec"]
        yield from (key for key in POD if key not in pod)
        yield from (key for one in pod["containers"] for key in CONTAINER if key not in one)
        for volume in pod["volumes"]:
            projected = volume.get("projected", {"defaultMode": 0, "sources": []})
            yield from ["defaultMode"] if "defaultMode" not in projected else []
            for source in projected["sources"]:
                token = source.get("serviceAccountToken", {"expirationSeconds": 0})
                yield from ["expirationSeconds"] if "expirationSeconds" not in token else []
    for rule in item["spec"].get("egress", []) if item["kind"] == "NetworkPolicy" else []:
        yield from ("protocol" for port in rule["ports"] if "protocol" not in port)
    if item["kind"] == "RoleBinding" and "apiGroup" not in item["roleRef"]:
        yield "apiGroup"


def _empty(value: Any, at: str = "") -> Iterator[str]:
    if value is None or value in ({}, []):
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _empty(inner, f"{at}[]")


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_nothing_is_left_to_defaults_and_nothing_is_empty(env: str) -> None:
    """An empty map, list or null that the server drops would be a difference for ever (argo-cd#13183)."""
    for item in delivered.of(env):
        assert list(_left_to_the_server(item)) == []
        assert list(_empty(item)) == []


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_quantities_are_written_as_the_api_server_would_write_them(env: str) -> None:
    canonical = {"100m", "1", "256Mi", "512Mi", "64Mi"}
    found = set()
    if any(name.endswith("-trigger") for name, _ in delivered.pods(delivered.of(env))):
        canonical |= {"50m", "128Mi"}
    for _, template in delivered.pods(delivered.of(env)):
        for container in template["spec"]["containers"]:
            for quantities in container["resources"].values():
                found |= set(quantities.values())
        for volume in template["spec"]["volumes"]:
            found |= set(volume.get("emptyDir", {}).values())
    assert found == canonical
