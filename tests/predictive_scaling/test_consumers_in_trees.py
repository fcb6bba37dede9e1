"""The component in the tree that it was made for, by kustomize: it builds, adds the floor and lowers nothing."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from consumer_kit import Consumers, floor_trigger, hpa, scaled_object, workload
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.shapes.document import shapes_document
from predictive_scaling.shapes.shape import Amounts, Container, Scaler, Shape
from project import PROJECT
from pytest import CaptureFixture
from tools import kustomize_build

EXAMPLES = PROJECT / "docs/consumers"
UP = {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}], "stabilizationWindowSeconds": 30}
Object = dict[str, Any]


@pytest.fixture
def consumers(tmp_path: Path, capsys: CaptureFixture[str]) -> Consumers:
    return Consumers(tmp_path, capsys)


def built(consumers: Consumers, *objects: Object, **more: Any) -> dict[str, Object]:
    """The tree with the component, by kind and name."""
    tree = consumers.folder / "tree"
    tree.mkdir(exist_ok=True)
    (tree / "all.yaml").write_text(yaml.safe_dump_all(objects))
    kustomization = {"resources": ["all.yaml"], "components": ["../floors"], **more}
    (tree / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    found = kustomize_build(tree)
    return {f"{each['kind']} {each['metadata']['name']}": each for each in found}


def without_metrics() -> Object:
    return hpa(metrics=None)


HPAS = {
    "v2": (hpa(), 60),
    "v2 without metrics": (without_metrics(), 80),
    "v1": (hpa(version="v1"), 60),
    "v1 without a target": (hpa(version="v1", targetCPUUtilizationPercentage=None), 80),
    "with a scaleDown": (hpa(behavior={"scaleDown": {"stabilizationWindowSeconds": 60}}), 60),
}


@pytest.mark.parametrize("case", HPAS)
def test_floor_is_added_to_an_hpa_that_stands(consumers: Consumers, case: str) -> None:
    stands, percent = HPAS[case]
    assert consumers("hpa", workload(), stands).code == 0
    found = built(consumers, workload(), stands)["HorizontalPodAutoscaler checkout"]
    kubernetes_validate.validate(found, "1.37", strict=True)
    cpu, floor = found["spec"]["metrics"]
    assert cpu["resource"]["target"]["averageUtilization"] == percent
    assert floor["external"]["metric"]["name"] == "predictive_scaling_floor"
    assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (3, 20)
    assert found["spec"]["behavior"]["scaleUp"]["tolerance"] == "52m"
    assert found["spec"]["behavior"].get("scaleDown") == stands["spec"].get("behavior", {}).get("scaleDown")


SCALED = {
    "plain": {},
    "advanced": {"advanced": {"restoreToOriginalReplicaCount": True}},
    "behavior": {
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {"selectPolicy": "Min"}}}}
    },
    "own fallback": {"fallback": {"failureThreshold": 2, "replicas": 5}},
}


@pytest.mark.parametrize("case", SCALED)
def test_floor_is_added_to_a_scaled_object_that_stands(consumers: Consumers, case: str) -> None:
    stands = scaled_object(**copy.deepcopy(SCALED[case]))
    assert consumers("keda", workload(), stands).code == 0
    found = built(consumers, workload(), stands)["ScaledObject checkout"]["spec"]
    assert [each["type"] for each in found["triggers"]] == ["cpu", "kafka", "prometheus"]
    assert found["fallback"] == SCALED[case].get("fallback", {"failureThreshold": 3, "replicas": 2})
    assert found["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleUp"]["tolerance"] == "90m"
    before = stands["spec"].get("advanced", {})
    assert {name: found["advanced"][name] for name in before if name != "horizontalPodAutoscalerConfig"} == {
        name: value for name, value in before.items() if name != "horizontalPodAutoscalerConfig"
    }
    assert (found["minReplicaCount"], found["maxReplicaCount"]) == (2, 12)


@pytest.mark.parametrize("kind", ["keda", "hpa"])
def test_own_policies_stay_and_are_told(consumers: Consumers, kind: str) -> None:
    config = {"horizontalPodAutoscalerConfig": {"behavior": {"scaleUp": UP}}}
    stands = scaled_object(advanced=config) if kind == "keda" else hpa(behavior={"scaleUp": UP})
    assert "its own behavior.scaleUp.policies stay" in consumers(kind, workload(), stands).out
    found = built(consumers, workload(), stands)
    name = "ScaledObject checkout" if kind == "keda" else "HorizontalPodAutoscaler checkout"
    spec = found[name]["spec"]
    behavior = (
        spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] if kind == "keda" else spec["behavior"]
    )
    assert behavior["scaleUp"] == {**UP, "tolerance": "90m" if kind == "keda" else "52m"}


def test_formula_of_a_scaled_object_would_leave_the_floor_out_and_that_is_told(consumers: Consumers) -> None:
    stands = scaled_object(advanced={"scalingModifiers": {"formula": "queue / 2", "target": "1"}})
    found = consumers("keda", workload(), stands)
    assert found.code == 2 and "has a formula" in found.err


def test_hpa_that_keda_takes_over_is_gone_from_the_tree_and_replicas_too(consumers: Consumers) -> None:
    tree = (workload(replicas=6), hpa("web"))
    assert consumers("keda", *tree).code == 0
    found = built(consumers, *tree)
    assert set(found) == {"Deployment checkout", "ScaledObject checkout"}
    assert "replicas" not in found["Deployment checkout"]["spec"]


@pytest.mark.parametrize(
    "more", [{"namePrefix": "blue-"}, {"namespace": "shop"}, {"commonAnnotations": {"a": "b"}}]
)
def test_tree_builds_whatever_is_made_of_it_later(consumers: Consumers, more: dict[str, Any]) -> None:
    """The HPA is gone by then, and replicas as well."""
    consumers("keda", workload(replicas=6), hpa("web"))
    found = built(consumers, workload(), **more)
    assert {each["kind"] for each in found.values()} == {"Deployment", "ScaledObject"}


def test_namespace_that_the_tree_itself_sets_hides_nothing_from_the_patches(consumers: Consumers) -> None:
    base = [
        workload(replicas=6, namespace="base"),
        {**hpa("web"), "metadata": {"name": "web", "namespace": "base"}},
    ]
    plain = {**workload(replicas=6)}
    assert consumers("keda", plain, hpa("web")).code == 0
    found = built(consumers, *base, namespace="shop")
    assert set(found) == {"Deployment checkout", "ScaledObject checkout"}
    assert "replicas" not in found["Deployment checkout"]["spec"]


def test_patches_touch_no_service_of_the_same_name_in_another_namespace(consumers: Consumers) -> None:
    theirs = [workload(replicas=9, namespace="mail"), hpa("web")]
    theirs[1]["metadata"] = {"name": "web", "namespace": "mail"}
    tree = [workload(replicas=6), hpa("web"), *theirs]
    made = consumers("keda", *tree)
    assert made.files["checkout.yaml"]["spec"]["minReplicaCount"] == 3
    folder = consumers.folder / "tree"
    built(consumers, tree[0])  # the folder alone
    (folder / "all.yaml").write_text(yaml.safe_dump_all(tree))
    found = [(each["kind"], each["metadata"]["namespace"]) for each in kustomize_build(folder)]
    assert sorted(found) == [
        ("Deployment", "mail"),
        ("Deployment", "shop"),
        ("HorizontalPodAutoscaler", "mail"),
        ("ScaledObject", "shop"),
    ]
    mail = [each for each in kustomize_build(folder) if each["metadata"]["namespace"] == "mail"]
    assert [each["spec"]["replicas"] for each in mail if each["kind"] == "Deployment"] == [9]


def test_floors_of_another_namespace_in_the_tree_are_none_of_ours(consumers: Consumers) -> None:
    theirs = scaled_object(
        triggers=[{"type": "prometheus", "metadata": {"query": "max(predictive_scaling_min_replicas)"}}]
    )
    theirs["metadata"]["namespace"] = "mail"
    found = consumers(
        "keda", workload(), workload(namespace="mail"), theirs, services={"checkout": {"max": 5}}
    )
    assert found.code == 0 and "checkout.yaml" in found.files


def test_manifests_that_are_no_utf8_or_no_yaml_are_told_with_their_place(consumers: Consumers) -> None:
    path = consumers.folder / "other.yaml"
    for content, what in ((b"a: \xff", "not UTF-8"), (b"a: [", "other.yaml:2:1: this is no YAML")):
        path.write_bytes(content)
        found = consumers("keda", more=("--over", str(path)))
        assert found.code == 2 and what in found.err


def test_prefix_of_the_tree_reaches_the_target(consumers: Consumers) -> None:
    consumers("hpa", workload(), services={"checkout": {"max": 5}})
    found = built(consumers, workload(), namePrefix="blue-")["HorizontalPodAutoscaler blue-checkout"]
    assert found["spec"]["scaleTargetRef"]["name"] == "blue-checkout"


@pytest.mark.parametrize("kind", ["keda", "hpa"])
def test_tree_that_holds_the_component_already_is_refused(consumers: Consumers, kind: str) -> None:
    tree = (workload(replicas=6), hpa())
    consumers(kind, *tree)
    found = consumers(kind, *built(consumers, *tree).values())
    assert found.code == 2 and "reads a floor already" in found.err and "rendered.yaml:" in found.err


def test_writing_again_gives_the_same_bytes_and_clears_what_left(consumers: Consumers) -> None:
    two = {"checkout": {"max": 5}, "cart": {"max": 5}}
    tree = (workload(replicas=3), workload("cart", replicas=2))
    consumers("hpa", *tree, services=two)
    before = {path.name: path.read_bytes() for path in consumers.output.iterdir()}
    consumers("hpa", *tree, services=two)
    assert {path.name: path.read_bytes() for path in consumers.output.iterdir()} == before
    (consumers.output / "by-hand.yaml").write_text("a: 1\n")
    left = consumers("keda", tree[0], services={"checkout": {"max": 5}})
    assert set(left.files) == {
        *("by-hand.yaml", "checkout.yaml", "checkout-replicas.patch.yaml", "kustomization.yaml", "rules.yaml")
    }


def test_file_of_somebody_else_is_not_overwritten(consumers: Consumers) -> None:
    consumers.output.mkdir()
    (consumers.output / "kustomization.yaml").write_text("resources: []\n")
    found = consumers("keda", workload(), services={"checkout": {"max": 5}})
    assert found.code == 2 and "not written by this command" in found.err
    assert list(found.files) == ["kustomization.yaml"] and found.files["kustomization.yaml"] == {
        "resources": []
    }


@pytest.mark.parametrize("kind", ["keda", "hpa"])
def test_examples_are_what_the_command_writes(consumers: Consumers, kind: str) -> None:
    """Again: `python -m predictive_scaling consumers` as docs/consumers/README.md has it."""
    words = ("--over", str(EXAMPLES / "tree/shop.yaml"), "--services", str(EXAMPLES / "services.yaml"))
    assert consumers(kind, more=words).code == 0
    made = {path.name: path.read_text() for path in consumers.output.iterdir()}
    assert made == {path.name: path.read_text() for path in (EXAMPLES / kind).iterdir()}


# any shape


def some_shape(of: random.Random, at: int) -> Shape:
    """A shape as a cluster may have it."""
    amounts = [Amounts(), Amounts(0.25, 2.0**28), Amounts(1.5)]
    containers = [
        Container(name, of.choice(amounts), of.choice(amounts), name == "proxy")
        for name in of.sample(["app", "agent", "proxy"], of.randint(0, 3))
    ]
    scalers = [
        None,
        Scaler("HorizontalPodAutoscaler", "web", of.choice([None, 1, 7]), of.choice([None, 9, 300]), 0.5),
    ]
    return Shape(
        service=f"s{at}",
        namespace="shop",
        kind=of.choice(["", "Deployment", "StatefulSet", "Rollout", "ReplicaSet", "DaemonSet"]),
        replicas=of.choice([None, 0, 1, 8]),
        containers=tuple(containers),
        pod=of.choice(amounts),
        scaler=of.choice(scalers),
        max=of.choice([None, 5, 40, 1500]),
    )


@pytest.mark.parametrize("kind", ["keda", "hpa"])
@pytest.mark.parametrize("version", ["1.34", "1.37"])
def test_two_hundred_shapes_give_objects_that_are_taken_and_lower_nothing(
    consumers: Consumers, kind: str, version: str
) -> None:
    shapes = [some_shape(random.Random(at), at) for at in range(200)]
    path = consumers.folder / "shapes.json"
    path.write_bytes(pretty_bytes(shapes_document(shapes)))
    found = consumers(kind, more=("--shapes", str(path), "--kubernetes", version))
    assert found.code == 1  # some cannot have one
    made = [shape for shape in shapes if f"{shape.service}.yaml" in found.files]
    assert len(made) > 40
    for shape in made:
        content = found.files[f"{shape.service}.yaml"]
        least, most = _bounds(content, kind)
        stands = shape.scaler or Scaler("", "", shape.replicas)
        assert max(1, stands.min or 1) == least <= most
        assert most == max(each for each in (shape.max, stands.max) if each is not None)
        if kind == "hpa":
            kubernetes_validate.validate(content, version, strict=True)
        else:
            assert floor_trigger(content)["metadata"]["query"].count(f'service="{shape.service}"') == 2
    for shape in shapes:
        assert f"\n{shape.service}: " in f"\n{found.out}" or shape.kind == "DaemonSet"
    assert json.loads(json.dumps(found.files)) == found.files


def _bounds(content: Object, kind: str) -> tuple[int, int]:
    names = ("minReplicaCount", "maxReplicaCount") if kind == "keda" else ("minReplicas", "maxReplicas")
    return content["spec"][names[0]], content["spec"][names[1]]
