"""Doctor: every prerequisite that can be missing is said to be missing, with what mends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubeconfig
import pytest
import yaml
from fake_cluster import FakeCluster
from kfp_gitops.devserver import DevServer, Faults, Features, Rights
from kfp_gitops.operate.doctor import repository as in_repository
from kfp_gitops.operate.doctor import supported
from kfp_gitops.operate.doctor.check import Status
from kfpapi.stub import Answer, Stub
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
Doctor = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def rendered(repository: Path, command: Callable[..., Outcome]) -> Path:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., DevServer]]:
    started: list[DevServer] = []

    def start(**options: Any) -> DevServer:
        server = DevServer(tmp_path / f"server{len(started)}", executor=FAKE, faults=Faults(), **options)
        started.append(server.start())
        return server

    yield start
    for server in started:
        server.close()


@pytest.fixture
def doctor(rendered: Path, command: Callable[..., Outcome]) -> Doctor:
    """Name of a check → the check, and under "exit" the code."""

    def run(host: str, *options: object) -> dict[str, dict[str, str]]:
        outcome = command("doctor", "--root", rendered, "--env", "dev", "--host", host, "--json", *options)
        document = json.loads(outcome.out)
        schema = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/doctor.schema.json").read_text())
        jsonschema.validate(document, schema)
        assert all(check["mend"] for check in document["checks"] if check["status"] != "ok")
        return {check["name"]: check for check in document["checks"]} | {"exit": {"code": str(outcome.code)}}

    return run


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    with (found := FakeCluster()).stub:
        where = str(kubeconfig.written(tmp_path, found.stub.url))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", where)
        yield found


def missing(found: dict[str, dict[str, str]]) -> list[str]:
    return [name for name, check in found.items() if check.get("status") == "missing"]


def test_all_is_well_on_the_development_server_and_nothing_is_written(
    doctor: Doctor, make: Callable[..., DevServer]
) -> None:
    server = make()
    found = doctor(server.url)
    assert found["exit"]["code"] == "0"
    assert missing(found) == []
    # What ML Metadata is asked is a POST, whatever it is.
    asked = {
        r.path.rpartition("/")[2] if "/ml_metadata." in r.path else r.method for r in server.faults.requests
    }
    assert asked == {"GET", "GetContextByTypeAndName"}


def test_people_read_one_line_a_check_and_what_mends_it(
    rendered: Path, command: Callable[..., Outcome], make: Callable[..., DevServer]
) -> None:
    outcome = command(
        "doctor", "--root", rendered, "--env", "dev", "--host", make(features=Features(version="2.9.1")).url
    )
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("missing"))
    assert lines[place].split()[1:4] == ["KFP", "version", "2.9.1;"]
    assert lines[place + 1].split()[:2] == ["→", "install"]
    assert "2 missing" in lines[-1]


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_not_there_is_exit_4_and_nothing_else_is_asked(doctor: Doctor) -> None:
    found = doctor("http://127.0.0.1:9")
    assert found["exit"]["code"] == "4"
    assert missing(found) == ["reachable"]
    assert "may list runs" not in found


def test_a_login_page_is_a_matter_of_credentials(doctor: Doctor) -> None:
    with Stub(lambda _: Answer(200, b"<html>Log in", "text/html")) as stub:
        found = doctor(stub.url)
    assert missing(found) == ["credentials"]
    assert "port-forward" in found["credentials"]["mend"]


def test_an_unknown_token_and_a_missing_right_are_told_apart(
    doctor: Doctor, make: Callable[..., DevServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = Rights(tokens={"good"})
    server = make(rights=rights)
    monkeypatch.setenv("KFP_TOKEN", "bad")
    found = doctor(server.url)
    assert missing(found) == ["credentials"]
    assert found["exit"]["code"] == "1"
    monkeypatch.setenv("KFP_TOKEN", "good")
    rights.set(tokens={"good"}, denied={("list", "jobs")})
    found = doctor(server.url)
    assert missing(found) == ["may list jobs"]
    assert "pipelines.kubeflow.org" in found["may list jobs"]["mend"]


def test_several_users_need_a_namespace(doctor: Doctor, make: Callable[..., DevServer]) -> None:
    assert missing(doctor(make(features=Features(multi_user=True)).url)) == ["namespace"]


def test_an_older_server_lacks_what_it_lacks(doctor: Doctor, make: Callable[..., DevServer]) -> None:
    found = doctor(make(features=Features(version="2.15.0", tags=False, orphan=False)).url)
    assert missing(found) == ["KFP version", "replacing schedules"]
    assert "not kept" in found["tags"]["found"]


def test_a_lock_that_does_not_fit_and_a_placeholder_image(
    doctor: Doctor, rendered: Path, make: Callable[..., DevServer]
) -> None:
    manifest = rendered / "manifests/dev/pipelines/hello/pipeline.yaml"
    manifest.write_text(manifest.read_text().replace("description: ", "description: Changed ", 1))
    assert missing(doctor(make().url)) == ["lock"]


@pytest.mark.parametrize(
    ("product", "version", "status"),
    [
        ("kfp", "2.17.0", Status.OK), ("kfp", "2.16.1", Status.OK), ("kfp", "2.15.9", Status.MISSING),
        ("kfp", "2.18.0-rc.1", Status.MISSING), ("kfp", "3.0.0", Status.MISSING), ("kfp", "", Status.UNKNOWN),
        ("kfp", "master", Status.UNKNOWN), ("kubernetes", "v1.34.1+k3s1", Status.OK),
        ("kubernetes", "v1.31.0", Status.MISSING), ("argocd", "v3.5.0", Status.OK),
        ("argocd", "v2.14.5", Status.MISSING), ("argocd", "latest", Status.UNKNOWN),
    ],
)  # fmt: skip
def test_versions_are_judged_by_the_ranges_that_are_data(product: str, version: str, status: Status) -> None:
    assert supported.check(product, version, "look").status is status


# the cluster


def test_what_pipelines_name_is_listed_from_wherever_it_stands() -> None:
    tasks = [
        {
            "id": "a",
            "env": {"TOKEN": {"secret": "registry", "key": "token"}, "X": "y"},
            "inputs": {"secret": "no"},
        },
        {
            "if": {},
            "then": [{"id": "b", "volumes": [{"pvc": "models", "at": "/m"}, {"configMap": "settings"}]}],
        },
        {
            "id": "c",
            "image": {"pullSecrets": ["pull"]},
            "env": {"T": {"secret": {"param": "which"}, "key": "k"}},
        },
    ]
    found = sorted(set(in_repository._walk({"tasks": tasks})))
    assert found == [
        ("ConfigMap", "settings"), ("PersistentVolumeClaim", "models"), ("Secret", "pull"), ("Secret", "registry"),
    ]  # fmt: skip


def test_the_cluster_is_looked_at_where_there_is_one(
    doctor: Doctor, make: Callable[..., DevServer], cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [
        ("Secret", "registry", ["hello"]),
        ("ConfigMap", "settings", ["hello"]),
        ("Secret", "other", ["hello"]),
    ]
    monkeypatch.setattr(in_repository, "named_objects", lambda _folder: named)
    base = "/api/v1/namespaces/kubeflow"
    cluster.objects |= {f"{base}/secrets/registry"}
    cluster.hidden |= {f"{base}/secrets/other"}
    found = doctor(make().url, "--lease", "kubeflow/kfp-gitops-dev")
    assert missing(found) == ["ConfigMap settings"]
    assert found["Secret other"]["status"] == "unknown"
    assert [found[n]["status"] for n in ("Kubernetes version", "Argo CD version", "cron time zone")] == [
        "ok"
    ] * 3
    cluster.version, cluster.argocd, cluster.zone = "v1.20.0", "argocd:v2.8.0", "Europe/Berlin"
    cluster.denied = {("delete", "jobs"), ("update", "leases")}
    found = doctor(make().url, "--lease", "kubeflow/kfp-gitops-dev")
    assert missing(found) == [
        "Kubernetes version", "Argo CD version", "cron time zone", "rights on jobs", "rights on lease kfp-gitops-dev",
        "ConfigMap settings",
    ]  # fmt: skip
    assert "verbs: [delete]" in found["rights on jobs"]["mend"]
    assert "CRON_SCHEDULE_TIMEZONE=UTC" in found["cron time zone"]["mend"]


def test_without_a_cluster_what_to_look_at_is_listed(
    doctor: Doctor, make: Callable[..., DevServer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.setattr(in_repository, "named_objects", lambda _folder: [("Secret", "registry", ["hello"])])
    found = doctor(make().url, "--lease", "kubeflow/x")
    assert found["cluster"]["status"] == "unknown"
    assert found["Secret registry"]["mend"] == "kubectl -n kubeflow get secret registry"


def test_the_environment_must_be_there(rendered: Path, command: Callable[..., Outcome]) -> None:
    assert command("doctor", "--root", rendered, "--env", "nowhere").code == 2


def test_the_rights_that_are_looked_for_are_those_of_the_role_that_is_delivered() -> None:
    from kfp_gitops.operate.doctor import kubernetes

    documents = yaml.safe_load_all((PROJECT / "manifests/dev/access.yaml").read_text())
    (role,) = (
        found
        for found in documents
        if found and found["kind"] == "Role" and found["metadata"]["name"] == "kfp-gitops-dev"
    )
    given = {
        rule["resources"][0]: tuple(rule["verbs"])
        for rule in role["rules"]
        if rule["apiGroups"] == ["pipelines.kubeflow.org"]
    }
    assert dict(kubernetes._RIGHTS) == given


OURS = "templateDefaults:\n  retryStrategy:\n    limit: 2\n    retryPolicy: OnError\n"


@pytest.mark.parametrize(
    ("workflows", "status"),
    [
        ({"workflowDefaults": OURS}, "missing"),
        ({"config": f"workflowDefaults:\n  {OURS.replace(chr(10), chr(10) + '  ')}"}, "missing"),
        ({"workflowDefaults": OURS.replace("OnError", "Always")}, "ok"),
        ({"workflowDefaults": "spec: {ttlStrategy: {}}"}, "ok"),
        ({"workflowDefaults": "{no yaml"}, "ok"),
        ({}, "ok"),
        (None, "unknown"),
    ],
)
def test_a_default_that_makes_retry_void_is_told(
    doctor: Doctor,
    make: Callable[..., DevServer],
    cluster: FakeCluster,
    workflows: dict[str, str] | None,
    status: str,
) -> None:
    """KFP's manifests install the first of them (seen on 2.17.0)."""
    cluster.workflows = workflows
    found = doctor(make().url, "--lease", "kubeflow/kfp-gitops-dev")["retries of steps"]
    assert found["status"] == status
    if status == "missing":
        assert "retryPolicy OnError" in found["found"]
        assert "kubectl -n kubeflow edit configmap workflow-controller-configmap" in found["mend"]
