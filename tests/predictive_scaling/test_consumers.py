"""What `consumers` writes for a service, by its shape: objects that Kubernetes takes, and what people are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from consumer_kit import APP, Consumers, floor_trigger, hpa, scaled_object, workload
from pytest import CaptureFixture

BARE = {"name": "agent", "image": "mesh/agent:1"}
MAX = {"checkout": {"max": 40}}


@pytest.fixture
def consumers(tmp_path: Path, capsys: CaptureFixture[str]) -> Consumers:
    return Consumers(tmp_path, capsys)


def test_scaled_object_has_a_reactive_trigger_the_floor_and_a_way_down_without_prometheus(
    consumers: Consumers,
) -> None:
    found = consumers("keda", workload(), services=MAX)
    assert (found.code, found.err) == (0, "")
    spec = found.files["checkout.yaml"]["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 40)
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 1}
    cpu, floor = spec["triggers"]
    assert cpu == {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    assert (floor["metricType"], floor["metadata"]["threshold"]) == ("AverageValue", "1")
    assert floor["metadata"]["ignoreNullValues"] == "true"
    assert floor["metadata"]["query"].count('{environment="prod", namespace="shop", service="checkout"}') == 2
    assert "useCachedMetrics" not in floor and "pollingInterval" not in spec
    up = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleUp"]
    assert up["tolerance"] == "25m"
    assert {each["type"]: each["value"] for each in up["policies"]} == {"Percent": 900, "Pods": 100}


def test_autoscaler_is_one_that_kubernetes_takes(consumers: Consumers) -> None:
    found = consumers("hpa", workload(replicas=4), services=MAX)
    made = found.files["checkout.yaml"]
    kubernetes_validate.validate(made, "1.37", strict=True)
    assert [each["type"] for each in made["spec"]["metrics"]] == ["Resource", "External"]
    assert (made["spec"]["minReplicas"], made["spec"]["maxReplicas"]) == (4, 40)
    (rule,) = found.files["prometheus-adapter-values.yaml"]["rules"]["external"]
    assert rule["seriesQuery"] == "predictive_scaling:consumer:info"
    assert rule["metricsQuery"].endswith("or vector(0)\n")
    assert "cannot have it" in found.out


@pytest.mark.parametrize("kind", ["keda", "hpa"])
@pytest.mark.parametrize("version", ["1.33", "1.34", "v1.34.4"])
def test_older_cluster_is_asked_another_way_and_told_so(
    consumers: Consumers, kind: str, version: str
) -> None:
    found = consumers(kind, workload(), services=MAX, more=("--kubernetes", version))
    text = (consumers.output / "checkout.yaml").read_text()
    assert "tolerance:" not in text.split("apiVersion")[1]
    assert "has no tolerance" in text and "at most a tenth more" in text
    asked = (
        text
        if kind == "keda"
        else found.files["prometheus-adapter-values.yaml"]["rules"]["external"][0]["metricsQuery"]
    )
    assert "1.1 * (max(" in asked and ") - 1) + 0.01" in asked
    if kind == "hpa":
        kubernetes_validate.validate(found.files["checkout.yaml"], "1.33", strict=True)


@pytest.mark.parametrize(
    ("kind", "api"),
    [("StatefulSet", "apps/v1"), ("Rollout", "argoproj.io/v1alpha1"), ("ReplicaSet", "apps/v1")],
)
def test_target_is_what_the_shape_is(consumers: Consumers, kind: str, api: str) -> None:
    found = consumers("keda", workload("db", kind), services={"db": {"max": 9}})
    assert found.files["db.yaml"]["spec"]["scaleTargetRef"] == {"apiVersion": api, "kind": kind, "name": "db"}


@pytest.mark.parametrize("kind", ["keda", "hpa"])
@pytest.mark.parametrize(
    "more", [{"containers": [APP, BARE]}, {"init": [{**BARE, "restartPolicy": "Always"}]}]
)
def test_sidecar_without_a_request_leaves_the_main_container_to_scale_by(
    consumers: Consumers, kind: str, more: dict[str, Any]
) -> None:
    found = consumers(kind, workload(**more), services={"checkout": {"max": 40, "container": "app"}})
    spec = found.files["checkout.yaml"]["spec"]
    if kind == "keda":
        assert spec["triggers"][0]["metadata"] == {"containerName": "app", "value": "70"}
    else:
        assert spec["metrics"][0]["containerResource"]["container"] == "app"
        kubernetes_validate.validate(found.files["checkout.yaml"], "1.37", strict=True)
    assert "agent has no CPU request: the cpu trigger looks at app alone" in found.out


def test_sidecar_that_is_injected_later_is_foreseen_on_request(consumers: Consumers) -> None:
    found = consumers("keda", workload(), services=MAX, more=("--by-container",))
    assert found.files["checkout.yaml"]["spec"]["triggers"][0]["metadata"]["containerName"] == "app"


def test_pods_own_request_serves_an_hpa_and_not_kedas_webhook(consumers: Consumers) -> None:
    whole = workload(containers=[BARE])
    whole["spec"]["template"]["spec"]["resources"] = {"requests": {"cpu": "1"}}
    found = consumers("hpa", whole, services=MAX)
    assert found.files["checkout.yaml"]["spec"]["metrics"][0]["type"] == "Resource"
    assert consumers("keda", whole, services=MAX).code == 2


@pytest.mark.parametrize(
    ("objects", "services", "why"),
    [
        ([workload()], None, "its maximum is not known; say services: {checkout: {max: 40}}"),
        ([workload(containers=[BARE])], MAX, "agent has no CPU request, so nothing could scale it by cpu"),
        ([workload(kind="DaemonSet")], MAX, None),
        ([workload(), hpa(), scaled_object()], MAX, "scale it: Kubernetes then scales by neither"),
        ([workload(), hpa(), hpa("other")], MAX, "HPA"),
    ],
)
def test_service_that_can_have_none_is_told_with_what_to_do(
    consumers: Consumers, objects: list[dict[str, Any]], services: Any, why: str | None
) -> None:
    found = consumers("keda", *objects, workload("good"), services={**(services or {}), "good": {"max": 3}})
    assert sorted(name for name in found.files if name.startswith(("checkout", "good"))) == ["good.yaml"]
    assert found.code == (0 if why is None else 1)
    if why and why != "HPA":
        assert why in found.out


def test_nothing_that_could_be_written_is_bad_input(consumers: Consumers) -> None:
    found = consumers("keda", workload())
    assert found.code == 2 and "its maximum is not known" in found.err
    assert not consumers.output.exists()


def test_hpa_beside_a_scaled_object_is_refused_and_told(consumers: Consumers) -> None:
    found = consumers("hpa", workload(), scaled_object())
    assert found.code == 2
    assert "AmbiguousSelector" in found.err and "--kind keda" in found.err


def test_replicas_in_the_tree_are_told_and_taken_out(consumers: Consumers) -> None:
    found = consumers("keda", workload(replicas=6), services=MAX)
    assert found.files["checkout-replicas.patch.yaml"]["spec"] == {"replicas": None}
    assert "every apply would set the count back" in found.out
    assert found.files["checkout.yaml"]["spec"]["minReplicaCount"] == 6


def test_maximum_that_was_said_lowers_nothing_that_stands(consumers: Consumers) -> None:
    found = consumers("keda", workload(), hpa(), services={"checkout": {"max": 10}})
    spec = found.files["checkout.yaml"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 20)
    assert "max says 10, and 20 stands" in found.out


def test_existing_hpa_is_taken_over_by_keda_and_leaves_the_tree(consumers: Consumers) -> None:
    memory = {
        "type": "External",
        "external": {"metric": {"name": "x"}, "target": {"type": "Value", "value": "1"}},
    }
    old = hpa("web")
    old["spec"]["metrics"].append(memory)
    made = consumers("keda", workload(), old)
    scaled = made.files["checkout.yaml"]
    assert scaled["metadata"]["annotations"] == {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}
    assert scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["name"] == "web"
    assert scaled["spec"]["triggers"][0]["metadata"] == {"value": "60"}
    assert made.files["checkout-hpa.patch.yaml"]["$patch"] == "delete"
    assert "the HPA scales by External too: add triggers for that" in made.out


def test_adopted_hpas_container_is_kept_and_its_memory_told(consumers: Consumers) -> None:
    at60 = {"type": "Utilization", "averageUtilization": 60}
    metrics = [
        {
            "type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": "agent", "target": at60},
        },
        {"type": "Resource", "resource": {"name": "memory", "target": at60}},
    ]
    agent = {**APP, "name": "agent", "resources": {"requests": {"cpu": "100m"}}}
    made = consumers("keda", workload(containers=[APP, agent]), hpa(metrics=metrics))
    trigger = made.files["checkout.yaml"]["spec"]["triggers"][0]
    assert trigger["metadata"] == {"containerName": "agent", "value": "60"}
    assert "the HPA scales by memory too" in made.out and "ContainerResource" not in made.out


@pytest.mark.parametrize(("length", "named"), [(54, False), (55, True), (63, True)])
def test_name_that_is_too_long_for_kedas_hpa_gets_another(
    consumers: Consumers, length: int, named: bool
) -> None:
    name = "a" * length
    found = consumers("keda", workload(name), services={name: {"max": 3}})
    config = found.files[f"{name}.yaml"]["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
    assert config.get("name") == (name if named else None)


@pytest.mark.parametrize("name", ["007", "1e5", "null", "on", "y", "0x1f", "1-2-3"])
def test_name_that_yaml_may_take_for_something_else_stays_a_text(consumers: Consumers, name: str) -> None:
    found = consumers("keda", workload(name), services={name: {"max": 3}})
    made = found.files[f"{name}.yaml"]
    assert made["metadata"]["name"] == made["spec"]["scaleTargetRef"]["name"] == name
    assert f"name: '{name}'" in (consumers.output / f"{name}.yaml").read_text()


def test_what_stands_in_another_namespace_is_none_of_this_run(consumers: Consumers) -> None:
    found = consumers("keda", workload(), workload("cart", namespace="mail"), services={**MAX})
    assert "cart.yaml" not in found.files and found.code == 0


def test_tree_of_other_namespaces_alone_is_bad_input(consumers: Consumers) -> None:
    found = consumers("keda", workload("cart", namespace="mail"), services=MAX)
    assert found.code == 2
    assert "--over has no workload of namespace shop; its workloads are in mail" in found.err


def test_shape_from_values_alone_is_a_deployment_and_said_so(consumers: Consumers) -> None:
    found = consumers("keda", services=MAX)
    assert "its kind is not known and taken for Deployment" in found.out
    assert "its containers are not known" in found.out


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (("--environment", "a b"), "--environment 'a b'"),
        (("--namespace", "Shop"), "--namespace 'Shop'"),
        (("--prometheus", "prometheus:9090"), "--prometheus: write http://"),
        (("--prometheus", "http://u:hunter2@prometheus"), "leave that out"),
        (("--kubernetes", "2"), "--kubernetes 2"),
        (("--kubernetes", "1.22"), "from 1.23 on"),
        (("--lead-minutes", "-1"), "--lead-minutes -1"),
        (("--utilisation", "70"), "--utilisation 70"),
        (("--service", "other"), "--service other: no such service"),
    ],
)
def test_bad_argument_is_said_and_nothing_is_written(
    consumers: Consumers, more: tuple[str, ...], what: str
) -> None:
    found = consumers("keda", workload(), services=MAX, more=more)
    assert found.code == 2 and what in found.err and "hunter2" not in found.err
    assert not consumers.output.exists()


def test_lead_is_in_the_query_and_one_service_alone_can_be_written(consumers: Consumers) -> None:
    two = {**MAX, "cart": {"max": 5}}
    found = consumers(
        "keda", workload(), workload("cart"), services=two, more=("--lead-minutes", "25", "--service", "cart")
    )
    assert "checkout.yaml" not in found.files
    assert "vector(time() + 1500)" in floor_trigger(found.files["cart.yaml"])["metadata"]["query"]


def test_keda_reads_a_prometheus_that_wants_a_token(consumers: Consumers) -> None:
    found = consumers("keda", workload(), services=MAX, more=("--authentication", "prometheus"))
    trigger = floor_trigger(found.files["checkout.yaml"])
    assert trigger["authenticationRef"] == {"name": "prometheus"}
    assert trigger["metadata"]["authModes"] == "bearer"
    refused = consumers("hpa", workload(), services=MAX, more=("--authentication", "prometheus"))
    assert refused.code == 2 and "it is KEDA's" in refused.err


def test_rules_say_whose_floor_is_read_for_prometheus_and_for_its_operator(consumers: Consumers) -> None:
    found = consumers("keda", workload(), services=MAX, more=("--prometheus-rule", "stack"))
    labels = {"environment": "prod", "namespace": "shop", "service": "checkout"}
    (group,) = found.files["rules.yaml"]["groups"]
    assert [rule["labels"] for rule in group["rules"]] == [labels]
    rule = found.files["prometheus-rule.yaml"]
    assert rule["spec"] == found.files["rules.yaml"] and rule["metadata"]["labels"] == {"release": "stack"}
    assert "prometheus-rule.yaml" in found.files["kustomization.yaml"]["resources"]
    assert "rules.yaml" not in found.files["kustomization.yaml"]["resources"]
