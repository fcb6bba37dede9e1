"""The exit task: temporary objects, retention, status, republication and notice, each whatever became of the others."""

import json
import logging
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from exit_kit import SUCCEEDED, end, released
from predictive_scaling import steps
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.steps import ending
from predictive_scaling.store.opening import open_registry
from predictive_scaling.tell.logs import LOGGER, configure, context, log
from servers.process import free_port
from test_pushgateway import CONSTANT, MEMORY, document

RUN = '{instance="",job="predictive-scaling",pipeline="predictive-scaling"}'
FAILED = steps.Ending("FAILED", 1, "out of memory <!channel>", started="2026-11-24T04:58:20Z", mode="publish")


class Webhook:
    """Takes what a webhook is sent; answers with a status of choice."""

    def __init__(self):
        self.bodies, self.status = [], 200
        received, outer = self.bodies, self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/token-in-the-path"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def webhook(monkeypatch):
    found = Webhook()
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_URL", found.url)
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "0")
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def gateway(pushgateway_server, monkeypatch):
    requests.put(f"{pushgateway_server.url}/api/v1/admin/wipe", timeout=60).raise_for_status()
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", pushgateway_server.url)
    return lambda: requests.get(f"{pushgateway_server.url}/metrics", timeout=60).text


def test_temporary_objects_of_this_run_go_and_others_stay(tmp_path, registry, capsys):
    store = open_registry(registry)
    for key in ("tmp/run-1/a.json", "tmp/run-10/a.json"):
        store.put(key, b"{}")
    found = end(tmp_path, FAILED, registry)
    assert (found["state"], found["error_message"], found["deleted"]) == ("FAILED", FAILED.error_message, 1)
    assert json.loads(capsys.readouterr().out) == found
    assert store.get("tmp/run-10/a.json") == b"{}"


@pytest.mark.parametrize("run_id", ["", ".", "../models", "run-2/.."])
def test_strange_run_id_never_widens_what_is_deleted(tmp_path, registry, run_id):
    open_registry(registry).put("tmp/run-2/a.json", b"{}")
    found = end(tmp_path, SUCCEEDED, registry, run_id=run_id)
    assert open_registry(registry).get("tmp/run-2/a.json") == b"{}"
    assert any("is not a run id" in error for error in found["errors"]) == bool(run_id)


def test_failed_run_republishes_what_still_holds_and_tells_it(tmp_path, registry, gateway, webhook):
    released(registry)
    found = end(tmp_path, FAILED, registry)
    assert found["republished"] == "the recommendation of run run-0 stays in force until 2026-11-25T10:00:00Z"
    assert 'predictive_scaling_min_replicas{hour="3"' in gateway()
    assert (
        'predictive_scaling_run_success{instance="",job="predictive-scaling",pipeline="predictive-scaling"} 0'
        in gateway()
    )
    (body,) = webhook.bodies
    assert set(body) == {"text"}
    assert "predictive-scaling failed: run run-1" in body["text"]
    assert "out of memory &lt;!channel&gt;" in body["text"]
    assert "stays in force until" in body["text"]


def test_expired_recommendation_is_not_republished(tmp_path, registry, gateway, webhook):
    released(registry)
    found = end(tmp_path, FAILED, registry, now="2026-11-25T10:00:00Z")
    assert "expired at 2026-11-25T10:00:00Z, so none is in force" in found["republished"]
    assert "predictive_scaling_min_replicas" not in gateway()
    assert "none is in force" in webhook.bodies[0]["text"]


def test_altered_recommendation_is_not_republished(tmp_path, registry, gateway, webhook):
    pointer = released(registry)
    forged = {**document(checkout=(CONSTANT, MEMORY)), "valid_until": "2030-01-01T00:00:00Z"}
    open_registry(registry).put(pointer["recommendation"], pretty_bytes(forged))
    found = end(tmp_path, FAILED, registry)
    assert "is not the recommendation that was published" in found["errors"][0]
    assert "predictive_scaling_min_replicas" not in gateway()
    assert "is not the recommendation" in webhook.bodies[0]["text"]


@pytest.mark.parametrize("mode", ["forecast_only", "pull-request"])
def test_only_publish_republishes_a_floor(tmp_path, registry, gateway, mode):
    released(registry)
    end(tmp_path, steps.Ending("FAILED", mode=mode), registry)
    assert "predictive_scaling_accuracy" in gateway()
    assert "predictive_scaling_min_replicas" not in gateway()


