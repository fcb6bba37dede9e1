"""What status asks a cluster for when it is told to: the same that doctor asks, and nothing unasked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import kubeconfig
import pytest
from fake_cluster import FakeCluster
from kfp_gitops.operate.doctor import repository as in_repository
from lost_kit import Kfp, Told
from project import Outcome

Run = Callable[..., Outcome]
VOID = "templateDefaults:\n  retryStrategy:\n    limit: 2\n    retryPolicy: OnError\n"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    with (found := FakeCluster()).stub:
        where = str(kubeconfig.written(tmp_path, found.stub.url))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", where)
        yield found


@pytest.fixture
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    named = [("Secret", "registry", ["hello"]), ("PersistentVolumeClaim", "models", ["hello"])]
    monkeypatch.setattr(in_repository, "named_objects", lambda _folder: named)
    monkeypatch.setattr(in_repository, "retries", lambda _folder: ["hello"])


@pytest.mark.usefixtures("_named")
def test_what_is_broken_in_the_cluster_is_told_by_both(
    reconcile: Run, faults: Callable[..., Told], cluster: FakeCluster, root: Path, command: Run, kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    cluster.workflows, cluster.zone = {"workflowDefaults": VOID}, "Europe/Berlin"
    cluster.objects = {"/api/v1/namespaces/kubeflow/secrets/registry"}
    assert faults() == {}
    assert cluster.stub.seen == [], "it is asked where that was said"
    told = faults("--cluster")
    assert set(told) == {"cron time zone", "retries of steps", "PersistentVolumeClaim models"}
    where = ("--root", root, "--env", "dev", "--host", kfp.server.url, "--lease", "kubeflow/x", "--json")
    checks = {c["name"]: c for c in json.loads(command("doctor", *where).out)["checks"]}
    assert {name: checks[name]["found"] for name in told} == {
        name: one["cause"] for name, one in told.items()
    }
    assert all(one["command"] for one in told.values())


@pytest.mark.usefixtures("_named")
def test_a_cluster_that_does_not_tell_is_no_fault_and_said(reconcile: Run, cluster: FakeCluster) -> None:
    assert reconcile("apply").code == 0
    cluster.workflows = {}
    cluster.objects = {
        "/api/v1/namespaces/kubeflow/secrets/registry",
        "/api/v1/namespaces/kubeflow/persistentvolumeclaims/models",
    }
    cluster.hidden = set(cluster.objects)
    outcome = reconcile("status", "--cluster")
    assert outcome.code == 0
    assert "Secret registry is not known: " in outcome.err


def test_a_default_that_makes_retries_void_is_no_fault_where_nobody_retries(
    reconcile: Run, faults: Callable[..., Told], cluster: FakeCluster
) -> None:
    assert reconcile("apply").code == 0
    cluster.workflows = {"workflowDefaults": VOID}
    assert faults("--cluster") == {}


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        ({"id": "a", "retry": {"count": 2}}, True),
        ({"if": {}, "then": [{"id": "a", "retry": {"count": 2}}]}, True),
        ({"id": "a", "inputs": {"retry": 3}}, False),
        ({"id": "a"}, False),
    ],
)
def test_who_counts_on_retries_is_read_of_the_manifests(task: dict[str, object], counts: bool) -> None:
    assert in_repository._retried({"tasks": [task]}) is counts
