"""What comes over the wire: bad requests, foreign hosts, faults on order, pages and files."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
import threading
import time

import pytest
import urllib3
from devserver_irs import Raw, ir, text
from hypothesis import given, settings, strategies
from kfp_gitops.devserver import Fault, Faults, Trouble
from kfp_server_api import ApiException
from profiles import examples

RUN_BODY = {"display_name": "r", "pipeline_spec": ir()}


# --- bad requests


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "api:/nowhere", 404),
        ("GET", "/favicon.ico", 404),
        ("PUT", "api:/runs", 501),
        ("OPTIONS", "api:/runs", 501),
        ("DELETE", "api:/healthz", 501),
        ("GET", "api:/auth", 501),
        ("POST", "api:/workflows", 501),
        ("POST", "api:/visualizations/x", 501),
        ("GET", "api:/runs/unknown", 404),
        ("DELETE", "api:/runs/unknown", 404),
        ("POST", "api:/runs/unknown:terminate", 404),
        ("POST", "api:/runs/unknown:explode", 501),
        ("GET", "api:/experiments/%00%ff", 404),
        ("GET", "api:/pipelines/unknown/versions", 404),
        ("POST", "api:/recurringruns/unknown:enable", 404),
        ("DELETE", "api:/pipelines/unknown?cascade=perhaps", 400),
        ("GET", "api:/runs?" + "&".join(f"a{i}=" for i in range(200)), 400),
        ("GET", "/runs/unknown", 404),
        ("GET", "/runs/unknown/files/x", 404),
        ("BREW", "api:/runs", 501),
    ],
)
def test_wrong_paths_and_methods(raw, method, path, status):
    got, body = raw.send(method, path)
    assert got == status
    if path.startswith("api:"):
        assert {"code", "message"} <= set(body) <= {"code", "message", "details"}


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"null", b'"x"', b"\xff", b'{"display_name":3}', b'{"display_name":"\\ud800"}',
     b'{"x":' * 5000, b'{"runtime_config":{"parameters":{"n":1e999}},"display_name":"r"}',
     b'{"runtime_config":{"parameters":{"n":NaN}},"display_name":"r"}', b"9" * 5000],
)  # fmt: skip
def test_bodies_that_are_no_message_are_400(raw, data):
    for path in ("runs", "recurringruns", "experiments", "pipelines", "pipelines/create"):
        assert raw.send("POST", f"api:/{path}", data)[0] == 400, path


@settings(max_examples=examples(40))
@given(
    strategies.sampled_from(["runs", "recurringruns", "experiments", "pipelines"]),
    strategies.dictionaries(
        strategies.sampled_from(["display_name", "name", "trigger", "pipeline_spec", "runtime_config", "mode",
                                 "max_concurrency", "pipeline_version_reference", "tags", "experiment_id"]),
        strategies.recursive(
            strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=3),
            lambda inner: strategies.lists(inner, max_size=3)
            | strategies.dictionaries(strategies.sampled_from(["cron_schedule", "cron", "parameters", "x",
                                                               "pipeline_id", "interval_second"]), inner),
            max_leaves=5,
        ),
    ),
)  # fmt: skip
def test_no_body_is_a_defect(raw, path, body):
    """A 500 is only ever one of the real server's own, which say what is wrong."""
    status, reply = raw.send("POST", f"api:/{path}", body)
    assert status in (200, 400, 404, 409, 500)
    assert "defect" not in reply.get("message", "")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET\r\n\r\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"POST /apis/v2beta1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /apis/v2beta1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /apis/v2beta1/runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (
            b"POST /apis/v2beta1/pipelines/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000000\r\n\r\n",
            413,
        ),
    ],
)
def test_broken_http(server, head, status):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head)
        received = connection.recv(65536)
    assert received.split(b"\r\n")[0].split()[1] == str(status).encode()
    assert b'"code"' in received


