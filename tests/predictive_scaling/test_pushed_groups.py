"""Whose groups are whose on a real Pushgateway: places apart, what ended cleared, strangers left alone."""

import pytest
import requests
from exit_kit import SUCCEEDED, end
from predictive_scaling import steps
from predictive_scaling.tell.gauges import Gauge, gauges
from predictive_scaling.tell.pushing import groups, push, push_data, push_recommendation, pushgateway
from settling import settled
from test_pushgateway import CONSTANT, MEMORY, MODEL, document

FLOORED = {
    **MODEL,
    "max_replicas": 20,
    "floors": [
        {"start": "2026-11-23T22:00:00Z", "replicas": 3, "wanted": 3},
        {"start": "2026-11-23T23:00:00Z", "replicas": 20, "wanted": 27},
        {"start": "2026-11-24T23:00:00Z", "replicas": 18, "wanted": 18},
    ],
}


@pytest.fixture
def server(pushgateway_server, monkeypatch):
    """An empty Pushgateway that the settings name."""
    requests.put(f"{pushgateway_server.url}/api/v1/admin/wipe", timeout=60).raise_for_status()
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", pushgateway_server.url)
    return pushgateway_server


@pytest.fixture
def at(server, monkeypatch):
    """`at(environment, namespace)`: the place in which a run runs."""

    def move(environment, namespace=""):
        monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", environment)
        monkeypatch.setenv("PREDICTIVE_SCALING_NAMESPACE", namespace)
        return pushgateway()

    return move


def labels(server):
    """Labels of every group on the Pushgateway, without the job."""
    listed = requests.get(f"{server.url}/api/v1/metrics", timeout=60).json()["data"]
    return sorted(
        tuple(value for name, value in sorted(each["labels"].items()) if name != "job") for each in listed
    )


def metrics(server):
    return requests.get(f"{server.url}/metrics", timeout=60).text


def named(found, name):
    return {dict(each.labels).get("hour"): each.value for each in found if each.name == name}


def test_hourly_floors_are_pushed_with_what_was_wanted_without_the_maximum():
    found = gauges(document(checkout=(FLOORED, MEMORY)), with_floors=True)["checkout"]
    assert named(found, "min_replicas") == {"22": 3, "23": 20}
    assert named(found, "wanted_replicas") == {"22": 3, "23": 27}
    assert named(found, "max_replicas") == {None: 20}
    assert named(found, "lead_seconds") == {None: 600}


def test_lead_is_the_documents_and_no_floor_no_maximum():
    found = gauges({**document(a=(FLOORED, MEMORY)), "lead_minutes": 25}, with_floors=False)["a"]
    assert named(found, "lead_seconds") == {None: 1500}
    assert {each.name for each in found}.isdisjoint({"min_replicas", "wanted_replicas", "max_replicas"})


def test_what_is_wanted_is_not_made_up_where_the_document_does_not_say():
    found = gauges(document(a=(CONSTANT, MEMORY)), with_floors=True)["a"]
    assert len(named(found, "min_replicas")) == 24
    assert named(found, "wanted_replicas") == named(found, "max_replicas") == {}


@pytest.mark.parametrize("other", [("dev", "mail"), ("prod", "shop"), ("dev", "")])
def test_runs_of_two_places_leave_each_others_groups_alone(server, at, other):
    push_recommendation(at(*other), document(theirs=(MODEL, MEMORY)), with_floors=True)
    push_data({"theirs": 1.0}, 5)
    theirs = labels(server)
    push_recommendation(at("dev", "shop"), document(old=(MODEL, MEMORY)), with_floors=True)
    push_data({"old": 1.0}, 5)
    assert push_recommendation(pushgateway(), document(new=(MODEL, MEMORY)), with_floors=True) == ["old"]
    wanted = sorted([*theirs, ("dev", "shop", "new"), ("dev", "shop", "validate-data")])
    assert settled(lambda: labels(server), wanted) == wanted


def test_place_is_what_the_recommendation_says_of_itself(server, at):
    said = {**document(a=(MODEL, MEMORY)), "environment": "prod", "namespace": "shop"}
    push_recommendation(at("", ""), said, with_floors=True)
    assert labels(server) == [("prod", "shop", "a")]
    assert push_recommendation(pushgateway(), {**said, "services": []}, with_floors=True) == ["a"]
    assert settled(lambda: labels(server), []) == []


def _before_namespaces(gateway, service, until):
    """As a version that knew no namespaces pushed it."""
    push(gateway, {"service": service}, [Gauge("valid_until_seconds", (), until)])