def test_first_run_that_fails_says_that_nothing_is_in_force(tmp_path, registry):
    assert "no recommendation was ever published" in end(tmp_path, FAILED, registry)["republished"]
    assert "there is no registry" in end(tmp_path, FAILED, "")["republished"]


def test_success_pushes_status_and_duration_and_tells_nobody(tmp_path, registry, gateway, webhook):
    found = end(tmp_path, SUCCEEDED, registry)
    text = gateway()
    assert f"predictive_scaling_run_success{RUN} 1" in text
    assert f"predictive_scaling_run_duration_seconds{RUN} 100" in text
    assert (found["pushed"], found["notified"], found["errors"]) == (True, False, [])
    assert webhook.bodies == []


def test_failure_does_not_forget_the_last_success(tmp_path, registry, gateway):
    end(tmp_path, SUCCEEDED, registry)
    end(tmp_path, FAILED, registry)
    assert "predictive_scaling_run_last_success_seconds" in gateway()
    assert 'pipeline="predictive-scaling"} 0' in gateway()


def test_unresolved_start_gives_no_duration_and_no_error(tmp_path, registry, gateway, capsys):
    started = "{{$.pipeline_job_create_time_utc}}"
    assert end(tmp_path, steps.Ending("SUCCEEDED", started=started), registry)["errors"] == []
    assert "predictive_scaling_run_duration_seconds" not in gateway()
    assert "no duration is pushed" in capsys.readouterr().err


def test_servers_that_are_down_fail_no_run_and_are_told(tmp_path, registry, monkeypatch, webhook):
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", f"http://127.0.0.1:{free_port()}")
    webhook.status = 500
    released(registry)
    found = end(tmp_path, FAILED, registry)
    assert [error.split(":")[0] for error in found["errors"]] == ["republished", "pushed", "notified"]


def test_webhook_url_is_in_no_message(tmp_path, registry, webhook, capfd):
    webhook.status = 403
    found = end(tmp_path, FAILED, registry)
    webhook.server.shutdown()
    webhook.server.server_close()
    again = end(tmp_path, FAILED, registry)
    written = "".join(capfd.readouterr()) + json.dumps([found, again])
    assert "Webhook answered 403" in written
    assert "Webhook did not answer" in written
    assert "token-in-the-path" not in written


def test_alertmanager_fires_on_failure_and_resolves_on_success(tmp_path, registry, alertmanager, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_URL", f"{alertmanager.url}/api/v2/alerts")
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_FORMAT", "alertmanager")
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "dev")
    assert end(tmp_path, FAILED, registry, now="")["errors"] == []
    (alert,) = alertmanager.alerts(active=True)
    assert alert["labels"] == {
        "alertname": "PredictiveScalingRunFailed",
        "severity": "warning",
        "pipeline": "predictive-scaling",
        "environment": "dev",
    }
    assert alert["annotations"]["description"] == FAILED.error_message
    assert alert["annotations"]["run_id"] == "run-1"
    assert end(tmp_path, SUCCEEDED, registry, now="")["notified"] is True
    assert alertmanager.alerts(active=True) == []


def test_success_in_one_namespace_resolves_no_failure_of_another(
    tmp_path, registry, alertmanager, monkeypatch
):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_URL", f"{alertmanager.url}/api/v2/alerts")
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_FORMAT", "alertmanager")
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "dev")
    for namespace, how in (("shop", FAILED), ("mail", SUCCEEDED)):
        monkeypatch.setenv("PREDICTIVE_SCALING_NAMESPACE", namespace)
        end(tmp_path, how, registry, now="")
    assert [each["labels"]["namespace"] for each in alertmanager.alerts(active=True)] == ["shop"]
    monkeypatch.setenv("PREDICTIVE_SCALING_NAMESPACE", "shop")
    end(tmp_path, SUCCEEDED, registry, now="")
    assert alertmanager.alerts(active=True) == []


