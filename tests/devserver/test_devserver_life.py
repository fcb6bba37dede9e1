"""Starting, stopping, restarting; the command line."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from devserver_irs import Raw
from kfp_gitops.devserver import DevServer, StartError, SystemClock, main
from kfp_gitops.devserver.pool import STOPPED

SCRIPT = Path(__file__).parents[2] / "scripts/devserver.py"


def wait_for(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.01)
    raise TimeoutError(path)


def test_a_restart_keeps_everything(make_world, make, tmp_path):
    world = make_world(data=tmp_path / "kept", parallel=0)
    schedule, run = world.schedule(), world.run()
    paths = ["pipelines", f"pipelines/{world.pipeline}/versions", "recurringruns", "runs", "experiments"]
    before = [Raw(world.server.url).send("GET", f"api:/{p}") for p in paths]
    world.server.close()
    again = make(data=tmp_path / "kept", parallel=0)
    assert [Raw(again.url).send("GET", f"api:/{p}") for p in paths] == before
    again.clock.advance(minutes=1)
    again.tick()
    assert Raw(again.url).send("GET", "api:/runs")[1]["total_size"] == 2
    assert Raw(again.url).send("GET", f"api:/recurringruns/{schedule}")[1]["status"] == "ENABLED"
    assert Raw(again.url).send("GET", f"api:/runs/{run}")[1]["state"] == "PENDING"


def test_what_executed_when_the_server_stopped_has_failed(make_world, make, tmp_path):
    world = make_world(data=tmp_path / "kept", parallel=1)
    run, waiting = world.run("hang"), world.run()
    wait_for(world.run_dir(run) / "ready")
    world.server.close()
    raw = Raw((again := make(data=tmp_path / "kept")).url)
    again.wait_idle()
    found = raw.send("GET", f"api:/runs/{run}")[1]
    assert (found["state"], found["error"]["message"]) == ("FAILED", STOPPED)
    assert raw.send("GET", f"api:/runs/{waiting}")[1]["state"] == "SUCCEEDED"


def test_what_executed_when_the_server_died_has_failed(make_world, make, tmp_path):
    world = make_world(data=tmp_path / "kept", parallel=0)
    run = world.run()
    world.server.close()
    with sqlite3.connect(tmp_path / "kept/kfp.sqlite") as database:
        database.execute("UPDATE runs SET state = 'RUNNING'")
    database.close()
    found = Raw(make(data=tmp_path / "kept").url).send("GET", f"api:/runs/{run}")[1]
    assert (found["state"], found["error"]["message"]) == ("FAILED", STOPPED)


def test_schedules_tick_by_themselves_with_the_clock_of_the_machine(make_world):
    world = make_world(clock=SystemClock())
    key = world.schedule("* * * * * *")
    for _ in range(600):
        if world.fired(key):
            break
        time.sleep(0.05)
    assert world.fired(key)
    world.client.delete_recurring_run(key)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_only_loopback_is_bound(tmp_path, host, capfd):
    with pytest.raises(StartError, match="loopback"):
        DevServer(tmp_path, host=host).start()
    assert main(["--host", host, "--data", str(tmp_path), "--port", "0"]) == 2
    assert "loopback" in capfd.readouterr().err


def test_another_address_only_when_asked_and_by_its_own_names(make):
    server = make(listen="0.0.0.0", allow_hosts=["ml-pipeline.kubeflow.svc"])
    raw = Raw(server.url)
    assert server.url.startswith("http://127.0.0.1:")
    for host, status in [
        ("ml-pipeline.kubeflow.svc:8888", 200),
        ("ML-Pipeline.kubeflow.svc.", 200),
        ("ml-pipeline.kubeflow.svc.evil.example", 403),
        ("evil.example", 403),
        ("localhost", 200),
        ("0.0.0.0:8888", 200),
        ("192.0.2.1", 403),
    ]:
        assert raw.send("GET", "api:/healthz", Host=host)[0] == status, host


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--listen", "example.com"], "--listen example.com: not an IP address"),
        (["--listen", "192.0.2.1"], "port 0"),
        (["--allow-host", "http://x"], "--allow-host http://x: not a host's name"),
        (["--allow-host", "*"], "--allow-host *"),
        (["--mount", "/no/such/folder"], "--mount /no/such/folder: there is no such folder; make it"),
        (["--token-file", "/nowhere"], "--token-file /nowhere: cannot be read"),
        (["--token-file", "/dev/null"], "--token-file /dev/null: holds no token"),
    ],
)
def test_an_address_a_name_or_a_token_that_is_none_is_said_clearly(tmp_path, capfd, options, what):
    assert main([*options, "--data", str(tmp_path), "--port", "0"]) == 2
    assert f"devserver: {what}" in capfd.readouterr().err


@pytest.mark.parametrize("guarded", [False, True])
def test_beyond_loopback_it_warns_unless_it_asks_for_tokens(tmp_path, guarded):
    (tmp_path / "tokens").write_text("one\ntwo\n")
    command = [sys.executable, str(SCRIPT), "--port", "0", "--data", str(tmp_path / "d")]
    command += ["--listen", "0.0.0.0"]
    command += ["--token-file", str(tmp_path / "tokens")] if guarded else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        raw = Raw(process.stdout.readline().split()[4].rstrip(","))
        try:
            asked = [raw.send("GET", path)[0] for path in ("api:/healthz", "api:/pipelines", "/")]
            with_token = raw.send("GET", "api:/pipelines", Authorization="Bearer two")[0]
        finally:
            process.terminate()
        assert asked == ([200, 401, 401] if guarded else [200, 200, 200])
        assert with_token == 200
        assert ("no authentication" in process.stderr.read()) is not guarded


def test_a_port_in_use_is_said_clearly(server, tmp_path, capfd):
    port = server.url.rpartition(":")[2]
    assert main(["--port", port, "--data", str(tmp_path / "other")]) == 2
    assert f"port {port}: already in use" in capfd.readouterr().err
    assert main(["--port", "70000", "--data", str(tmp_path / "other")]) == 2


def test_a_folder_has_one_server(server, capfd):
    assert main(["--port", "0", "--data", str(server.data_dir)]) == 2
    assert "another development server" in capfd.readouterr().err


def test_a_folder_that_cannot_be_used_is_said_clearly(tmp_path, capfd):
    (tmp_path / "file").touch()
    assert main(["--port", "0", "--data", str(tmp_path / "file")]) == 2
    (tmp_path / "kfp.sqlite").write_text("no database" * 1000)
    assert main(["--port", "0", "--data", str(tmp_path)]) == 2
    assert "kfp.sqlite" in capfd.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_script_serves_until_it_is_told_to_stop(tmp_path, number, code):
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", "0", "--data", str(tmp_path / "d")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        line = process.stdout.readline()
        url = line.split()[4].rstrip(",")
        assert line == f"development server listening on {url}, data in {(tmp_path / 'd').resolve()}\n"
        try:
            status, body = Raw(url).send("GET", "api:/healthz")
            assert (status, body["tag_name"], body["multi_user"]) == (200, "2.17.0", False)
        finally:
            process.send_signal(number)
        assert process.wait(60) == code


def test_closing_leaves_no_process_and_no_port(make_world):
    world = make_world()
    run = world.run("stubborn")
    wait_for(world.run_dir(run) / "ready")
    world.server.close()
    port = int(world.server.url.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    running = [p for p in Path("/proc").glob("[0-9]*/cmdline") if run.encode() in _read(p)]
    assert running == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_it_imports_nothing_else_of_the_project():
    code = "import sys, kfp_gitops.devserver; print([m for m in sys.modules if m.startswith('kfp')])"
    environment = os.environ | {"PYTHONPATH": str(SCRIPT.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    found = [m for m in eval(done.stdout) if not m.startswith("kfp_gitops.devserver")]
    assert found == ["kfp_gitops"]
