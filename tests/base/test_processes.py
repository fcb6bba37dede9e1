"""Work spread over processes gives what one process gives, whatever happens to the others."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base import processes
from project import PROJECT, Outcome, snapshot

COUNT = 100
PATH = f"import sys; sys.path.insert(0, {str(PROJECT / 'scripts')!r})\n"

SCRIPT = """
import json, os, signal, sys, time
from kfp_gitops.base import processes
processes.cores = lambda: 3
parent, mode = os.getpid(), sys.argv[1]

def work(number):
    time.sleep(0.001)
    if os.getpid() != parent and mode == "exit":
        os._exit(1)
    if os.getpid() != parent and mode == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "fail" and number == 7:
        raise LookupError("the seventh")
    return {"n": str(number), "same": ["x" * 1000, "ö" * (number % 3)], "pid": str(os.getpid())}

try:
    answers = processes.spread(work, range(100))
except LookupError as error:
    answers = str(error)
try:
    os.waitpid(-1, os.WNOHANG)
    left = True
except ChildProcessError:
    left = False
print(json.dumps({"answers": answers, "left": left, "open": len(os.listdir("/proc/self/fd"))}))
"""


def _spread(mode: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PATH + SCRIPT, mode], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def _without_process(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"n": answer["n"], "same": answer["same"]} for answer in answers]


EXPECTED = [{"n": str(n), "same": ["x" * 1000, "ö" * (n % 3)]} for n in range(COUNT)]

forks = pytest.mark.skipif(sys.platform != "linux", reason="work is spread on Linux alone")


@forks
def test_answers_come_in_the_order_of_the_items_from_several_processes() -> None:
    found = _spread("all well")
    assert _without_process(found["answers"]) == EXPECTED
    assert len({answer["pid"] for answer in found["answers"]}) > 1
    assert not found["left"]


@forks
@pytest.mark.parametrize("mode", ["exit", "kill"])
def test_what_a_lost_process_had_taken_is_done_again(mode: str) -> None:
    found = _spread(mode)
    assert _without_process(found["answers"]) == EXPECTED
    assert len({answer["pid"] for answer in found["answers"]}) == 1
    assert not found["left"]


@forks
def test_a_failure_is_raised_where_it_can_be_seen() -> None:
    found = _spread("fail")
    assert found["answers"] == "the seventh"
    assert not found["left"]


def test_few_items_are_not_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert processes.spread(str, range(processes.BATCH)) == [str(n) for n in range(processes.BATCH)]
    assert processes.spread(str, []) == []


_MEANWHILE = """
import os, sys, threading, time
from kfp_gitops.base import processes
processes.cores = lambda: int(sys.argv[1])
parent, looks = os.getpid(), []

def look():
    def wait():
        time.sleep(0.5)
        looks.append(os.getpid() == parent)
    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()

def work(number):
    time.sleep(0.005)
    return "elsewhere" if os.getpid() != parent else "here after the look" if looks else "here before"

print(looks, sorted(set(processes.spread(work, range(100), meanwhile=look))), looks)
"""


@forks
@pytest.mark.parametrize("count", [1, 2])
def test_what_waits_is_done_once_and_then_other_processes_work(count: int) -> None:
    argv = [sys.executable, "-c", PATH + _MEANWHILE, str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[True] ") and done.stdout.endswith(" [True]\n")
    assert "here before" not in done.stdout
    assert ("elsewhere" in done.stdout) is (count == 2)


_BESIDE = """
import os, time
from kfp_gitops.base import processes
processes.cores = lambda: 2
parent, done = os.getpid(), []

def beside():
    time.sleep(0.5)
    done.append(os.getpid() == parent)

def work(number):
    return ["elsewhere" if os.getpid() != parent else "here", str(len(done))]

print(sorted({tuple(answer) for answer in processes.spread(work, range(100), beside=beside)}), done)
print({tuple(answer) for answer in processes.spread(work, range(3), beside=beside)}, done)
"""


@forks
def test_work_of_its_own_is_done_once_while_others_have_begun() -> None:
    argv = [sys.executable, "-c", PATH + _BESIDE]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    many, few = done.stdout.splitlines()
    assert "('elsewhere', '0')" in many and many.endswith("[True]")
    assert "('here', '0')" not in many
    assert few == "{('here', '1')} [True]"


def test_cores_are_at_least_one_and_at_most_what_the_machine_has() -> None:
    assert 1 <= processes.cores() <= (os.cpu_count() or 1)


RENDER = """
import sys
from kfp_gitops.base import processes
from kfp_gitops.commands import console
count = int(sys.argv.pop())
processes.cores = lambda: count
processes.BATCH = 2
sys.exit(console.run("render"))
"""


def _render(root: Path, count: int) -> Outcome:
    argv = [sys.executable, "-c", PATH + RENDER, "--root", str(root), "--env", "dev", str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_rendered_bytes_and_errors_are_the_same_with_any_number_of_processes(
    repository: Path, edit_all: Callable[[str, str], None]
) -> None:
    assert _render(repository, 1).code == 0
    alone = snapshot(repository / "manifests")
    assert len([path for path in alone if path.endswith("pipeline.yaml")]) == 7
    for path in repository.glob("manifests/dev/pipelines/*/pipeline.yaml"):
        path.unlink()
    assert _render(repository, 3).code == 0
    assert snapshot(repository / "manifests") == alone
    edit_all("component: greet", "component: greeet")
    one, three = _render(repository, 1), _render(repository, 3)
    assert one.code == 2
    assert len(one.err.splitlines()) >= 7
    assert three == one


@pytest.fixture
def edit_all(repository: Path) -> Callable[[str, str], None]:
    """The repository gets six more pipelines; gives what replaces a text in all templates."""
    values = repository / "environments/dev/values.yaml"
    template = repository / "templates/pipelines/hello"
    base = (repository / "environments/base.yaml").read_text("utf-8")
    own = base[base.index("    values:\n") :]
    for number in range(6):
        copy = template.with_name(f"hello-{number}")
        copy.mkdir()
        for path in template.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        values.write_text(f"{values.read_text('utf-8')}  hello-{number}:\n{own}", "utf-8")

    def edit(old: str, new: str) -> None:
        for path in repository.glob("templates/pipelines/*/*.j2"):
            path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    return edit


CHOSEN = """
import json, os
from kfp_gitops.base import processes
processes.cores = lambda: 3

def work(number):
    return [str(number), str(os.getpid())]

for chosen in ([], [7], list(range(0, 1000, 3)), list(range(500)), None):
    answers = processes.spread(work, range(1000), meanwhile=lambda: chosen)
    print(json.dumps([[int(n) for n, _ in answers] == (list(range(1000)) if chosen is None else chosen),
                      len({pid for _, pid in answers})]))
processes._MOST_CLAIMS = 5
print(json.dumps([[int(n) for n, _ in processes.spread(work, range(1000))] == list(range(1000)), 0]))
"""


def test_only_what_is_left_to_do_is_done_and_told_in_its_order() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PATH + CHOSEN], capture_output=True, text=True, check=True, timeout=60
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [right for right, _ in found] == [True] * 6
    assert found[0][1] == 0
    assert found[1][1] == 1
