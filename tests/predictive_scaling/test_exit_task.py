"""The exit task: temporary objects, retention, status, republication and notice, each whatever became of the others."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from predictive_scaling import steps
from predictive_scaling.base.documents import pretty_bytes
from predictive_scaling.recommend.publishing import Release, publish
from predictive_scaling.recommend.run_archive import archive_run, run_folder
from predictive_scaling.store.opening import open_registry
from servers.process import free_port
from test_pushgateway import CONSTANT, MEMORY, MODEL, document

NOW = "2026-11-24T05:00:00Z"
RUN = '{instance="",job="predictive-scaling",pipeline="predictive-scaling"}'
FAILED = steps.Ending("FAILED", 1, "out of memory <!channel>", started="2026-11-24T04:58:20Z", mode="publish")
SUCCEEDED = steps.Ending("SUCCEEDED", started="2026-11-24T04:58:20Z", mode="publish")


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


@pytest.fixture
def registry(tmp_path):
    return str(tmp_path / "registry")


def end(tmp_path, ending, registry, now=NOW, run_id="run-1"):
    found = steps.cleanup(str(tmp_path / "summary"), ending, registry, run_id, now)
    assert json.loads((tmp_path / "summary").read_text()) == found
    return found


def released(registry, run_id="run-0", generated_at="2026-11-23T21:00:00Z"):
    models = [Release("checkout", "cpu", f'{{"run":"{run_id}"}}'.encode())]
    recommendation = {**document(checkout=(MODEL, MEMORY)), "run_id": run_id, "generated_at": generated_at}
    return publish(open_registry(registry), recommendation, models)


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


def test_forecast_only_republishes_no_floor(tmp_path, registry, gateway):
    released(registry)
    end(tmp_path, steps.Ending("FAILED"), registry)
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


def aged(registry, *keys):
    """Make objects two days older than the instant that tests call now."""
    import os
    from datetime import UTC, datetime
    from pathlib import Path

    then = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    for path in Path(registry).rglob("*"):
        if path.is_file() and (not keys or path.relative_to(registry).as_posix() in keys):
            os.utime(path, (then, then))


def archived(registry, tmp_path, day):
    (tmp_path / "clean").write_bytes(b"rows")
    pointer = released(registry, f"run-{day}", f"2026-11-{day:02}T04:00:00Z")
    archive_run(open_registry(registry), pointer, {"source.csv.gz": tmp_path / "clean"})
    return pointer


def test_newest_runs_are_kept_with_what_they_refer_to(tmp_path, registry):
    pointers = [archived(registry, tmp_path, day) for day in (1, 8, 15, 22)]
    aged(registry)
    found = end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=2), registry)
    assert found["swept"] == {"runs": 2, "objects": 4}
    keys = {
        each.key
        for folder in ("runs", "models", "recommendations")
        for each in open_registry(registry).objects_under(folder)
    }
    for pointer in pointers[2:]:
        folder = run_folder(pointer)
        kept = {pointer["recommendation"], pointer["models"]["checkout"]["cpu"]}
        assert kept | {f"{folder}/metadata.json", f"{folder}/source.csv.gz"} <= keys
    assert len(keys) == 8


def test_release_in_force_is_kept_even_when_its_run_is_old(tmp_path, registry):
    first = archived(registry, tmp_path, 1)
    pointer = open_registry(registry).get("current.json")
    for day in (8, 15):
        archived(registry, tmp_path, day)
    open_registry(registry).put("current.json", pointer)
    aged(registry)
    end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=1), registry)
    assert open_registry(registry).get(first["models"]["checkout"]["cpu"]) == b'{"run":"run-1"}'


def test_what_is_being_published_now_is_not_swept(tmp_path, registry):
    store = open_registry(registry)
    store.put("models/checkout/cpu/new.json", b"{}")
    store.put("models/checkout/cpu/old.json", b"{}")
    aged(registry, "models/checkout/cpu/old.json")
    new = store.objects_under("models")[0].modified.isoformat()
    assert end(tmp_path, SUCCEEDED, registry, now=new)["swept"] == {"runs": 0, "objects": 1}
    assert store.get("models/checkout/cpu/new.json") == b"{}"


def test_pointer_that_cannot_be_read_deletes_nothing(tmp_path, registry):
    archived(registry, tmp_path, 1)
    store = open_registry(registry)
    store.put("current.json", b'{"models": {}}')
    aged(registry)
    before = store.objects_under("models")
    assert "nothing is deleted" in end(tmp_path, SUCCEEDED, registry)["errors"][0]
    assert store.objects_under("models") == before


def test_no_run_at_all_may_not_be_kept(tmp_path, registry):
    assert "keep_runs is 0" in end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=0), registry)["errors"][0]


def test_archive_describes_its_files_by_digest(tmp_path, registry):
    pointer = archived(registry, tmp_path, 22)
    metadata = json.loads(open_registry(registry).get(f"{run_folder(pointer)}/metadata.json"))
    described = metadata["files"]["source.csv.gz"]
    assert described["bytes"] == 4
    assert described["key"] == "runs/20261122T040000Z-run-22/source.csv.gz"
    assert open_registry(registry).get(described["key"]) == b"rows"
    assert metadata["models"] == pointer["models"]
    assert "prophet" in metadata["versions"]
