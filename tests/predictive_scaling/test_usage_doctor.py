"""The doctor on real Prometheus servers that hold a small cluster's series in each scrape shape."""

import pytest
from doctor_kit import CHART, EXAMPLE, NOW, STACK, asked, only, prometheus
from predictive_scaling.__main__ import main
from scrape_series import END, recorded, relabelled, with_past


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("stack"), with_past(recorded(STACK), 25)) as server:
        yield server


def test_sound_scrape_has_no_problem(stack, capsys):
    code, found = asked(stack, capsys)
    assert (code, only(found)) == (0, set())
    assert found["scrape"]["text"] == "scraped as by kube-prometheus-stack"
    assert "25.0 days back" in found["history"]["text"]
    assert "4 services with usage, none without" in found["usage"]["text"]


def test_names_of_other_namespaces_are_told(stack, capsys):
    _, found = asked(stack, capsys)
    assert found["namespaces"]["level"] == "note"
    assert "db" in found["namespaces"]["text"]
    assert "namespace" in found["namespaces"]["remedy"]


def test_absent_rules_are_a_note_with_what_to_load(stack, capsys):
    _, found = asked(stack, capsys)
    assert found["rules"]["level"] == "note"
    assert "docs/prometheus/recording-rules.yaml" in found["rules"]["remedy"]


def test_people_get_a_line_and_what_to_do(stack, capsys):
    assert main(["doctor", "--url", stack.url, "--namespace", "shop", "--now", NOW]) == 0
    out = capsys.readouterr().out
    assert "ok       scrape: scraped as by kube-prometheus-stack" in out
    assert "\n         → load docs/prometheus" in out


def test_namespace_that_is_misspelt_is_a_problem(stack, capsys):
    code, found = asked(stack, capsys, namespace="shoop")
    assert code == 1
    assert {"containers", "owners"} <= only(found)
    assert "spelt" in found["containers"]["remedy"]


def test_chart_is_named_and_has_no_problem_but_its_history(tmp_path, capsys):
    with prometheus(tmp_path, with_past(recorded(CHART), 9)) as server:
        code, found = asked(server, capsys)
    assert (code, only(found)) == (1, {"history"})
    assert found["scrape"]["text"] == "scraped as by chart prometheus"
    assert "enough for constants" in found["history"]["text"]
    assert "retention" in found["history"]["remedy"]


def test_example_lacks_honor_labels_and_scrapes_twice(tmp_path, capsys):
    with prometheus(tmp_path, with_past(recorded(EXAMPLE), 25)) as server:
        code, found = asked(server, capsys)
    assert (code, only(found)) == (1, {"honor_labels", "twice"})
    assert found["scrape"]["text"] == "scraped as by Prometheus' example"
    assert "exported_namespace" in found["honor_labels"]["text"]
    assert "honor_labels: true" in found["honor_labels"]["remedy"]
    assert "kubernetes-pods" in found["twice"]["text"]
    assert "kubernetes-service-endpoints" in found["twice"]["text"]


def manifests(labels):
    """As kube-prometheus' own ServiceMonitors leave labels: the target's are dropped from kube-state-metrics' rows."""
    if labels["__name__"].startswith("kube_"):
        for name in ("service", "endpoint", "container"):
            labels.pop(name, None)
    else:
        labels["service"] = "kubelet"
    return labels


def test_manifests_of_kube_prometheus_are_named(tmp_path, capsys):
    with prometheus(tmp_path, with_past(relabelled(recorded(STACK), manifests), 25)) as server:
        code, found = asked(server, capsys)
    assert (code, found["scrape"]["text"]) == (0, "scraped as by kube-prometheus")


def resource(labels):
    if not labels["__name__"].startswith("container_") or "container" not in labels:
        return None
    return {**labels, "metrics_path": "/metrics/resource"}


def test_resource_metrics_beside_cadvisor_are_told(tmp_path, capsys):
    series = recorded(STACK)
    with prometheus(tmp_path, with_past([*series, *relabelled(series, resource)], 25)) as server:
        code, found = asked(server, capsys)
    assert (code, only(found)) == (1, {"resource"})
    assert "/metrics/resource is scraped beside /metrics/cadvisor" in found["resource"]["text"]


def without_containers(labels):
    return None if labels["__name__"].startswith("container_") and "container" in labels else labels


