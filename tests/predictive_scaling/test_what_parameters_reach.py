"""What a run's parameters may reach: no path of the pod, no content of a file in an error; and exit codes."""

import gzip
import importlib.util
import json
import os
import subprocess
import sys
import threading

import pytest
from kfp import dsl
from predictive_scaling import steps, tasks
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import write_bytes
from predictive_scaling.base.errors import InputError
from predictive_scaling.usage.tables import read_csv, read_table, require_columns
from project import PROJECT

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def in_a_pod(monkeypatch):
    monkeypatch.delenv("PREDICTIVE_SCALING_LOCAL_PATHS", raising=False)


def component(name):
    path = PROJECT / "components" / name / "component.py"
    spec = importlib.util.spec_from_file_location(f"component_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name).python_func


def refused(call):
    """What a task says that takes none of its parameters."""
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


def artifact(tmp_path, name="a", kind=dsl.Artifact):
    return kind(name=name, uri=str(tmp_path / name))


@pytest.mark.parametrize("source", ["/etc/passwd", "../x", "file:///etc/passwd", "/var/run/secrets/token"])
def test_component_reads_no_path_of_its_machine(tmp_path, capsys, source):
    data = artifact(tmp_path, kind=dsl.Dataset)
    said = refused(lambda: component("load_usage")(data, source))
    assert "no path of the machine" in said
    assert source not in said


@pytest.mark.parametrize("registry", ["/tmp/registry", "registry", "file:///x"])
def test_component_writes_no_folder_of_its_machine(tmp_path, capsys, monkeypatch, registry):
    monkeypatch.chdir(tmp_path)
    status = dsl.PipelineTaskFinalStatus("SUCCEEDED", "job", "p", 0, "")
    call = lambda: component("cleanup")(status, artifact(tmp_path), registry=registry, run_id="r")  # noqa: E731
    assert "no path of the machine" in refused(call)
    assert not (tmp_path / "registry").exists()


def test_every_parameter_that_names_a_place_is_guarded(tmp_path, capsys):
    """`registry` of each task that takes one."""
    taking = [name for name in tasks.__all__ if "registry" in _parameters(name)]
    assert sorted(taking) == [
        "cleanup",
        "fallback_recommendation",
        "fetch_usage",
        "forecast_current",
        "publish_recommendation",
    ]
    for name in taking:
        given = dict.fromkeys(_parameters(name), "x") | {"registry": "/tmp/x"}
        positional = {
            each: value
            for each, value in given.items()
            if each not in {"error_log", "data_failed", "keep_models"}
        }
        said = refused(lambda name=name, given=positional: getattr(tasks, name)(**given))
        assert "registry: a run's parameter" in said, name


def _parameters(name):
    import inspect

    found = getattr(tasks, name)
    return {} if name == "Ending" else dict(inspect.signature(found).parameters)


def test_run_on_ones_own_machine_may_name_its_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_LOCAL_PATHS", "allow")
    (tmp_path / "usage.csv").write_text("timestamp,service,cpu,memory\n2026-01-05T00:00:00Z,a,1,1\n")
    data = artifact(tmp_path, kind=dsl.Dataset)
    assert component("load_usage")(data, str(tmp_path / "usage.csv")).rows == 1


def test_sample_is_everybodys(tmp_path):
    assert component("load_usage")(artifact(tmp_path, kind=dsl.Dataset)).services[0] == "smd-1-6"


SECRETS = {
    "a token": f"{SECRET}\n",
    "passwd": f"root:x:0:0:{SECRET}:/root:/bin/bash\ndaemon:x:1:1::/:/bin/sh\n",
    "key and value": f"aws_secret_access_key = {SECRET}\n[default]\n",
    "a table of others": f"{SECRET},b\n1,2\n",
    "ragged": f"a,b\n1,2,3,{SECRET}\n",
    "open quote": f'a,b\n"{SECRET}\n',
    "latin-1": f"caf\xe9,{SECRET}\n".encode("latin-1"),
    "half a gzip": gzip.compress(SECRET.encode() * 99)[:40],
    "json": f'{{"token": "{SECRET}"}}\n',
}


@pytest.mark.parametrize("kind", SECRETS)
def test_error_holds_nothing_of_a_file(tmp_path, capsys, kind):
    content = SECRETS[kind]
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for command, *more in (("validate", "--now", "2026-01-20T00:00:00Z"), ("summarize",)):
        assert main([command, "--input", str(path), *more]) in (1, 2)
    with pytest.raises(InputError) as caught:
        steps.load_usage(str(tmp_path / "out"), str(path), ["timestamp"])
    out = capsys.readouterr()
    assert SECRET not in out.out + out.err + str(caught.value)


def test_columns_of_a_table_of_usage_are_told(tmp_path):
    (tmp_path / "usage.csv").write_text("timestamp,svc,cpu\n2026-01-05T00:00:00Z,a,1\n")
    with pytest.raises(InputError, match=r"missing columns: service; found: timestamp, svc, cpu$"):
        require_columns(read_csv(tmp_path / "usage.csv"), ("timestamp", "service"), "usage.csv")


def test_bad_instant_is_told_by_its_row(tmp_path):
    (tmp_path / "t.csv").write_text(f"timestamp,service\n2026-01-05T00:00:00Z,a\n{SECRET},b\n")
    with pytest.raises(InputError, match=r"1 are no ISO 8601 instants, the first in row 3$") as caught:
        read_table(tmp_path / "t.csv", ("timestamp", "service"))
    assert SECRET not in str(caught.value)


def test_line_with_too_many_fields_is_told_by_its_number(tmp_path):
    (tmp_path / "t.csv").write_text("timestamp,service\n1,2\n1,2,3\n")
    with pytest.raises(InputError, match="line 3 has 3 fields, not 2"):
        read_csv(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("InputError('bad')", 2),
        ("RemoteError('away')", 4),
        ("KeyError('ours')", 3),
        ("ZeroDivisionError()", 3),
    ],
)
def test_task_ends_with_the_exit_code_of_its_error(raised, code):
    program = f"""
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.tasks import task
def step():
    raise {raised}
task(step)()
"""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "components/src")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert ("Traceback" in done.stderr) == (code == 3)
    assert ("this is a defect" in done.stderr) == (code == 3)


def test_component_ends_so_under_the_systems_own_executor(tmp_path):
    path = PROJECT / "components/load_usage/component.py"
    message = {
        "inputs": {"parameterValues": {"source": "/etc/passwd"}},
        "outputs": {
            "outputFile": str(tmp_path / "out"),
            "artifacts": {"data": {"artifacts": [{"name": "data", "uri": str(tmp_path / "d")}]}},
        },
    }
    command = [*(sys.executable, "-m", "kfp.dsl.executor_main", "--component_module_path", str(path))]
    command += ["--function_to_execute", "load_usage", "--executor_input", json.dumps(message)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "components/src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "no path of the machine" in done.stderr


def test_pipe_is_written_to_and_not_replaced(tmp_path):
    """As /dev/stdout and /dev/null are: root would put a file in the place of the device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"text")
    reader.join(10)
    assert read == [b"text"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1m"])
def test_patience_that_is_no_number_of_seconds_is_bad_input(monkeypatch, capsys, text):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", text)
    assert main(["doctor", "--url", "http://127.0.0.1:1", "--namespace", "shop"]) == 2
    assert "PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS must be a number of seconds" in capsys.readouterr().err


def test_every_step_is_a_task():
    assert {name for name in steps.__all__ if name.islower()} <= set(tasks.__all__)
    assert tasks.Judged is steps.Judged
    with pytest.raises(AttributeError):
        _ = tasks.logged
