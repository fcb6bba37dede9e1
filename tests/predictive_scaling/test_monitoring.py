"""What docs/ ships for Prometheus and its consumers, on real Prometheus, Pushgateway and promtool."""

import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from predictive_scaling.base.clock import iso
from predictive_scaling.consumers.floor import query, raised, selector
from predictive_scaling.tell.pushing import push_recommendation, pushgateway
from project import PROJECT
from servers.process import program
from servers.prometheus import PrometheusServer, PushgatewayServer
from test_pushgateway import MEMORY, MODEL, document

RULES = PROJECT / "docs/prometheus"
CONSUMERS = PROJECT / "docs/consumers"


def load(name):
    return yaml.safe_load((CONSUMERS / name).read_text())


def keda_query():
    """The query of the example's ScaledObject: of prod, namespace shop, service checkout."""
    triggers = load("keda/checkout.yaml")["spec"]["triggers"]
    (found,) = (each for each in triggers if each["type"] == "prometheus")
    return found["metadata"]["query"]


def adapter_query():
    (rule,) = load("hpa/prometheus-adapter-values.yaml")["rules"]["external"]
    return rule["metricsQuery"].replace("<<.LabelMatchers>>", selector("prod", "shop", "checkout"))


def over_a_day(query, values, tmp_path):
    """By promtool what a query gives at these times (of 1970) of floors that are the hour and 1; None is nothing."""
    labels = 'job="predictive-scaling", environment="prod", namespace="shop", service="checkout"'
    hourly = [
        {
            "series": f'predictive_scaling_min_replicas{{{labels}, hour="{hour}"}}',
            "values": f"{hour + 1}x3000",
        }
        for hour in range(24)
    ]
    until = {"series": f"predictive_scaling_valid_until_seconds{{{labels}}}", "values": "129600x3000"}
    other = {"series": hourly[0]["series"].replace("prod", "dev"), "values": "99x3000"}
    checks = [
        {
            "expr": query,
            "eval_time": at,
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for at, value in values.items()
    ]
    test = {"interval": "1m", "input_series": [*hourly, until, other], "promql_expr_test": checks}
    (tmp_path / "day.yaml").write_text(yaml.safe_dump({"tests": [test]}))
    command = [program("promtool"), "test", "rules", str(tmp_path / "day.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


DAY = {
    "49m": 1,
    "50m": 2,
    "1h": 2,
    "1h49m": 2,
    "23h49m": 24,
    "23h50m": 24,
    "24h": 1,
    "35h59m": 13,
    "36h": None,
}


@pytest.mark.parametrize("query", [keda_query(), adapter_query()], ids=["keda", "adapter"])
def test_floor_comes_before_its_hour_stays_until_it_ends_and_goes_when_expired(query, tmp_path):
    without = 0 if "vector(0)" in query.splitlines()[-1] else None
    over_a_day(query, {at: without if value is None else value for at, value in DAY.items()}, tmp_path)


def test_raised_floor_is_a_tenth_above_the_floor_less_one(tmp_path):
    matchers = selector("prod", "shop", "checkout")
    raised_by = {at: None if value is None else 1.1 * (value - 1) + 0.01 for at, value in DAY.items()}
    over_a_day(raised(query(matchers, 10)), raised_by, tmp_path)


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


@pytest.fixture
def at(monitoring, monkeypatch):
    """`at(environment, namespace)`: the place of a run that pushes."""

    def move(environment, namespace):
        monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", monitoring[0].url)
        monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", environment)
        monkeypatch.setenv("PREDICTIVE_SCALING_NAMESPACE", namespace)

    return move


@pytest.mark.parametrize(
    ("floor", "without"), [(keda_query(), []), (adapter_query(), [0.0])], ids=["keda", "adapter"]
)
def test_floor_that_is_pushed_is_given_while_it_holds(monitoring, at, floor, without):
    _, server = monitoring
    at("prod", "shop")
    live = recommendation("checkout", timedelta(hours=1))
    push_recommendation(pushgateway(), live, with_floors=True)
    scraped(server, live)
    before = datetime.now(UTC).hour
    (sample,) = server.query(floor)
    possible = {(hour + further) % 24 + 1 for hour in (before, datetime.now(UTC).hour) for further in (0, 1)}
    assert float(sample["value"][1]) in possible

    expired = recommendation("checkout", timedelta(seconds=-1))
    push_recommendation(pushgateway(), expired, with_floors=True)
    scraped(server, expired)
    assert server.query("predictive_scaling_min_replicas") != []
    assert [float(each["value"][1]) for each in server.query(floor)] == without


def test_floors_and_expiry_of_other_environments_and_namespaces_are_not_its_own(monitoring, at):
    _, server = monitoring
    at("prod", "shop")
    push_recommendation(pushgateway(), recommendation("checkout", timedelta(seconds=-30)), with_floors=True)
    for environment, namespace in (("dev", "shop"), ("prod", "mail")):
        at(environment, namespace)
        push_recommendation(pushgateway(), recommendation("checkout", timedelta(hours=2)), with_floors=True)
    at("prod", "shop")
    last = recommendation("other", timedelta(hours=3))
    push_recommendation(
        pushgateway(), {**last, "services": [*expired_services(), *last["services"]]}, with_floors=True
    )
    scraped(server, last)
    assert server.query(keda_query()) == []


def expired_services():
    """Checkout's entry with an end of its own that is over."""
    (entry,) = recommendation("checkout", timedelta(0))["services"]
    over = iso(datetime.now(UTC) - timedelta(seconds=30))
    return [{**entry, "cpu": {**entry["cpu"], "valid_until": over}}]


def test_service_without_a_recommendation_has_no_floor(monitoring):
    assert monitoring[1].query(keda_query().replace("checkout", "unknown")) == []