def test_what_an_earlier_version_pushed_without_a_namespace_is_cleared(server, at, tmp_path):
    before = at("dev")
    _before_namespaces(before, "checkout", 9e9)
    _before_namespaces(before, "left-long-ago", 1e9)
    _before_namespaces(before, "of-a-run-not-upgraded", 9e9)
    push(before, {"pipeline": "predictive-scaling"}, [Gauge("run_success", (), 1)])
    push(before, {"task": "validate-data"}, [Gauge("quality_score", (("service", "checkout"),), 1)])
    push_recommendation(at("dev", "shop"), document(checkout=(MODEL, MEMORY)), with_floors=True)
    push_data({"checkout": 1.0}, 5)
    end(tmp_path, SUCCEEDED, "")
    wanted = [
        ("dev", "of-a-run-not-upgraded"),
        ("dev", "shop", "checkout"),
        ("dev", "shop", "predictive-scaling"),
        ("dev", "shop", "validate-data"),
    ]
    assert settled(lambda: labels(server), wanted) == wanted


def test_status_of_a_run_in_another_namespace_stays(server, at, tmp_path):
    at("dev")
    end(tmp_path, SUCCEEDED, "")
    at("dev", "shop")
    end(tmp_path, SUCCEEDED, "")
    assert labels(server) == [("dev", "predictive-scaling"), ("dev", "shop", "predictive-scaling")]


FOREIGN = (
    "/metrics/job/other/service/checkout/environment/dev/namespace/shop",
    "/metrics/job/predictive-scaling/environment/dev/namespace/shop/service@base64/Li4",  # ..
    "/metrics/job/predictive-scaling/environment/dev/namespace/shop/service@base64/=",  # empty
    "/metrics/job/predictive-scaling/environment/dev/namespace/shop/service/checkout/extra/1",
    "/metrics/job/predictive-scaling/service@base64/w6Qv8J-SqQ",  # a letter with dots, a slash, a picture
    "/metrics/job@base64/8J-SqQ",
)


def test_foreign_groups_are_ignored_however_odd_their_labels(server, at):
    gateway = at("dev", "shop")
    for path in FOREIGN:
        body = b"# TYPE something gauge\nsomething NaN\n"
        requests.post(f"{server.url}{path}", data=body, timeout=60).raise_for_status()
    before = labels(server)
    assert push_recommendation(gateway, document(a=(MODEL, MEMORY)), with_floors=True) == []
    assert labels(server) == sorted([*before, ("dev", "shop", "a")])
    assert all(each.labels["job"] == "predictive-scaling" for each in groups(gateway))


class _Listing:
    """A gateway whose list of groups is as given; what is deleted is kept."""

    def __init__(self, body):
        self.url, self.body, self.calls = "http://gateway", body, []

    def call(self, method, path, **_):
        self.calls.append((method, path))
        return self.body if method == "GET" else b""


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": [null, 7, {"labels": null}, {"labels": {"job": ["predictive-scaling"]}}]}',
        b'{"data": [{"labels": {"job": "predictive-scaling", "service": 7, "environment": "dev"}}]}',
        b'{"data": [{"labels": {"job": "predictive-scaling", "service": "x"}, "predictive_scaling_a": null}]}',
    ],
)
def test_list_with_odd_members_deletes_nothing(at, body):
    at("dev", "shop")
    gateway = _Listing(body)
    assert push_recommendation(gateway, document(a=(MODEL, MEMORY)), with_floors=True) == []
    assert [method for method, _ in gateway.calls] == ["PUT", "GET"]


def test_run_without_data_says_so(server, at, tmp_path):
    at("dev", "shop")
    (tmp_path / "usage.csv").write_text("timestamp,service,cpu,memory\n")
    paths = [str(tmp_path / name) for name in ("usage.csv", "clean", "validation", "report")]
    assert not steps.validate_data(*paths, rules(), "2026-11-24T05:00:00Z").passed
    assert 'predictive_scaling_run_rows{environment="dev",instance="",job="predictive-scaling",' in metrics(
        server
    )
    assert any(
        line.startswith("predictive_scaling_run_rows") and line.endswith(" 0")
        for line in metrics(server).splitlines()
    )


def rules():
    from predictive_scaling.usage.validation import ValidationRules

    return ValidationRules()


@pytest.mark.parametrize("entry", [MODEL, CONSTANT, FLOORED], ids=["blocks", "constant", "hourly"])
def test_floors_of_the_gauges_are_those_of_the_recommendation(entry):
    from predictive_scaling.recommend.floors import hours_of_day

    pushed = named(gauges(document(a=(entry, MEMORY)), with_floors=True)["a"], "min_replicas")
    assert pushed == {str(hour): count.replicas for hour, count in hours_of_day(entry)}