def test_unknown_webhook_format_is_told(tmp_path, registry, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_FORMAT", "pager")
    assert "must be slack or alertmanager" in end(tmp_path, FAILED, registry)["errors"][0]


def test_log_lines_are_json_with_run_task_environment_and_pod(tmp_path, registry, monkeypatch, capsys):
    for name, value in {
        "PREDICTIVE_SCALING_ENVIRONMENT": "dev",
        "KFP_POD_NAME": "pod-1",
        "NAMESPACE": "team",
    }.items():
        monkeypatch.setenv(name, value)
    end(tmp_path, SUCCEEDED, registry)
    first, *_, last = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    own = {"task": "cleanup", "run_id": "run-1", "environment": "dev", "pod": "pod-1", "namespace": "team"}
    assert own.items() <= first.items()
    assert (first["message"], last["message"]) == ("started", "finished")
    assert last["seconds"] >= 0


def test_log_line_reads_from_the_time_on_and_holds_what_json_does_not_know(capsys):
    configure()
    with context("train", "run-1"):
        log("50 % für %s", level=logging.WARNING, name="own", kind=int, at=datetime(2026, 1, 1, tzinfo=UTC))
        try:
            raise KeyError("lost")
        except KeyError:
            LOGGER.exception("plain %s", "record")
    line, plain = capsys.readouterr().err.splitlines()
    time, rest = line.split(", ", 1)
    assert re.fullmatch(r'{"time": "20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"', time)
    assert rest == (
        '"level": "warning", "message": "50 % für %s", "task": "train", "run_id": "run-1", "name": "own", '
        '"kind": "<class \'int\'>", "at": "2026-01-01T00:00:00.000+00:00"}'
    )
    found = json.loads(plain)
    assert [*found] == ["time", "level", "message", "task", "run_id", "traceback"]
    assert (found["message"], found["traceback"].splitlines()[-1]) == ("plain record", "KeyError: 'lost'")


def test_defect_in_a_duty_keeps_nobody_from_being_told(tmp_path, registry, webhook, monkeypatch, capfd):
    def broken(*_):
        raise KeyError("ours")

    for name in ("republish", "_push_status", "_delete_temporary"):
        monkeypatch.setattr(ending, name, broken)
    found = end(tmp_path, FAILED, registry)
    assert [error.split(":")[0] for error in found["errors"]] == ["republished", "pushed", "deleted"]
    assert "a defect of ours: KeyError" in webhook.bodies[0]["text"]
    assert "Traceback" in capfd.readouterr().err


def test_duty_that_does_not_come_back_keeps_nobody_from_being_told(tmp_path, registry, webhook, monkeypatch):
    stuck = threading.Event()
    monkeypatch.setattr(ending, "DUTY_SECONDS", 0.3)
    monkeypatch.setattr(ending, "republish", lambda *_: stuck.wait(30))
    found = end(tmp_path, FAILED, registry)
    stuck.set()
    assert "republished: not done within" in found["errors"][0]
    assert "not done within" in webhook.bodies[0]["text"]


def test_people_are_told_before_anything_is_tidied_up(tmp_path, registry, webhook, monkeypatch):
    told = []
    monkeypatch.setattr(ending, "_delete_temporary", lambda *_: told.append(len(webhook.bodies)))
    end(tmp_path, FAILED, registry)
    assert told == [1]


def test_instant_that_is_none_keeps_nobody_from_being_told(tmp_path, registry, webhook):
    found = end(tmp_path, FAILED, registry, now="yesterday")
    assert "now: 'yesterday' is not an ISO 8601 instant" in found["errors"]
    assert len(webhook.bodies) == 1


@pytest.mark.parametrize("setting", ["ENVIRONMENT", "LOG_LEVEL", "PUSHGATEWAY_URL", "S3_ACCESS_KEY"])
def test_secret_that_is_not_mounted_keeps_nobody_from_being_told(tmp_path, webhook, monkeypatch, setting):
    monkeypatch.delenv(f"PREDICTIVE_SCALING_{setting}", raising=False)
    monkeypatch.setenv(f"PREDICTIVE_SCALING_{setting}_FILE", str(tmp_path / "none"))
    end(tmp_path, FAILED, "s3://mlpipeline/x")
    assert len(webhook.bodies) == 1


def test_webhook_of_an_unknown_format_is_told_in_slacks(tmp_path, registry, webhook, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEBHOOK_FORMAT", "pager")
    found = end(tmp_path, FAILED, registry)
    assert "predictive-scaling failed" in webhook.bodies[0]["text"]
    assert "must be slack or alertmanager" in found["errors"][0]
