"""Gauges on a real Pushgateway: what is pushed, what is replaced, what is removed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests
from predictive_scaling import steps
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.base.web import Server
from predictive_scaling.recommend.floors import in_force
from predictive_scaling.tell.gauges import Gauge, floors, gauges
from predictive_scaling.tell.pushing import (
    deliver,
    push,
    push_data,
    push_recommendation,
    pushed_services,
    pushgateway,
    registry,
)
from predictive_scaling.usage.validation import ValidationRules
from prometheus_client import generate_latest
from servers.process import free_port
from settling import settled
from usage_data import end_of, usage, write

MODEL = {
    "unit": "cores",
    "source": "profile_level",
    "accuracy": 0.87,
    "skill": 0.06,
    "baseline": "snaive_1d",
    "over95": 0.05,
    "request": 1.5,
    "blocks": [
        {
            "start": "2026-11-23T22:00:00Z",
            "end": "2026-11-24T02:00:00Z",
            "p50": 1.0,
            "p95": 1.3,
            "min_replicas": 3,
        },
        {
            "start": "2026-11-24T02:00:00Z",
            "end": "2026-11-24T06:00:00Z",
            "p50": 0.5,
            "p95": 0.8,
            "min_replicas": 2,
        },
    ],
}
CONSTANT = {
    "unit": "cores",
    "source": "fallback",
    "reason": "short",
    "request": 2.0,
    "p90": 1.7,
    "min_replicas": 4,
}
MEMORY = {"unit": "bytes", "source": "fallback", "reason": "short", "request": 1e9, "p90": 9e8}
NOTHING = {"unit": "bytes", "source": "none", "reason": "no usable data"}


def document(**services):
    return {
        "schema": "predictive-scaling/v1",
        "run_id": "r",
        "generated_at": "2026-11-23T21:00:00Z",
        "valid_until": "2026-11-25T10:00:00Z",
        "granularity": "1h",
        "horizon_hours": 24,
        "services": [
            {"service": name, "cpu": cpu, "memory": memory} for name, (cpu, memory) in services.items()
        ],
    }


def by_name(found):
    return {(each.name, *sorted(dict(each.labels).items())): each.value for each in found}


def test_block_gives_its_floor_to_each_of_its_hours_across_midnight():
    found = {each.hour: each.replicas for each in floors(document(checkout=(MODEL, MEMORY)))}
    assert found == {22: 3, 23: 3, 0: 3, 1: 3, 2: 2, 3: 2, 4: 2, 5: 2}


def test_constant_holds_for_every_hour():
    assert [each.replicas for each in floors(document(late=(CONSTANT, MEMORY)))] == [4] * 24


def test_hour_that_comes_twice_has_the_higher_floor():
    day_later = {
        **MODEL["blocks"][0],
        "start": "2026-11-24T22:00:00Z",
        "end": "2026-11-24T23:00:00Z",
        "min_replicas": 5,
    }
    twice = {**MODEL, "blocks": [*MODEL["blocks"], day_later]}
    assert {each.hour: each.replicas for each in floors(document(a=(twice, MEMORY)))}[22] == 5


def test_nothing_recommended_gives_no_floor():
    assert floors(document(a=({**NOTHING, "unit": "cores"}, NOTHING))) == []


def test_gauges_of_a_service_carry_scale_unit_and_expiry():
    found = by_name(gauges(document(checkout=(MODEL, MEMORY)), with_floors=True)["checkout"])
    scale = (("granularity", "1h"), ("horizon", "24h"), ("metric", "cpu"))
    assert found[("accuracy", *scale)] == 0.87
    assert found[("skill", *scale)] == 0.06
    assert found[("forecast", ("metric", "cpu"), ("quantile", "0.95"), ("unit", "cores"))] == 1.3
    assert found[("request", ("metric", "memory"), ("unit", "bytes"))] == 1e9
    assert found[("fallback", ("metric", "cpu"))] == 0
    assert found[("fallback", ("metric", "memory"))] == 1
    assert found[("valid_until_seconds",)] == 1795600800
    assert found[("min_replicas", ("hour", "0"))] == 3


def test_entry_that_was_carried_over_ends_the_floors_of_its_service_alone():
    carried = {**MODEL, "valid_until": "2026-01-01T06:00:00Z"}
    found = gauges(document(checkout=(carried, MEMORY), search=(MODEL, MEMORY)), with_floors=True)
    ends = {
        name: [each.value for each in found[name] if each.name == "valid_until_seconds"] for name in found
    }
    assert ends["checkout"] == [1767247200.0]
    assert ends["search"] > ends["checkout"]


def test_memory_that_ends_before_ends_no_floors():
    """What is pushed is what `in_force` says: floors are cpu's, and memory's request has its own end."""
    said = document(checkout=(MODEL, {**MEMORY, "valid_until": "2026-01-01T06:00:00Z"}))
    found = by_name(gauges(said, with_floors=True)["checkout"])
    assert found[("valid_until_seconds",)] == 1795600800
    assert found[("request_valid_until_seconds", ("metric", "memory"))] == 1767247200
    assert found[("request_valid_until_seconds", ("metric", "cpu"))] == 1795600800
    last = datetime.fromtimestamp(1795600800, UTC)
    held = document(checkout=({**MODEL, "min_replicas": 2}, said["services"][0]["memory"]))
    assert in_force(held, "checkout", last - timedelta(seconds=1)) == 2
    assert in_force(held, "checkout", last) is None


def test_forecast_only_gives_no_floors():
    found = gauges(document(checkout=(MODEL, MEMORY)), with_floors=False)["checkout"]
    assert "min_replicas" not in {each.name for each in found}


@pytest.fixture
def gateway(pushgateway_server, monkeypatch):
    """An empty gateway of the environment `dev`."""
    requests.put(f"{pushgateway_server.url}/api/v1/admin/wipe", timeout=60).raise_for_status()
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", pushgateway_server.url)
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "dev")
    return pushgateway()


def metrics(server):
    return requests.get(f"{server.url}/metrics", timeout=60).text


def test_service_is_pushed_under_its_job_and_environment(gateway, pushgateway_server):
    push_recommendation(gateway, document(checkout=(MODEL, MEMORY)), with_floors=True)
    labels = 'environment="dev",hour="23",instance="",job="predictive-scaling",service="checkout"'
    assert f"predictive_scaling_min_replicas{{{labels}}} 3" in metrics(pushgateway_server)


def test_service_that_left_is_removed_and_strangers_stay(gateway, pushgateway_server, monkeypatch):
    push_recommendation(gateway, document(old=(MODEL, MEMORY), kept=(MODEL, MEMORY)), with_floors=True)
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "prod")
    push(gateway, {"service": "old"}, [Gauge("accuracy", (), 0.5)])
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "dev")
    push(gateway, {"task": "validate"}, [Gauge("quality_score", (("service", "old"),), 1)])
    assert push_recommendation(gateway, document(kept=(MODEL, MEMORY)), with_floors=True) == ["old"]
    assert settled(lambda: pushed_services(gateway), ["kept"]) == ["kept"]
    assert 'environment="prod",instance="",job="predictive-scaling",service="old"' in metrics(
        pushgateway_server
    )
    assert "predictive_scaling_quality_score" in metrics(pushgateway_server)


def test_gauge_of_an_earlier_push_does_not_survive(gateway, pushgateway_server):
    push_recommendation(gateway, document(a=(MODEL, MEMORY)), with_floors=True)
    push_recommendation(gateway, document(a=(MODEL, MEMORY)), with_floors=False)
    assert "predictive_scaling_min_replicas" not in metrics(pushgateway_server)


def test_other_metrics_of_a_group_are_kept_on_request(gateway, pushgateway_server):
    push(gateway, {"task": "run"}, [Gauge("last_success_seconds", (), 1.0)])
    push(gateway, {"task": "run"}, [Gauge("run_success", (), 0.0)], keep_others=True)
    assert "predictive_scaling_last_success_seconds" in metrics(pushgateway_server)


def test_hostile_service_name_stays_in_its_place(gateway):
    push_recommendation(gateway, document(kept=(MODEL, MEMORY)), with_floors=True)
    for name in ("a b?x=1#%2F", "a+b", "../admin", "..."):
        push_recommendation(
            gateway, document(**{name: (MODEL, MEMORY), "kept": (MODEL, MEMORY)}), with_floors=True
        )
        both = sorted([name, "kept"])
        assert settled(lambda: sorted(pushed_services(gateway)), both) == both


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_name_that_names_no_group_touches_none(gateway, name):
    push(gateway, {"service": "a"}, [Gauge("accuracy", (), 0.5)])
    with pytest.raises(InputError, match="empty or dots alone"):
        push(gateway, {"service": name}, [])
    assert pushed_services(gateway) == ["a"]


def test_gateway_killed_and_started_again_has_what_was_pushed(gateway, pushgateway_server):
    push_recommendation(gateway, document(a=(MODEL, MEMORY)), with_floors=True)
    pushgateway_server.process.process.terminate()
    pushgateway_server.process.process.wait()
    pushgateway_server.start()
    assert pushed_services(gateway) == ["a"]


def test_gateway_that_does_not_answer_is_a_remote_error_when_patience_is_over():
    pauses = []
    url = f"http://127.0.0.1:{free_port()}/secret-path"
    away = Server("PUSHGATEWAY", url, sleep=pauses.append, clock=lambda: sum(pauses))
    with pytest.raises(RemoteError, match="Pushgateway did not answer") as caught:
        push(away, {"service": "a"}, [])
    assert 50 < sum(pauses) <= 60
    assert "secret-path" not in str(caught.value) + repr(away)


def test_gateway_that_refuses_is_asked_once(gateway):
    with pytest.raises(RemoteError, match="Pushgateway answered 400"):
        gateway.call("PUT", "/metrics/job/x", body=b"not exposition\n")


def test_floors_must_arrive_and_figures_need_not(monkeypatch):
    logged = []
    monkeypatch.setattr("predictive_scaling.tell.pushing.log", lambda message, **_: logged.append(message))
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "0")
    with pytest.raises(RemoteError):
        deliver(document(a=(MODEL, MEMORY)), with_floors=True)
    deliver(document(a=(MODEL, MEMORY)), with_floors=False)
    push_data({"a": 0.5}, 7)
    assert logged == ["gauges were not pushed", "quality was not pushed"]


def test_validation_pushes_the_quality_of_every_service(gateway, pushgateway_server, tmp_path):
    raw = usage(days=15)
    path = write(raw[raw.index % 10 != 0], tmp_path / "usage.csv")
    paths = [str(tmp_path / name) for name in ("clean", "validation", "report")]
    steps.validate_data(path, *paths, ValidationRules(), end_of(raw))
    found = re.search(
        r"predictive_scaling_quality_score\{.*service=\"checkout\".*\} (\S+)", metrics(pushgateway_server)
    )
    assert float(found.group(1)) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    "url", ["gateway:9091", "ftp://gateway", "http://", "http://[gateway", "http://gateway:x"]
)
def test_url_without_scheme_or_host_is_refused(url, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", url)
    with pytest.raises(InputError, match="Pushgateway must start with http"):
        pushgateway()


def test_exposition_says_help_and_type():
    text = generate_latest(registry([Gauge("accuracy", (("metric", "cpu"),), 0.5)])).decode()
    assert "# TYPE predictive_scaling_accuracy gauge" in text
    assert 'predictive_scaling_accuracy{metric="cpu"} 0.5' in text
