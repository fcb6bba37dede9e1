"""A token goes to the server that the settings name, and to no other."""

import json
from contextlib import suppress

import pytest
from predictive_scaling import tasks
from predictive_scaling.__main__ import main
from predictive_scaling.base.errors import InputError, PredictiveScalingError
from predictive_scaling.base.web import Server, origin
from predictive_scaling.usage.fetch import UsageQuery
from servers.flaky import FlakyServer

SECRET = "hunter2hunter2"


def refused(call):
    """What a task says that takes none of its parameters."""
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


@pytest.fixture
def prometheus():
    """Says nothing of use, and keeps the headers that it was sent."""
    sent = []

    def answer(method, path, headers, body):
        sent.append(headers)
        data = {"status": "success", "data": {"resultType": "matrix", "result": []}}
        return 200, {"Content-Type": "application/json"}, json.dumps(data).encode()

    with FlakyServer(answer) as server:
        server.sent = sent
        yield server


def fetched(url, tmp_path, through=tasks):
    return through.fetch_usage(
        str(tmp_path / "usage"), url, UsageQuery(days=1), now_override="2026-01-05T00:00:00Z"
    )


SECURED = [{"TOKEN": SECRET}, {"USER": "reader", "PASSWORD": SECRET}]


def secure(monkeypatch, settings):
    for name, value in settings.items():
        monkeypatch.setenv(f"PREDICTIVE_SCALING_PROMETHEUS_{name}", value)


@pytest.mark.parametrize("settings", SECURED)
@pytest.mark.parametrize("named", ["", "http://prometheus.monitoring:9090"])
def test_token_goes_to_no_server_that_a_parameter_names(
    prometheus, tmp_path, monkeypatch, capsys, named, settings
):
    secure(monkeypatch, settings)
    if named:
        monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_URL", named)
    said = refused(lambda: fetched(prometheus.url, tmp_path))
    assert prometheus.sent == []
    assert "PREDICTIVE_SCALING_PROMETHEUS_URL" in said
    assert SECRET not in said


@pytest.mark.parametrize("settings", SECURED)
def test_token_goes_to_the_server_that_the_settings_name(prometheus, tmp_path, monkeypatch, settings):
    secure(monkeypatch, settings)
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_URL", prometheus.url)
    with suppress(PredictiveScalingError):  # it has no usage
        fetched(prometheus.url + "/", tmp_path)
    assert all("authorization" in headers for headers in prometheus.sent)
    assert prometheus.sent


def test_command_line_names_its_server_unless_the_settings_name_another(
    prometheus, tmp_path, monkeypatch, capsys
):
    secure(monkeypatch, SECURED[0])
    words = ["fetch", "--url", prometheus.url, "--output", str(tmp_path / "usage"), "--days", "1"]
    assert main(words) != 0  # it has no usage
    assert prometheus.sent.pop()["authorization"] == f"Bearer {SECRET}"
    prometheus.sent.clear()
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_URL", "https://prometheus.example")
    assert main(words) == 2
    assert prometheus.sent == []
    assert "token" in capsys.readouterr().err


def test_redirect_takes_no_token_along(prometheus, monkeypatch):
    secure(monkeypatch, SECURED[0])
    with FlakyServer(lambda *_: (307, {"Location": prometheus.url}, b"")) as elsewhere:
        monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_URL", elsewhere.url)
        with pytest.raises(Exception, match="307"):
            Server("PROMETHEUS", elsewhere.url).call("GET", "/")
    assert prometheus.sent == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a", "http://a:80/x", True),
        ("https://A", "https://a:443", True),
        ("http://a", "https://a", False),
        ("http://a", "http://a.evil", False),
        ("http://a@evil", "http://a", False),
        ("http://a:9090", "http://a:9091", False),
    ],
)
def test_origins(one, other, same):
    assert (origin(one) == origin(other)) is same
