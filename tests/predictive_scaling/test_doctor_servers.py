"""The doctor on rules, on servers that fail, on bad usage and on clocks."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import requests
from doctor_kit import STACK, asked, prometheus
from predictive_scaling.__main__ import main
from predictive_scaling.base.web import Server
from predictive_scaling.doctor import history
from predictive_scaling.doctor.asking import Place
from predictive_scaling.doctor.clock import clock_findings
from predictive_scaling.doctor.history import enough_for
from scrape_series import openmetrics, recorded, with_past
from servers.process import free_port
from servers.prometheus import PrometheusServer, backfill


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("stack"), with_past(recorded(STACK), 25)) as server:
        yield server


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
        (8, "from 11"),
        (13, "weekly terms from 14"),
        (15, "from 17"),
        (30, "every fold"),
    ],
)
def test_history_is_told_by_what_it_is_enough_for(days, text):
    assert text in enough_for(days)


def test_days_are_those_that_fetch_tells():
    from predictive_scaling.backtest.needs import needs

    days = [each.days for each in needs()]
    assert days[:4] == [history.LEAST, history.FORECASTS, history.WEEKS, history.ALL]
    assert max(days) <= history.KEPT


def test_a_namespace_without_series_is_told_once_and_not_as_too_short():
    place = SimpleNamespace(seen=lambda *_: [], rows=str, optional=lambda _: {}, at=0)
    (found,) = history.history_findings(place, 0.0)
    assert (found.level, found.remedy) == ("problem", "the findings above say why")


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
