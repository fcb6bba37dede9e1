from pathlib import Path

import pytest
import yaml
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.proposal import floors, propose, read_tree, tree, write_tree
from predictive_scaling.store.opening import open_registry
from tools import kustomize_build

MIB = 2**20


def document(replicas=(3, 5), memory=100 * MIB, service="checkout"):
    blocks = [{"min_replicas": number} for number in replicas]
    return {
        "run_id": "run-1",
        "generated_at": "2026-01-20T00:00:00Z",
        "services": [{"service": service, "cpu": {"blocks": blocks}, "memory": {"request": memory}}],
    }


def values(files):
    hpa, memory = yaml.safe_load(files["checkout/hpa.yaml"]), yaml.safe_load(files["checkout/memory.yaml"])
    (container,) = memory["spec"]["template"]["spec"]["containers"]
    return hpa["spec"]["minReplicas"], container["resources"]["requests"]["memory"]


def test_weekly_floor_is_what_the_quietest_block_needs():
    assert values(tree(document())) == (3, "100Mi")


def test_memory_is_rounded_up():
    assert values(tree(document(memory=100 * MIB + 1))) == (3, "101Mi")


def test_constant_is_a_floor_too_and_nothing_is_none():
    entries = {"cpu": {"min_replicas": 2}, "memory": {"source": "none"}}
    (floor,) = floors({"services": [{"service": "a", **entries}]})
    assert (floor.replicas, floor.memory) == (2, None)
    assert set(tree({"services": [{"service": "a", **entries}]})) == {"kustomization.yaml", "a/hpa.yaml"}


def test_floors_are_only_ever_raised():
    before = tree(document((7, 9), 500 * MIB))
    assert values(tree(document((3, 5), 900 * MIB), before)) == (7, "900Mi")
    assert values(tree(document((8, 9), 100 * MIB), before)) == (8, "500Mi")


def deployment(container, memory):
    requests = f"{{requests: {{memory: {memory}}}}}"
    return f"spec: {{template: {{spec: {{containers: [{{name: {container}, resources: {requests}}}]}}}}}}"


@pytest.mark.parametrize(
    ("hpa", "memory", "expected"),
    [
        ("spec: {minReplicas: 7}", deployment("checkout", "2Gi"), (7, "2048Mi")),
        ("spec:\n    minReplicas: '7' # sale", deployment("'checkout'", '"1G"'), (7, "954Mi")),
        ("# none\nspec: {}", deployment("checkout", "1e9"), (3, "954Mi")),
        ("", deployment("sidecar", "2Gi"), (3, "100Mi")),
    ],
)
def test_higher_floor_stays_in_whatever_form_people_wrote_it(hpa, memory, expected):
    stands = {"checkout/hpa.yaml": hpa, "checkout/memory.yaml": memory}
    assert values(tree(document(), stands)) == expected


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("checkout/hpa.yaml", "spec:\n  minReplicas: [1\n", r"checkout/hpa.yaml:3:1: this is no YAML"),
        ("checkout/hpa.yaml", "spec: \0", r"checkout/hpa.yaml: this is no YAML"),
        ("checkout/hpa.yaml", "[" * 100_000, r"checkout/hpa.yaml.*no YAML"),
        ("checkout/hpa.yaml", "spec: {minReplicas: many}", "spec.minReplicas is 'many'"),
        *(
            ("checkout/memory.yaml", deployment("checkout", found), "request of checkout is no quantity")
            for found in ("lots", "[1]", "nan", "1e999999999")
        ),
    ],
)
def test_floor_that_cannot_be_read_is_not_lowered_but_told(path, text, message):
    with pytest.raises(InputError, match=message):
        tree(document(), {path: text})


def test_tree_that_is_no_text_is_an_error_of_input(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        write_tree(document(), tmp_path)


def test_service_that_is_gone_keeps_its_floor():
    before = tree(document())
    after = tree(document(service="other"), before)
    assert values(after) == (3, "100Mi")
    assert "other/hpa.yaml" in after


def test_equal_recommendations_give_equal_bytes_and_no_change(tmp_path):
    assert write_tree(document(), tmp_path) == [
        "kustomization.yaml",
        "checkout/hpa.yaml",
        "checkout/memory.yaml",
    ]
    assert read_tree(tmp_path) == tree(document())
    assert write_tree(document(), tmp_path) == []


def test_service_name_cannot_leave_the_tree():
    with pytest.raises(InputError, match="not a service name"):
        tree(document(service="../../etc"))


def test_command_raises_floors_in_a_work_tree(tmp_path, capsys):
    (tmp_path / "r.json").write_bytes(pretty_bytes(document()))
    arguments = ["propose", "--recommendation", str(tmp_path / "r.json"), "--into", str(tmp_path / "tree")]
    assert main(arguments) == 0
    assert "raised checkout/hpa.yaml" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "nothing to raise" in capsys.readouterr().out


def test_proposal_goes_into_the_registry_by_run(tmp_path):
    registry = open_registry(str(tmp_path))
    folder = propose(registry, document())
    assert folder == "proposals/20260120T000000Z-run-1"
    assert registry.get(f"{folder}/checkout/hpa.yaml").endswith(b"minReplicas: 3\n")


WORKLOAD = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: checkout}
spec: {minReplicas: 1, maxReplicas: 20, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout}
spec: {template: {spec: {containers: [{name: checkout, image: 'registry.example.com/checkout:1'}]}}}
"""


def test_kustomize_applies_the_proposal_to_a_workload(tmp_path: Path):
    write_tree(document(), tmp_path / "floors")
    (tmp_path / "workload.yaml").write_text(WORKLOAD)
    (tmp_path / "kustomization.yaml").write_text("resources: [workload.yaml]\ncomponents: [floors]\n")
    built = {each["kind"]: each for each in kustomize_build(tmp_path)}
    assert built["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 3
    (container,) = built["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {"memory": "100Mi"}
    assert container["image"] == "registry.example.com/checkout:1"
