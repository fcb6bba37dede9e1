"""The doctor on real Prometheus servers that hold a small cluster's series in each scrape shape."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files

import jsonschema
import pytest
import requests
from predictive_scaling.__main__ import main
from predictive_scaling.base.web import Server
from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.clock import clock_findings
from predictive_scaling.doctor.history import enough_for
from scrape_series import END, openmetrics, recorded, relabelled, with_past
from servers.process import free_port
from servers.prometheus import PrometheusServer, backfill

STACK, CHART, EXAMPLE = "kube-prometheus-stack-10s", "chart-prometheus-60s", "example-two-jobs-60s"
SCHEMA = json.loads((files("predictive_scaling") / "schemas/doctor.v1.schema.json").read_text())
NOW = datetime.fromtimestamp(END, UTC).isoformat()


@contextmanager
def prometheus(folder, series, configuration=""):
    backfill(openmetrics(series), folder)
    server = PrometheusServer(folder, configuration)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def asked(server, capsys, *more, namespace="shop"):
    """Exit code, and findings by check."""
    words = ["doctor", "--url", server.url, "--namespace", namespace, "--now", NOW]
    code = main([*words, "--json", *more])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return code, {each["check"]: each for each in document["findings"]}


def only(findings):
    return {name for name, each in findings.items() if each["level"] == "problem"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("stack"), with_past(recorded(STACK), 25)) as server:
        yield server


def test_sound_scrape_has_no_problem(stack, capsys):
    code, found = asked(stack, capsys)
    assert (code, only(found)) == (0, set())
    assert found["scrape"]["text"] == "scraped as by kube-prometheus-stack"
    assert "25.0 days back" in found["history"]["text"]
    assert "all 4 services have usage" in found["usage"]["text"]


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


def rules(expression):
    """A file of our two rules, of which one may fail."""
    return f"""
groups:
- name: usage
  interval: 1s
  rules:
  - record: predictive_scaling:cpu_cores:rate5m
    expr: {expression}
  - record: predictive_scaling:memory_bytes:working_set
    expr: label_replace(vector(1), "namespace", "shop", "", "")
"""


GOOD = 'label_replace(vector(1), "namespace", "shop", "", "")'
TWO = '(label_replace(vector(1), "b", "1", "", "") or label_replace(vector(1), "b", "2", "", ""))'


def examined_with(folder, capsys, expression):
    """Findings now, with rules that were evaluated."""
    (folder / "rules.yml").write_text(rules(expression))
    configuration = f"global: {{evaluation_interval: 1s}}\nrule_files: [{folder / 'rules.yml'}]\n"
    with prometheus(folder, recorded(STACK), configuration) as server:
        server.process.wait_until(lambda: _evaluated(server))
        main(["doctor", "--url", server.url, "--namespace", "shop", "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return [each for each in found if each["check"] == "rules"]


def test_rule_that_fails_is_told_with_its_error(tmp_path, capsys):
    found = examined_with(tmp_path, capsys, f"vector(1) * on (a) {TWO}")
    assert "rule predictive_scaling:cpu_cores:rate5m fails: " in found[0]["text"]
    assert "many-to-many" in found[0]["text"] or "duplicate" in found[0]["text"]
    assert "no series of this namespace in predictive_scaling:cpu_cores:rate5m" in found[1]["text"]


def test_rules_that_are_evaluated_are_fine(tmp_path, capsys):
    (found,) = examined_with(tmp_path, capsys, GOOD)
    assert (found["level"], found["text"]) == ("ok", "2 recording rules, all evaluated")


def _evaluated(server):
    groups = requests.get(f"{server.url}/api/v1/rules", timeout=10).json()["data"]["groups"]
    return all(rule["health"] != "unknown" for group in groups for rule in group["rules"])


def test_prometheus_that_does_not_answer_ends_with_4(monkeypatch, capsys):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "0")
    assert main(["doctor", "--url", f"http://127.0.0.1:{free_port()}", "--namespace", "shop"]) == 4
    assert "Prometheus did not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--namespace", "shop"], "PREDICTIVE_SCALING_PROMETHEUS_URL"),
        (["--url", "http://localhost"], "--namespace"),
        (["--url", "localhost:9090", "--namespace", "shop"], "http://"),
        (["--url", "http://localhost", "--namespace", 'x"} or up{a="'], "DNS-1123"),
        (["--url", "http://localhost", "--namespace", "shop", "--matcher", "east"], "LABEL=VALUE"),
        (["--url", "http://localhost", "--namespace", "shop", "--now", "yesterday"], "ISO 8601"),
    ],
)
def test_bad_usage_ends_with_2(words, told, capsys):
    assert main(["doctor", *words]) == 2
    assert told in capsys.readouterr().err


def test_clock_that_is_off_is_told(stack):
    place = Place(Server("PROMETHEUS", stack.url), "shop")
    real = datetime.now(UTC).timestamp()
    (near,) = clock_findings(place, real)
    (far,) = clock_findings(place, real + 1000)
    assert (near.level, far.level) == ("ok", "problem")
    assert "behind" in far.text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (3, "nothing but constants"),
        (8, "from 12"),
        (13, "weekly terms from 14"),
        (15, "from 21"),
        (30, "every fold"),
    ],
)
def test_history_is_told_by_what_it_is_enough_for(days, text):
    assert text in enough_for(days)


def test_query_that_is_too_much_is_told_and_the_others_are_answered(tmp_path, capsys):
    backfill(openmetrics(with_past(recorded(STACK), 25)), tmp_path)
    server = PrometheusServer(tmp_path, options=["--query.max-samples=150"])
    server.start()
    try:
        code, found = asked(server, capsys)
    finally:
        server.kill()
    assert code == 1
    assert "cannot be looked at" in found["history"]["text"]
    assert "max-samples" in found["history"]["remedy"]
    assert found["usage"]["level"] == "ok"
