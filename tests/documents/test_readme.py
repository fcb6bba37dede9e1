"""The README's commands are run, in its order, in a copy of the repository; `…` stands for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import copies
import pytest
from project import PROJECT
from servers.process import free_port

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What `diff` found is told by its exit code.
EXITS = {"python scripts/diff.py --env dev": 1}
# The README's port may be taken on this machine: the same commands are run with one that is free.
PORT = "8899"
# Running the tests inside the tests would not end.
NOT_HERE = {"make test"}


@dataclass(frozen=True)
class Step:
    """One command of the README and what it says that the command prints."""

    command: str
    expected: str

    def on(self, port: int) -> Step:
        """The same with another port than the README's."""
        return Step(self.command.replace(PORT, str(port)), self.expected.replace(PORT, str(port)))


def _steps() -> list[Step]:
    found = []
    for block in BLOCK.findall((PROJECT / "README.md").read_text("utf-8")):
        # Inside the output of the demo other commands are shown: a block begins with its own.
        first, *rest = block.split("\n$ ") if not block.startswith("$ make demo") else [block]
        for text in [first.removeprefix("$ "), *rest]:
            command, _, expected = text.partition("\n")
            found.append(Step(command, expected.strip("\n")))
    return found


def _agrees(expected: str, actual: str) -> bool:
    """Each line of the expected text is in the actual one, in this order; `…` is anything, also many lines."""
    place = 0
    for line in (line for line in expected.splitlines() if line.strip() != "…"):
        pattern = ".*".join(re.escape(part) for part in line.strip().split("…"))
        match = re.compile(rf"^[ ]*{pattern}.*$", re.MULTILINE).search(actual, place)
        if match is None:
            return False
        place = match.end()
    return True


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copies.committed(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The virtual environment of this test run, as an activated one and as make's."""
    folder = Path(sys.prefix)
    (folder / ".installed").touch()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "MAKE", "PYTHONPATH"))
    }
    who = {f"GIT_{role}_{what}": "newcomer" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**kept, **who, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "VENV": str(folder)}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def background() -> Iterator[list[subprocess.Popen[str]]]:
    """Commands that end in `&`; stopped at the end."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def _run(step: Step, clone: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", step.command],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == EXITS.get(step.command, 0), f"$ {step.command}\n{done.stdout}"
    assert _agrees(step.expected, done.stdout), (
        f"$ {step.command}\nsays\n{done.stdout}\nREADME says\n{step.expected}"
    )


def _start(step: Step, clone: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = f"exec {step.command.removesuffix('&')}"
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert _agrees(step.expected, line), line
    return process


@pytest.mark.timeout(1200)  # a minute where nothing else runs; a busy machine takes many
@pytest.mark.parametrize(
    "step", [step for step in _steps() if step.command not in NOT_HERE], ids=lambda s: s.command
)
def test_command(
    step: Step,
    clone: Path,
    environment: dict[str, str],
    background: list[subprocess.Popen[str]],
    port: int,
) -> None:
    step, started = step.on(port), time.monotonic()
    if step.command.endswith("&"):
        background.append(_start(step, clone, environment))
    else:
        _run(step, clone, environment)
    if step.command == "make demo":
        _demo_left_results(clone, time.monotonic() - started)


def _demo_left_results(clone: Path, seconds: float) -> None:
    import json

    results = clone / ".demo/results"
    recommendation = json.loads((results / "recommendation.json").read_text("utf-8"))
    services = {entry["service"] for entry in recommendation["services"]}
    assert services == {f"smd-{name}" for name in ["1-6", "1-7", "2-1", "2-2", "2-7", "2-8", "3-3", "3-4"]}
    report = (results / "forecast-report.html").read_text("utf-8")
    assert "<svg" in report  # the plots are in the file itself
    assert "http://" not in report.replace("http://www.w3.org", "")
    assert json.loads((results / "metrics.json").read_text("utf-8"))
    assert seconds < 600, "the demo hangs"
