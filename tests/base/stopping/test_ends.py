"""Nothing that a process does keeps it from ending, and it leaves no process behind; so for the library."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from first import PROMISE, Silent, running, until
from project import PROJECT

_WORKERS = """
import sys, time
from pathlib import Path
from kfp_gitops.base import processes, stopping

def slow(number):
    Path(sys.argv[1], str(number)).touch()
    time.sleep(60)
    return ""

with stopping.heeded():
    try:
        processes.cores = lambda: 4
        processes.spread(slow, range(64))
    except stopping.Stopped as stopped:
        sys.exit(stopped.exit_code)
"""


_DEAF = """
import ctypes, sys
from pathlib import Path
from kfp_gitops.base import stopping

with stopping.heeded():
    stopping.listen()
    stopping.at_last(lambda: Path(sys.argv[1], "released").touch())
    lock, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    libc.pthread_mutex_lock(lock)
    Path(sys.argv[1], "0").touch()
    libc.pthread_mutex_lock(lock)  # no signal ends that, as none ends the look-up of a name
"""


_THREADS = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kfp_gitops.base import stopping

def waits():
    Path(sys.argv[1], "0").touch()
    try:
        stopping.sleep(60)
    except stopping.Stopped:
        Path(sys.argv[1], "told").touch()

with stopping.heeded(), ThreadPoolExecutor() as pool:
    try:
        pool.submit(waits).result()
    except stopping.Stopped as stopped:
        sys.exit(stopped.exit_code)
"""


@pytest.mark.parametrize(
    ("code", "leaves"),
    [(_WORKERS, []), (_DEAF, ["released"]), (_THREADS, ["told"])],
    ids=["worker processes", "a call that no signal ends", "a pause in another thread"],
)
def test_nothing_that_a_process_may_do_keeps_it(tmp_path: Path, code: str, leaves: list[str]) -> None:
    with running(["-c", code, tmp_path], tmp_path) as process:
        until((tmp_path / "0").exists, process.process)
        time.sleep(0.2)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    for name in leaves:
        assert (tmp_path / name).exists()


_IGNORED = """
import os, signal, sys
if len(sys.argv) == 1:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.execv(sys.executable, [sys.executable, __file__, "again"])
from kfp_gitops.base import stopping
with stopping.heeded():
    print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""


def test_a_signal_that_was_ignored_from_outside_stays_so(tmp_path: Path) -> None:
    """As a shell starts background processes: with SIGINT ignored."""
    (tmp_path / "ignored.py").write_text(_IGNORED, "utf-8")
    with running([tmp_path / "ignored.py"], tmp_path) as process:
        out, err = process.process.communicate(timeout=60)
    assert out.strip() == "True", err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_library_of_the_steps_ends_too(
    tmp_path: Path, silent: Silent, number: signal.Signals, code: int
) -> None:
    words = ["-m", "predictive_scaling", "fetch", "--url", silent.url, "--output", tmp_path / "usage.csv.gz"]
    with running(words, tmp_path, PYTHONPATH=str(PROJECT / "components/src")) as process:
        until(silent.asked.is_set, process.process)
        ended = process.stop(number)
    assert (ended.code, ended.seconds < PROMISE) == (code, True), ended
    assert "Traceback" not in ended.err and not (tmp_path / "usage.csv.gz").exists()


_TRAINING = """
import sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from predictive_scaling.base import stopping

def slow(place):
    Path(place).touch()
    time.sleep(60)

if __name__ == "__main__":
    stopping.heed()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(slow, [sys.argv[1] + "/0"] * 2))
"""


def test_the_library_of_the_steps_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text(_TRAINING, "utf-8")
    with running(
        [tmp_path / "training.py", tmp_path], tmp_path, PYTHONPATH=str(PROJECT / "components/src")
    ) as process:
        until((tmp_path / "0").exists, process.process)
        time.sleep(0.3)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
