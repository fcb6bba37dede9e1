"""What is called of a prepared process is a process as Python would have started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.prepared import Prepared, prepared

TELLS = """import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("SAID"), sys.stdin.read(), sys.path[0], __name__]))
print("told", file=sys.stderr)
sys.exit(7)
"""
WAITS = "import time\nprint('waits', flush=True)\ntime.sleep(600)\n"


@pytest.fixture(scope="module")
def process() -> Iterator[Prepared]:
    with prepared("json", "time") as found:
        yield found


def _script(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("more", [{}, {"PYTHONHASHSEED": "1"}], ids=["a fork", "Python anew"])
def test_it_has_its_own_arguments_folder_variables_and_streams(
    process: Prepared, tmp_path: Path, more: dict[str, str]
) -> None:
    script = _script(tmp_path, TELLS)
    env = {**os.environ, "SAID": "ü", **more}
    ends = [
        subprocess.run([*command, "a", "b c"], input="given", cwd=tmp_path, env=env, capture_output=True,
                       text=True, check=False)
        for command in (process.python(script), (sys.executable, str(script)))
    ]  # fmt: skip
    called, plain = ((done.returncode, done.stdout, done.stderr) for done in ends)
    assert called == plain
    assert called[0] == 7


@pytest.mark.parametrize("said", ["", "1"])
def test_it_keeps_bytecode_where_python_would(process: Prepared, tmp_path: Path, said: str) -> None:
    (tmp_path / "beside.py").write_text("")
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": said}
    subprocess.run(process.python(_script(tmp_path, "import beside")), env=env, check=True)
    assert (tmp_path / "__pycache__").exists() == (said == "")


def test_a_module_is_run_as_well(process: Prepared, tmp_path: Path) -> None:
    done = subprocess.run(process.python("-m", "json.tool", "--help"), cwd=tmp_path, capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert "json.tool" in done.stdout


def test_an_exception_is_a_traceback_and_code_1(process: Prepared, tmp_path: Path) -> None:
    done = subprocess.run(
        process.python(_script(tmp_path, "1 / 0")), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_descriptor_that_is_given_is_the_same_there(process: Prepared, tmp_path: Path) -> None:
    script = _script(tmp_path, "import os, sys; os.write(int(sys.argv[1]), b'through')")
    reading, writing = os.pipe()
    subprocess.run([*process.python(script), str(writing)], pass_fds=[writing], check=True)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"through"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_ends_both(process: Prepared, tmp_path: Path, number: signal.Signals) -> None:
    script = _script(tmp_path, "import os; print(os.getpid(), flush=True)\n" + WAITS)
    with subprocess.Popen(process.python(script), stdout=subprocess.PIPE, text=True) as called:
        assert called.stdout is not None
        child = int(called.stdout.readline())
        called.send_signal(number)
        rest = called.stdout.read()  # until the program has closed it, too
    assert called.returncode == -number
    assert rest in ("", "waits\n")
    end = time.monotonic() + 10
    while Path(f"/proc/{child}").exists():  # until it has been waited for
        assert time.monotonic() < end


def test_nothing_runs_on_when_it_is_closed(tmp_path: Path) -> None:
    script = _script(tmp_path, WAITS)
    with prepared() as found:
        called = subprocess.Popen(found.python(script), stdout=subprocess.PIPE)
        assert called.stdout is not None
        assert called.stdout.readline() == b"waits\n"
    assert called.wait(60) == -signal.SIGKILL
    called.stdout.close()
