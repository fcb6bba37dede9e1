"""What docs/ ships for Prometheus and its consumers, on real Prometheus, Pushgateway and promtool."""

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

import kubernetes_validate
import pytest
import yaml
from predictive_scaling.base.clock import iso
from predictive_scaling.tell.pushing import push_recommendation, pushgateway
from project import HERE, PROJECT
from servers.process import program
from servers.prometheus import PrometheusServer, PushgatewayServer
from test_pushgateway import MEMORY, MODEL, document

RULES = PROJECT / "docs/prometheus"
CONSUMERS = PROJECT / "docs/consumers"


def load(name):
    return yaml.safe_load((CONSUMERS / name).read_text())


def keda_query():
    (trigger,) = (
        each for each in load("keda-scaledobject.yaml")["spec"]["triggers"] if each["type"] == "prometheus"
    )
    return trigger["metadata"]["query"]


def adapter_query():
    (rule,) = load("prometheus-adapter-values.yaml")["rules"]["external"]
    return rule["metricsQuery"].replace("<<.LabelMatchers>>", 'service="checkout"')


def test_rules_do_what_their_tests_say(tmp_path):
    for file in (*RULES.glob("*.yaml"), HERE / "predictive_scaling/prometheus_rules.test.yaml"):
        shutil.copy(file, tmp_path)
    names = sorted(path.name for path in RULES.glob("*.yaml"))
    for command in (["check", "rules", *names], ["test", "rules", "prometheus_rules.test.yaml"]):
        done = subprocess.run(
            [program("promtool"), *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested():
    tested = (HERE / "predictive_scaling/prometheus_rules.test.yaml").read_text()
    (group,) = yaml.safe_load((RULES / "alerts.yaml").read_text())["groups"]
    assert [rule["alert"] for rule in group["rules"] if f"alertname: {rule['alert']}" not in tested] == []


def test_floors_stand_beside_a_reactive_trigger_and_never_alone():
    scaled, autoscaler = load("keda-scaledobject.yaml")["spec"], load("hpa-external-metric.yaml")
    kubernetes_validate.validate(autoscaler, "1.32", strict=True)
    assert [each["type"] for each in scaled["triggers"]] == ["cpu", "prometheus"]
    assert [each["type"] for each in autoscaler["spec"]["metrics"]] == ["Resource", "External"]
    assert scaled["minReplicaCount"] >= 1
    assert "fallback" not in scaled
    metadata = scaled["triggers"][1]["metadata"]
    assert (metadata["threshold"], metadata["ignoreNullValues"]) == ("1", "true")
    target = autoscaler["spec"]["metrics"][1]["external"]["target"]
    assert target == {"type": "AverageValue", "averageValue": "1"}


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory):
    """A Prometheus that scrapes a Pushgateway, as the documentation says."""
    folder = tmp_path_factory.mktemp("monitoring")
    gateway = PushgatewayServer(folder / "pushgateway")
    configuration = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [
            {
                "job_name": "pushgateway",
                "honor_labels": True,
                "static_configs": [{"targets": [gateway.url.removeprefix("http://")]}],
            }
        ],
    }
    server = PrometheusServer(folder / "prometheus", yaml.safe_dump(configuration))
    gateway.start()
    server.start()
    yield gateway, server
    server.kill()
    gateway.kill()


def recommendation(service, valid_for):
    """Floors of hour + 1 for each hour of today, valid for so long."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    blocks = [
        {
            **MODEL["blocks"][0],
            "start": iso(midnight + timedelta(hours=hour)),
            "end": iso(midnight + timedelta(hours=hour + 1)),
            "min_replicas": hour + 1,
        }
        for hour in range(24)
    ]
    made = document(**{service: ({**MODEL, "blocks": blocks}, MEMORY)})
    return {**made, "valid_until": iso(datetime.now(UTC) + valid_for)}


def scraped(server, gateway_document):
    """Wait until Prometheus has what was pushed."""
    until = datetime.fromisoformat(gateway_document["valid_until"]).timestamp()
    end = time.monotonic() + 60
    while not server.query(f"predictive_scaling_valid_until_seconds == {until}"):
        assert time.monotonic() < end, "nothing was scraped"
        time.sleep(0.05)


@pytest.mark.parametrize("query", [keda_query(), adapter_query()], ids=["keda", "adapter"])
def test_floor_of_the_hour_is_given_while_it_holds_and_vanishes_when_expired(monitoring, monkeypatch, query):
    gateway, server = monitoring
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", gateway.url)
    live = recommendation("checkout", timedelta(hours=1))
    push_recommendation(pushgateway(), live, with_floors=True)
    scraped(server, live)
    before = datetime.now(UTC).hour
    (sample,) = server.query(query)
    assert float(sample["value"][1]) in {before + 1, datetime.now(UTC).hour + 1}

    expired = recommendation("checkout", timedelta(seconds=-1))
    push_recommendation(pushgateway(), expired, with_floors=True)
    scraped(server, expired)
    assert server.query("predictive_scaling_min_replicas") != []
    assert server.query(query) == []


def test_expiry_of_one_environment_is_not_hidden_by_another(monitoring, monkeypatch):
    gateway, server = monitoring
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", gateway.url)
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "prod")
    expired = recommendation("checkout", timedelta(seconds=-30))
    push_recommendation(pushgateway(), expired, with_floors=True)
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "dev")
    without = recommendation("checkout", timedelta(hours=2))
    push_recommendation(pushgateway(), without, with_floors=False)
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "")
    push_recommendation(pushgateway(), recommendation("other", timedelta(hours=3)), with_floors=True)
    scraped(server, without)
    assert server.query(keda_query()) == []


def test_service_without_a_recommendation_has_no_floor(monitoring):
    assert monitoring[1].query(keda_query().replace("checkout", "unknown")) == []
