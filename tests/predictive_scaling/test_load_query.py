"""PromQL of a load: what is asked of a server is bounded, and what comes back are the services' own series."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.web import Server
from predictive_scaling.usage.fetch import UsageQuery, fetch
from predictive_scaling.usage.load_query import LoadQuery, read
from predictive_scaling.usage.prometheus import ROLE
from servers.prometheus import PrometheusServer, backfill

RATE = "sum by (namespace, service) (rate(http_requests_total[5m]))"
NOW = datetime(2024, 1, 2, 0, 0, 30, tzinfo=UTC)
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "given",
    [
        {"expression": RATE},
        {"expression": 'sum by(service)(rate(http_requests_total{code!~"5.."}[5m]))', "kind": "requests"},
        {"expression": "max by (app) (queue_length)", "kind": "queue", "label": "app"},
        {"expression": "SUM BY (service) (rate(x[5m]))"},
        {"expression": "max by (service) (max_over_time(rate(x[5m])[ 30m : 1m ]))"},
        {"services": {"mailer": {"expression": "sum(mails_waiting)", "kind": "queue"}}},
        {"expression": RATE, "services": {"mailer": {"expression": 'sum(mails{name="a)["})'}}},
        {},
    ],
)
def test_loads_that_are_asked(given):
    assert isinstance(read(given), LoadQuery)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"expression": "http_requests_total"}, "must say which services, as in sum by (service)"),
        ({"expression": "sum by (app) (x)"}, "must say which services"),
        ({"expression": "sum by (service) (rate(x[2h]))"}, "looks back for more than an hour"),
        ({"expression": "sum by (service) (max_over_time(x[59m:61m]))"}, "looks back for more than an hour"),
        ({"expression": "sum by (service) (rate(x[5m] offset 1d))"}, "another time"),
        ({"expression": "sum by (service) (rate(x[5m] OFFSET 1d))"}, "another time"),
        ({"expression": "sum by (service) (x @ 17)"}, "another time"),
        ({"expression": "sum by (service) (rate(x[86400]))"}, "not written as [5m]"),
        ({"expression": "sum by (service) (rate(x[1d * 2]))"}, "not written as [5m]"),
        ({"expression": "sum by (service) (rate(x[$__rate_interval]))"}, "not written as [5m]"),
        (
            {"expression": "sum by (service) (max_over_time(rate(x[5m])[1h:]))"},
            "looks back for more than an hour",
        ),
        (
            {"expression": "sum by (service) (max_over_time(max_over_time(x[40m:1m])[40m:1m]))"},
            "looks back for more than an hour",
        ),
        ({"expression": "sum by (service) (x"}, "does not end"),
        ({"expression": "sum by (service) (x])"}, "does not end"),
        ({"expression": 'sum by (service) (x{a="b})'}, "does not end"),
        ({"expression": "sum by (service) (x) # and"}, "does not end"),
        ({"expression": "sum by (service) (x) " + "+ 1" * 400}, "1 to 1000 characters"),
        ({"expression": " "}, "1 to 1000 characters"),
        ({"expression": "sum by (service) (x\x00)"}, "cannot be printed"),
        ({"expression": 7}, "must be PromQL"),
        ({"expression": RATE, "kind": "bytes"}, "must be requests or queue"),
        ({"expression": RATE, "label": "a b"}, "label's name"),
        ({"query": RATE}, "load.query: unknown"),
        ({"services": {"Mail": {"expression": "x"}}}, "no service's name"),
        ({"services": {"mail": {"promql": "x"}}}, "load.services.mail.promql: unknown"),
        ({"services": ["mail"]}, "must be a mapping"),
    ],
)
def test_loads_that_are_not(given, fault):
    with pytest.raises(InputError) as caught:
        UsageQuery(load=given)
    assert fault in str(caught.value)


def openmetrics():
    """A day of two services in two namespaces: web gets 50 requests a second at noon, shop-mail has 7 mails waiting."""
    at = np.arange(0, 86_400 + 1, 60)
    rate = 50 * (1 + np.sin(2 * np.pi * at / 86_400))
    total = np.cumsum(rate * 60)
    lines = []
    for name, kind, labels, values in (
        ("cores", "gauge", 'service="web"', rate / 100),
        ("cores", "gauge", 'service="mail"', rate / 200),
        ("bytes", "gauge", 'service="web"', rate * 0 + 5e8),
        ("bytes", "gauge", 'service="mail"', rate * 0 + 6e8),
        ("http_requests_total", "counter", 'namespace="shop",service="web",code="200"', total * 0.75),
        ("http_requests_total", "counter", 'namespace="shop",service="web",code="500"', total * 0.25),
        ("http_requests_total", "counter", 'namespace="other",service="web",code="200"', total * 9),
        ("http_requests_total", "counter", 'namespace="shop",service="gone",code="200"', total),
        ("mails_waiting", "gauge", 'queue="a"', rate * 0 + 3),
        ("mails_waiting", "gauge", 'queue="b"', rate * 0 + 4),
    ):
        family = name.removesuffix("_total")
        if f"# TYPE {family} {kind}" not in lines:
            lines.append(f"# TYPE {family} {kind}")
        lines += [
            f"{name}{{{labels}}} {value!r} {START + at_}"
            for value, at_ in zip(values.tolist(), at, strict=True)
        ]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(openmetrics(), folder)
    server = PrometheusServer(folder)
    server.start()
    yield server
    server.kill()


def fetched(server, load, **more):
    query = UsageQuery(
        "sum by (service) (cores)", "sum by (service) (bytes)", days=1, namespace="shop", load=load, **more
    )
    return fetch(Server(ROLE, server.url), query, NOW)


def test_requests_of_the_namespace_alone_are_read(prometheus):
    found = fetched(prometheus, {"expression": RATE})
    rows = found.rows
    assert not any("gone" in remark for remark in found.remarks)
    assert list(rows.columns) == ["timestamp", "service", "cpu", "memory", "requests"]
    assert set(rows["service"]) == {"web", "mail"}  # and «gone» has no usage, so its load is of nobody
    web = rows[rows["service"] == "web"].dropna()
    hour = pd.to_datetime(web["timestamp"]).dt.hour
    assert web.loc[hour == 6, "requests"].mean() == pytest.approx(100, rel=0.02)
    assert web.loc[hour == 18, "requests"].mean() == pytest.approx(0, abs=2)
    assert rows[rows["service"] == "mail"]["requests"].isna().all()


def test_a_service_has_an_expression_of_its_own(prometheus):
    own = {"expression": "sum(mails_waiting)", "kind": "queue"}
    rows = fetched(prometheus, {"expression": RATE, "services": {"mail": own}}).rows
    assert set(rows[rows["service"] == "mail"]["queue"].dropna()) == {7.0}
    assert rows[rows["service"] == "web"]["queue"].isna().all()
    assert rows[rows["service"] == "web"]["requests"].notna().mean() > 0.9


def test_an_own_expression_replaces_the_common_one(prometheus):
    rows = fetched(prometheus, {"expression": RATE, "services": {"web": "sum(mails_waiting)"}}).rows
    assert set(rows[rows["service"] == "web"]["requests"].dropna()) == {7.0}


def test_many_series_for_one_service_are_refused(prometheus):
    with pytest.raises(InputError, match="2 series for 'mail'; aggregate with sum"):
        fetched(prometheus, {"services": {"mail": {"expression": "mails_waiting"}}})


def test_a_label_that_names_no_service_is_told(prometheus):
    found = fetched(
        prometheus, {"expression": "sum by (queue) (mails_waiting)", "label": "queue", "kind": "queue"}
    )
    assert "the load is of a, b, and none of them is a service here; see load.label" in found.remarks
    assert "queue" not in found.rows.columns


def test_hours_are_means_of_their_load(prometheus):
    rows = fetched(prometheus, {"expression": RATE}, step="1h").rows
    web = rows[rows["service"] == "web"].set_index("timestamp")["requests"]
    assert web.max() == pytest.approx(99, rel=0.02)