def test_kubelet_without_container_rows_is_told(tmp_path, capsys):
    with prometheus(tmp_path, with_past(relabelled(recorded(STACK), without_containers), 25)) as server:
        code, found = asked(server, capsys)
    assert code == 1
    assert {"containers", "usage"} <= only(found)
    assert "none of a container" in found["containers"]["text"]
    assert "socket" in found["containers"]["remedy"]


def without_api(labels):
    api = labels["__name__"].startswith("container_") and labels.get("pod", "").startswith("api-")
    return None if api else labels


def test_service_without_usage_is_named(tmp_path, capsys):
    with prometheus(tmp_path, with_past(relabelled(recorded(STACK), without_api), 25)) as server:
        code, found = asked(server, capsys)
    assert (code, only(found)) == (1, {"usage"})
    assert "1 of 4 services have pods and no usage: api" in found["usage"]["text"]


def as_statefulset(labels):
    """The DaemonSet's pods once more, as those of a StatefulSet of the Deployment's name."""
    if labels["__name__"] == "kube_pod_owner" and labels.get("owner_name") == "agent":
        return {**labels, "owner_kind": "StatefulSet", "owner_name": "api"}
    return labels


def test_one_name_in_two_kinds_is_told(tmp_path, capsys):
    with prometheus(tmp_path, with_past(relabelled(recorded(STACK), as_statefulset), 25)) as server:
        code, found = asked(server, capsys)
    assert (code, only(found)) == (1, {"names"})
    assert "api (Deployment and StatefulSet)" in found["names"]["text"]


def in_clusters(*names):
    series = recorded(STACK)
    return [
        each
        for name in names
        for each in relabelled(series, lambda labels, name=name: {**labels, "cluster": name})
    ]


def test_several_clusters_are_told_and_one_can_be_chosen(tmp_path, capsys):
    with prometheus(tmp_path, with_past(in_clusters("east", "west"), 25)) as server:
        code, found = asked(server, capsys)
        chosen, of_one = asked(server, capsys, "--matcher", "cluster=east")
    assert (code, only(found)) == (1, {"clusters"})
    assert "east, west" in found["clusters"]["text"]
    assert "--matcher cluster=east" in found["clusters"]["remedy"]
    assert (chosen, only(of_one)) == (0, set())


def pushed(**labels):
    name = {"__name__": "predictive_scaling_valid_until_seconds"}
    return (name | labels, [(END - 20.0, END + 3600.0)])


@pytest.mark.parametrize(
    ("labels", "problems"),
    [
        pytest.param({"job": "predictive-scaling", "service": "api"}, set(), id="honoured"),
        pytest.param(
            {"job": "pushgateway", "service": "gateway", "exported_service": "api"},
            {"pushgateway"},
            id="renamed",
        ),
    ],
)
def test_gauges_of_a_pushgateway_without_honor_labels_are_told(tmp_path, capsys, labels, problems):
    with prometheus(tmp_path, [*with_past(recorded(STACK), 25), pushed(**labels)]) as server:
        code, found = asked(server, capsys)
    assert (code, only(found)) == (len(problems), problems)
    assert "pushgateway" in found


@pytest.mark.parametrize(
    ("hours", "every", "problems"),
    [(8.0, 3.0, set()), (10.0, 3.0, {"runs"}), (33.0, 24.0, set()), (500.0, 0.0, None)],
)
def test_run_that_is_overdue_by_its_own_schedule_is_told(tmp_path, capsys, hours, every, problems):
    of = {"namespace": "shop", "environment": "prod", "pipeline": "predictive-scaling-forecast"}
    names = {"last_success": END - 3600 * hours, "every": 3600 * every}
    gauges = [
        ({"__name__": f"predictive_scaling_run_{name}_seconds", **of}, [(END - 20.0, value)])
        for name, value in names.items()
    ]
    with prometheus(tmp_path, [*with_past(recorded(STACK), 25), *gauges]) as server:
        _, found = asked(server, capsys)
    assert ("runs" in found) is (problems is not None)
    assert only(found) == (problems or set())
    if problems:
        said = f"predictive-scaling-forecast of prod succeeded {hours:.1f} h ago, and is to run every 3 h"
        assert found["runs"]["text"] == said
