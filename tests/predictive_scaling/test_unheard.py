"""What nobody would act on is told: a recommendation that is over before it is released, floors that go nowhere."""

import json
from datetime import timedelta

import pytest
import requests
from predictive_scaling import steps
from predictive_scaling.base.clock import iso, parse_instant
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.steps import Surroundings
from predictive_scaling.steps.unheard import unheard_of
from predictive_scaling.usage.validation import ValidationRules
from usage_data import end_of, usage, write

ROWS = usage(days=8)
END = parse_instant(end_of(ROWS))
SIZED = Surroundings({"checkout": {"cores": 1.0}})


@pytest.fixture
def gateway(pushgateway_server, monkeypatch):
    requests.put(f"{pushgateway_server.url}/api/v1/admin/wipe", timeout=60).raise_for_status()
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", pushgateway_server.url)
    return lambda: requests.get(f"{pushgateway_server.url}/metrics", timeout=60).text


@pytest.fixture
def fall_back(tmp_path):
    """Recommend constants `days` after the usage; gives success, the document and the reasons of the error log."""
    paths = [str(tmp_path / name) for name in ("raw", "clean", "validation", "verdict")]
    write(ROWS, tmp_path / "raw")
    steps.validate_data(*paths, ValidationRules(stale_action="warn"), iso(END))

    def run(days, mode="publish"):
        document, log = tmp_path / "recommendation", tmp_path / "errors"
        success = steps.fallback_recommendation(
            paths[1], paths[2], str(document), str(tmp_path / "proposal"), [], "no model",
            PlanOptions(floor_budget=None), mode, str(tmp_path / "registry"), f"run-{days}",
            iso(END + timedelta(days=days)), error_log=str(log), around=SIZED,
            report=steps.Report(str(tmp_path / "report.html")),
        )  # fmt: skip
        errors = json.loads(log.read_bytes())["errors"]
        return success, json.loads(document.read_bytes()), [each["reason"] for each in errors]

    return run


def test_a_constant_of_old_usage_says_that_it_is_over_and_replaces_nothing(
    fall_back, tmp_path, gateway, capsys
):
    """It holds for 8 days and 36 hours after its usage."""
    success, document, reasons = fall_back(9)
    assert success
    assert document["reason"] == "no model"
    pushed, released = gateway(), (tmp_path / "registry/current.json").read_bytes()
    success, document, reasons = fall_back(10)
    assert not success
    assert document["reason"] in reasons
    assert f"the newest usage is of {iso(END)}: it is over, and nothing is released" in document["reason"]
    assert "it is over, and nothing is released" in (tmp_path / "report.html").read_text("utf-8")
    assert "bring newer usage" in capsys.readouterr().out
    assert (tmp_path / "registry/current.json").read_bytes() == released
    assert _values(gateway()) == _values(pushed)


def _values(page):
    return [line for line in page.splitlines() if line.startswith("predictive_scaling_")]


def test_nothing_that_is_over_is_proposed(fall_back, tmp_path):
    assert not fall_back(10, "pull-request")[0]
    assert not (tmp_path / "registry").exists() or not list((tmp_path / "registry").rglob("*.*"))


def test_an_entry_that_is_over_beside_others_is_told():
    now = parse_instant("2026-11-24T05:00:00Z")
    ended = {"source": "fallback", "valid_until": "2026-11-24T05:00:00Z"}
    held = {"source": "fallback", "valid_until": "2026-11-24T06:00:00Z"}
    document = {
        "valid_until": "2026-11-24T06:00:00Z",
        "services": [{"service": "checkout", "cpu": ended, "memory": held}],
    }
    (fault,) = unheard_of(document, "forecast_only", now)
    assert (fault.service, fault.metric) == ("checkout", "cpu")
    assert "is over" in fault.reason


def test_floors_without_a_pushgateway_are_told(fall_back, capsys):
    success, _, reasons = fall_back(0)
    assert success  # the registry has them
    assert [each for each in reasons if "set PREDICTIVE_SCALING_PUSHGATEWAY_URL" in each]
    assert "no Pushgateway is set" in capsys.readouterr().out
    for mode in ("forecast_only", "pull-request"):
        assert not [each for each in fall_back(0, mode)[2] if "PUSHGATEWAY" in each]


def test_floors_with_a_pushgateway_are_not(fall_back, gateway):
    assert not [each for each in fall_back(0)[2] if "PUSHGATEWAY" in each]
    assert "predictive_scaling_min_replicas" in gateway()