def test_a_client_that_leaves_in_the_middle_is_no_trouble(server, raw):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /apis/v2beta1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"
        )
    assert raw.send("GET", "api:/healthz")[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "0.0.0.0"]
)
def test_a_foreign_host_header_is_refused(raw, host):
    assert raw.send("GET", "api:/healthz", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:8888", "[::1]:8888"])
def test_a_loopback_host_header_is_taken(raw, host):
    assert raw.send("GET", "api:/healthz", Host=host)[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_can_do_nothing(raw, origin):
    assert raw.send("POST", "api:/runs", RUN_BODY, Origin=origin)[0] == 403
    assert raw.send("GET", "api:/runs")[1] == {}


def test_there_is_no_cors(raw):
    _, headers, _ = raw.full("GET", "api:/healthz")
    assert not [name for name in headers if name.startswith("access-control")]


def test_connections_are_kept_alive(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    for _ in range(3):
        connection.request("GET", "/apis/v2beta1/runs/unknown")
        reply = connection.getresponse()
        reply.read()
        assert not reply.will_close
    connection.close()


# --- faults


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_on_order_has_no_effect(world, status):
    world.server.faults.add(Fault("POST", r"/recurringruns$", Trouble.ANSWER, nth=2, status=status))
    world.schedule()
    with pytest.raises(ApiException) as error:
        world.schedule()
    assert error.value.status == status
    world.schedule()
    assert world.client.list_recurring_runs().total_size == 2


@pytest.mark.parametrize(("trouble", "made"), [(Trouble.DROP_BEFORE, None), (Trouble.DROP_AFTER, 1)])
def test_a_broken_connection_before_and_after_the_effect(world, trouble, made):
    world.server.faults.add(Fault("POST", r"/recurringruns$", trouble))
    with pytest.raises(urllib3.exceptions.HTTPError):
        world.schedule()
    assert world.client.list_recurring_runs().total_size == made
    [logged] = [r for r in world.server.requests if r.method == "POST" and r.path.endswith("recurringruns")]
    assert (logged.delivered, logged.status) == (False, 200 if made else 0)


def test_a_late_answer(make):
    faults = Faults(Fault("GET", "healthz", Trouble.DELAY, nth=0, seconds=0.05))
    raw = Raw(make(faults=faults).url)
    before = time.monotonic()
    assert raw.send("GET", "api:/healthz")[0] == 200
    assert time.monotonic() - before >= 0.05


def test_requests_are_logged(server, raw):
    raw.send("GET", "api:/runs?page_size=3")
    [logged] = server.requests
    assert (logged.method, logged.path, logged.query, logged.status) == (
        "GET", "/apis/v2beta1/runs", "page_size=3", 200
    )  # fmt: skip
    server.faults.clear()
    assert server.requests == []


# --- pages


@pytest.fixture
def done(world):
    key = world.run()
    world.server.wait_idle()
    return key


def test_pages_show_runs_tasks_logs_and_artifacts(world, raw, done):
    index = raw.full("GET", "/")
    assert f"/runs/{done}".encode() in index[2]
    assert "script-src 'sha256-" in index[1]["content-security-policy"]
    page = raw.full("GET", f"/runs/{done}")[2].decode()
    for wanted in ("Task t1", "SUCCEEDED", "files/t1.log", "files/report.html", "n = 3"):
        assert wanted in page
    assert raw.full("GET", f"/runs/{done}/files/t1.log")[2] == b"hello\n"
    assert b"report.html" in raw.full("GET", f"/runs/{done}/files/")[2]
    assert raw.full("GET", f"/runs/{done}/files")[0] == 404  # the folder itself ends in a slash


def test_html_artifacts_are_sandboxed(raw, world, done):
    status, headers, body = raw.full("GET", f"/runs/{done}/files/report.html")
    assert (status, body) == (200, b"<script>alert(1)</script>")
    assert headers["content-type"].startswith("text/html")
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_escape_everything(world, raw):
    run = world.client.run_pipeline(
        world.experiment,
        "<img src=x>",
        pipeline_id=world.pipeline,
        version_id=world.version,
        params={"behave": "<b>"},
    )
    world.server.wait_idle()
    folder = world.run_dir(run.run_id)
    with (folder / "events.jsonl").open("a") as file:
        file.write(
            '{"event":"task","task_id":"<i>","name":"<i>","state":"<u>","log":"\\"><s>","error":"<q>",'
            '"outputs":{"parameters":{"<p>":"<p>"},"artifacts":{"<a>":[{"uri":"javascript:<a>"}],"b":3,"c":[4]}}}\n'
        )
    (folder / "<h1>").mkdir()
    for path in ("/", f"/runs/{run.run_id}", f"/runs/{run.run_id}/files/"):
        status, _, page = raw.full("GET", path)
        assert status == 200
        assert b"&lt;" in page
        for bad in (b"<img", b"<i>", b"<u>", b"<s>", b"<q>", b"<p>&", b"<a>", b'"javascript', b"<h1></a"):
            assert bad not in page


def test_what_a_page_runs_and_wears_is_what_its_policy_names(raw):
    """A digest of each: a browser takes no other script and no other style, and both stand in it unescaped."""
    _, headers, page = raw.full("GET", "/")
    for kind in (b"script", b"style"):
        (text,) = re.findall(b"<%b>(.*?)</%b>" % (kind, kind), page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        assert f"{kind.decode()}-src 'sha256-{digest}'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["../../kfp.sqlite", "..%2F..%2Fkfp.sqlite", "/etc/passwd", "%2Fetc%2Fpasswd", "....//kfp.sqlite", "%00",
     "out/passwd", "%2e%2e/%2e%2e/lock", "x" * 5000, "pipe"],
)  # fmt: skip
def test_files_outside_the_run_do_not_exist(world, raw, done, path):
    import os

    (world.run_dir(done) / "out").symlink_to("/etc")
    os.mkfifo(world.run_dir(done) / "pipe")
    assert raw.send("GET", f"/runs/{done}/files/{path}")[0] == 404


def test_a_folder_has_an_address_with_a_slash(world, raw, done):
    (world.run_dir(done) / "sub").mkdir()
    status, headers, _ = raw.full("GET", f"/runs/{done}/files/sub")
    assert (status, headers["location"]) == (302, f"/runs/{done}/files/sub/")


def test_yaml_of_many_kinds_reaches_the_parser_safely(raw):
    assert raw.upload("api:/pipelines/upload?name=p", text(ir()) + b"---\n---\n")[0] == 200


def test_requests_that_touch_a_scheduled_workflow_are_as_slow_as_kubernetes_one_after_another(
    monkeypatch,
) -> None:
    """What it means to take is what is bounded above: how long that lasts says how busy the machine is."""
    meant, sleep = [], time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (meant.append(seconds), sleep(seconds)))
    faults = Faults(kubernetes=0.05)
    began = time.monotonic()
    threads = [
        threading.Thread(target=faults.pace, args=("POST", f"/apis/v2beta1/recurringruns/{key}:enable"))
        for key in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 0.3  # each reads and patches
    assert sum(meant) < 1.0
    meant.clear()
    faults.pace("GET", "/apis/v2beta1/recurringruns")
    assert sum(meant) < 0.05
