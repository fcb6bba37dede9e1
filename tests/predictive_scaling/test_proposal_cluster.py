"""`propose --cluster`: what kubectl is asked, and what its answers do. The program here answers by a table."""

import json
import os
import shutil
import stat

import pytest
from predictive_scaling.proposals.cluster import pod_of
from proposal_kit import Repository, bound, document, hpa, node, requests, service, workload
from tools import kustomize_build

KUBECTL = """#!/usr/bin/env python3
import json, pathlib, subprocess, sys
here = pathlib.Path(__file__).parent
words = sys.argv[1:]
table = json.loads((here / "answers.json").read_text())
text = "" if words[0] == "kustomize" else sys.stdin.read()
if words[0] == "--context":
    words = words[2:]
if words[0] == "kustomize":
    sys.exit(subprocess.run([table["kubectl"], *words]).returncode)
thing = json.loads(text) if text else {}
with (here / "asked.jsonl").open("a") as asked:
    asked.write(json.dumps({"words": words, "thing": thing}) + chr(10))
key = words[1] if words[0] == "get" else thing["kind"]
found = table.get(key, {"items": []} if words[0] == "get" else "")
if isinstance(found, str) and found:
    print(found, file=sys.stderr)
    sys.exit(1)
print(json.dumps(found))
"""


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path)
    made.write([workload(namespace="shop")])
    kustomize_build(tmp_path / "base")  # skips where there is no kustomize
    return made


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Puts a kubectl before the PATH's own that answers by a table."""
    real = shutil.which("kubectl")
    folder = tmp_path / "bin"
    folder.mkdir()

    def set_answers(**table):
        program = folder / "kubectl"
        program.write_text(KUBECTL)
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        (folder / "answers.json").write_text(json.dumps({"kubectl": real, **table}))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return folder / "asked.jsonl"

    return set_answers


THINGS = [workload(namespace="shop", containers={"app": requests("100Mi")}), hpa(namespace="shop")]
OTHER = [workload("other", namespace="shop"), hpa("other", "other", namespace="shop")]
BOTH = document(service("checkout"), service("other"))


def test_every_object_and_a_pod_of_it_are_tried_as_the_tree_makes_them(repository, capsys, answer):
    asked = answer()
    assert (
        repository.propose(capsys, document(service("checkout")), THINGS, "--cluster", "--context", "kind")
        == 0
    )
    assert "raised shop/checkout app" in repository.said
    lines = [json.loads(line) for line in asked.read_text().splitlines()]
    assert [line["words"][:2] for line in lines[:2]] == [
        ["get", "limitranges,resourcequotas"],
        ["get", "nodes"],
    ]
    tried = {line["thing"]["kind"]: line for line in lines[2:]}
    assert set(tried) == {"Deployment", "Pod", "HorizontalPodAutoscaler"}
    assert all("--dry-run=server" in line["words"] for line in tried.values())
    assert tried["HorizontalPodAutoscaler"]["thing"]["spec"]["minReplicas"] == 3
    pod = tried["Pod"]["thing"]
    assert pod["metadata"] == {
        "generateName": "checkout-",
        "labels": {"app": "checkout"},
        "namespace": "shop",
    }
    assert pod["spec"]["containers"][0]["resources"] == {"requests": {"memory": "300Mi"}}


@pytest.mark.parametrize("kind", ["Deployment", "Pod", "HorizontalPodAutoscaler"])
def test_what_the_cluster_refuses_is_left_out_whole_and_told(repository, capsys, answer, kind):
    answer(**{kind: f"Error from server (Forbidden): {kind} is no good"})
    assert repository.propose(capsys, document(service("checkout")), THINGS, "--cluster") == 1
    assert (
        f"left out shop/checkout: the cluster refuses its {kind}: Error from server (Forbidden)"
        in repository.told
    )
    assert set(repository.files()) == {"kustomization.yaml"}


def test_the_others_are_written(repository, capsys, answer):
    answer(StatefulSet="refused")
    things = [workload(kind="StatefulSet", namespace="shop"), *OTHER]
    assert repository.propose(capsys, BOTH, things, "--cluster") == 1
    assert "left out shop/checkout" in repository.told
    assert "raised shop/other app" in repository.said
    assert not [path for path in repository.files() if "checkout" in path]


def test_the_clusters_own_bounds_count(repository, capsys, answer):
    spec = {"limits": [{"type": "Container", "default": {"memory": "256Mi"}}]}
    answer(**{
        "limitranges,resourcequotas": {"items": [bound("LimitRange", "defaults", spec)]},
        "nodes": {"items": [node("one", "128Mi")]},
    })  # fmt: skip
    assert repository.propose(capsys, document(service("checkout")), THINGS, "--cluster") == 1
    assert "LimitRange defaults gives it (cluster LimitRange defaults:1)" in repository.told
    assert "the largest, one, has 128Mi (cluster Node one:1)" in repository.told


def test_who_may_not_see_nodes_still_tries_the_rest(repository, capsys, answer):
    answer(nodes="Error from server (Forbidden): nodes is forbidden")
    assert repository.propose(capsys, document(service("checkout")), THINGS, "--cluster") == 0


def test_a_cluster_that_does_not_answer_is_no_refusal(repository, capsys, answer):
    answer(**{"limitranges,resourcequotas": "Unable to connect to the server: dial tcp: refused"})
    assert repository.propose(capsys, document(service("checkout")), THINGS, "--cluster") == 4
    assert "kubectl get limitranges,resourcequotas: Unable to connect" in repository.told
    assert not repository.tree.exists()


def test_without_kubectl_it_is_told_what_is_missing(repository, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(repository.root))
    assert repository.propose(capsys, document(service("checkout")), THINGS, "--cluster") == 2
    assert "kubectl is not on the PATH; install it, or leave --cluster out" in repository.told


def test_a_prefix_is_there_in_what_is_tried(repository, capsys, answer):
    repository.write([workload()], {"namespace": "shop", "namePrefix": "eu-"})
    asked = answer()
    things = [workload("eu-checkout", namespace="shop")]
    assert repository.propose(capsys, document(service("eu-checkout")), things, "--cluster") == 0
    assert "name: checkout" in repository.text("kustomization.yaml")
    pod = [json.loads(line)["thing"] for line in asked.read_text().splitlines()][-1]
    assert pod["spec"]["containers"][0]["resources"] == {"requests": {"memory": "300Mi"}}


def test_a_stateful_sets_claims_become_volumes_of_the_pod():
    made = workload(kind="StatefulSet", spec={"volumeClaimTemplates": [{"metadata": {"name": "data"}}]})
    assert pod_of(made)["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    ]


def test_workloads_that_name_no_namespace_are_tried_in_the_recommendations(repository, capsys, answer):
    spec = {"limits": [{"type": "Container", "max": {"memory": "256Mi"}}]}
    asked = answer(**{"limitranges,resourcequotas": {"items": [bound("LimitRange", "most", spec)]}})
    things = [workload(containers={"app": requests("100Mi")})]
    assert repository.propose(capsys, document(service("checkout", memory=200)), things, "--cluster") == 0
    lines = [json.loads(line) for line in asked.read_text().splitlines()]
    assert lines[0]["words"][-2:] == ["-n", "shop"]
    assert {line["thing"]["metadata"]["namespace"] for line in lines[2:]} == {"shop"}
    assert repository.propose(capsys, document(service("checkout")), things, "--cluster") == 1
    assert "memory 300Mi is above the limit 256Mi that LimitRange most gives it" in repository.told
