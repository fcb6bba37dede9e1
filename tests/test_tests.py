"""What holds the tests together: any order of folders, any shell, any number of workers, and nothing left behind."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import own_processes
import profiles
import pytest
from order import LONGEST
from project import HERE

MODULES = [path for path in HERE.rglob("*.py") if not {"data", "shipped"} & set(path.relative_to(HERE).parts)]


def test_nothing_is_imported_from_a_conftest() -> None:
    """There are several: which one is meant depends on the folders that pytest was given, and on their order."""
    imports = re.compile(r"^\s*(from|import) conftest\b", re.MULTILINE)
    assert [path for path in MODULES if imports.search(path.read_text("utf-8"))] == []


def test_a_module_outside_of_a_package_has_a_name_of_its_own() -> None:
    """Of two with one name the folder that was given first would win."""
    alone = [
        p.name for p in MODULES if not (p.parent / "__init__.py").exists() and p.parent.parent.name != "dsl"
    ]
    assert [name for name, count in Counter(alone).items() if count > 1 and name != "conftest.py"] == []


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [name for name in LONGEST if not (HERE / name).is_file()] == []
    assert len(set(LONGEST)) == len(LONGEST)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "20 False"),
        ({"CI": "true"}, "60 True"),
        ({"HYPOTHESIS_PROFILE": "deep"}, "200 True"),
        ({"CI": "true", "HYPOTHESIS_PROFILE": "quick"}, "20 False"),
    ],
    ids=lambda value: " ".join(value) or "neither" if isinstance(value, dict) else str(value),
)
def test_ci_looks_deeper(variables: dict[str, str], told: str) -> None:
    script = "import profiles; profiles.load(); print(profiles.examples(200), profiles.deep())"
    env = {key: value for key, value in os.environ.items() if key not in ("CI", "HYPOTHESIS_PROFILE")}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**env, **variables, "PYTHONPATH": str(HERE)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == told


@pytest.mark.parametrize("marked", [True, False])
def test_a_process_that_runs_on_is_seen_until_it_ends(tmp_path: Path, marked: bool) -> None:
    """By its mark, or by the folder that it works with where it was given variables of its own."""
    (tmp_path / "waits.py").write_text("import time; print(flush=True); time.sleep(600)")
    command = [sys.executable, str(tmp_path / "waits.py")]
    env, folder = (None, tmp_path / "another") if marked else ({}, tmp_path)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seen = own_processes.left(folder, patience=0)
        process.kill()
    assert [line for line in seen if line.startswith(f"{process.pid} ")]
    after = own_processes.left(folder, patience=0)
    assert not [line for line in after if line.startswith(f"{process.pid} ")]


def test_a_server_ends_when_pytest_is_killed(tmp_path: Path) -> None:
    """No fixture is run to its end then."""
    script = (
        "import sys, time; from pathlib import Path; from servers.process import ServerProcess\n"
        "server = ServerProcess('s', ['sleep', '600'], Path(sys.argv[1])); server.start()\n"
        "print(server.process.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server = process.stdout.readline().strip()
        process.kill()
    left = [line for line in own_processes.left(tmp_path, patience=0) if line.startswith(f"{server} ")]
    end = time.monotonic() + 10
    while left and time.monotonic() < end:
        left = [line for line in own_processes.left(tmp_path, patience=0) if line.startswith(f"{server} ")]
    assert server and left == []


@pytest.mark.parametrize(("depth", "seen"), [("quick", 6), ("deep", 30)])
def test_five_seeds_see_every_case(monkeypatch: pytest.MonkeyPatch, depth: str, seen: int) -> None:
    monkeypatch.setattr(profiles, "deep", lambda: depth == "deep")
    found = [list(profiles.some(range(30), seed)) for seed in range(7, 12)]
    assert [len(each) for each in found] == [seen] * 5
    assert set().union(*map(set, found)) == set(range(30))


@pytest.mark.parametrize(
    ("output", "counted"),
    [
        ("....\n9 passed, 1 skipped in 11.98s\n", {"passed": 9, "skipped": 1}),
        ("== 4 failed, 835 passed, 2 skipped in 2797.60s (0:46:37) ==\n", {"failed": 4, "passed": 835, "skipped": 2}),
        ("1 passed in 1.00s\nmake: …\n2 passed, 1 error in 2.00s\n", {"passed": 3, "error": 1}),
        ("make: *** no rule\n", {}),
    ],
)  # fmt: skip
def test_the_table_of_forks_has_what_pytest_says(output: str, counted: dict[str, int]) -> None:
    forks = _forks()
    assert forks.counts(output) == counted
    assert str(forks.Line("f", "own", 0, counted, 30.4, 12.2)).split()[-2:] == ["30", "12"]


def test_a_fork_whose_own_tests_take_more_than_a_minute_is_told() -> None:
    """Of a core: a busy machine makes the clock's seconds more."""
    forks = _forks()
    assert forks.Line("f", "own", 0, {}, 300.0, 59.0).verdict == ""
    assert forks.Line("f", "own", 0, {}, 40.0, 61.0).verdict == "TOO LONG"
    assert forks.Line("f", "product, quick", 0, {}, 400.0, 610.0).verdict == ""
    assert forks.Line("f", "own", 2, {}, 1.0, 1.0).verdict == "RED"


def test_the_files_that_forks_run_quickly_are_there() -> None:
    assert [name for name in _forks().QUICK if not (HERE.parent / name).exists()] == []


def _forks() -> Any:
    """By path: the fork's own tests are no package."""
    spec = importlib.util.spec_from_file_location("forks", HERE / "fork/forks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it
    sys.path.insert(0, str(HERE / "fork"))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(HERE / "fork"))
    return module
