"""`run.py --local --watch`: the loop of edit, save and look."""

from __future__ import annotations

import errno
import os
import queue
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scored
from kfp_gitops.commands.run.watching import Watching
from kfp_gitops.local import saves
from kfp_gitops.local.saves import Saves
from project import PROJECT, Outcome

Run = Callable[..., Outcome]


class Loop:
    """A watch in a process of its own, and the lines that it writes."""

    def __init__(self, root: Path, *more: str) -> None:
        command = [sys.executable, str(PROJECT / "scripts/run.py"), "--root", str(root), "--env", "dev"]
        self.process = subprocess.Popen(
            [*command, "--pipeline", "hello", "--local", "--watch", *more],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def end(self) -> int:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self._reader.join(30)
        return self.process.wait(30)

    def until(self, words: str) -> list[str]:
        """The lines up to the one with these words."""
        found: list[str] = []
        while not found or words not in found[-1]:
            try:
                found.append(self._lines.get(timeout=60))
            except queue.Empty:
                raise AssertionError(f"{words!r} was not said; {found}") from None
        return found


@pytest.fixture
def root(repository: Path, command: Run) -> Path:
    return scored.make(repository, command)


@pytest.fixture
def loop(root: Path) -> Iterator[Loop]:
    found = Loop(root)
    yield found
    assert found.end() == 130


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.timeout(300)
def test_each_save_compiles_renders_and_runs_and_tells_what_it_did(root: Path, loop: Loop) -> None:
    assert "      wape = 0.25" in loop.until("waiting for a save in components/, templates/, environments/")
    step = root / "components/score/component.py"
    _edit(step, "1 / level", "2 / level")
    said = loop.until("waiting for a save")
    assert "saved: components/score/component.py" in said
    assert "components/score/component.py: compiling it into component.yaml" in said
    assert "      wape = 0.5" in said
    (at,) = (index for index, line in enumerate(said) if line.startswith("since the run before"))
    assert said[at + 1 : -1] == [
        "metrics that moved       a    b  b - a",
        "  judge metrics.wape  0.25  0.5  +0.25 (+100 %)",
    ]

    _edit(step, "2 / level", "2 / level)")
    said = loop.until("waiting for a save")
    assert any(line.startswith("components/score/component.py:") and "SyntaxError" in line for line in said)
    _edit(step, "2 / level)", "2 / level")
    assert "hello is what it was: not run again" in loop.until("waiting for a save")

    _edit(root / "templates/pipelines/hello/pipeline.yaml.j2", "default: 4", "default: 8")
    assert "      wape = 0.25" in loop.until("waiting for a save")
    _edit(root / "templates/pipelines/hello/pipeline.yaml.j2", "component: score", "component: scores")
    assert any("scores" in line and ":" in line for line in loop.until("waiting for a save"))
    _edit(root / "templates/pipelines/hello/pipeline.yaml.j2", "component: scores", "component: score")
    loop.until("waiting for a save")


@pytest.mark.timeout(300)
def test_what_is_saved_while_it_runs_stops_that_run_and_begins_it_anew(root: Path, loop: Loop) -> None:
    loop.until("waiting for a save")
    step = root / "components/score/component.py"
    _edit(
        step,
        "    from pathlib import Path",
        "    from pathlib import Path\n    from time import sleep\n\n    sleep(300)",
    )
    loop.until("judge: RUNNING")
    before = len(list((root / ".local-runs").iterdir()))
    _edit(step, "sleep(300)", "sleep(0)")
    loop.until("saved while it ran: that run was stopped, and is begun anew")
    assert "SUCCEEDED" in loop.until("logs and outputs:")
    assert len(list((root / ".local-runs").iterdir())) == before  # of what was stopped nothing is left


@pytest.mark.timeout(300)
def test_a_module_beside_the_components_is_watched_and_is_never_an_old_one(root: Path, command: Run) -> None:
    (root / "components/src").mkdir()
    module = root / "components/src/ours.py"
    module.write_text("FACTOR = 1\n")
    _edit(
        root / "components/score/component.py",
        "from pathlib import Path",
        "from ours import FACTOR\n    from pathlib import Path",
    )
    _edit(root / "components/score/component.py", "1 / level", "FACTOR / level")
    loop = Loop(root)
    try:
        assert "      wape = 0.25" in loop.until("waiting for a save")
        second = module.stat().st_mtime_ns // 10**9
        newer = module.with_name("ours.py~")
        newer.write_text("FACTOR = 3\n")
        # Twice in a second, as who formats on saving does.
        os.utime(newer, ns=(second * 10**9, second * 10**9 + 900_000_000))
        newer.replace(module)
        said = loop.until("waiting for a save")
        assert "      wape = 0.75" in said
        assert "saved: components/src/ours.py" in said
    finally:
        assert loop.end() == 130


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--watch",), "--watch is for --local, as in `run.py --env dev --pipeline P --local --watch`"),
        (("--local", "--watch", "--out", "x"), "--watch takes no --out"),
    ],
)
def test_what_does_not_go_with_it_is_said(
    repository: Path, command: Run, given: tuple[str, ...], says: str
) -> None:
    done = command("run", "--root", repository, "--env", "dev", "--pipeline", "hello", *given)
    assert (done.code, says in done.err) == (2, True), done.err


def test_a_pipeline_that_is_not_there_ends_it_at_once(repository: Path, command: Run) -> None:
    where = ("--root", repository, "--env", "dev", "--pipeline", "helo")
    done = command("run", *where, "--local", "--watch")
    assert done.code == 2
    assert "helo" in done.err


# Which saves count --------------------------------------------------------------------------------------------------


def test_only_another_content_counts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = Saves([tmp_path])
    for name in ("a/one", "two"):
        (tmp_path / name).write_text("1")
    assert found.look() == [tmp_path / "a/one", tmp_path / "two"]
    assert found.look() == []
    os.utime(tmp_path / "two", ns=(1, 1))
    assert (found.pending(), found.look()) == (False, [])
    (tmp_path / "two").write_text("2")
    assert (found.pending(), found.pending(), found.look(), found.pending()) == (
        True, True, [tmp_path / "two"], False,
    )  # fmt: skip
    (tmp_path / "a/one").unlink()
    assert found.look() == [tmp_path / "a/one"]


@pytest.mark.parametrize("name", [".git/x", "__pycache__/x.pyc", "x.py~", ".x.py.swp", "x.tmp", ".#x"])
def test_what_nobody_edits_does_not_count(tmp_path: Path, name: str) -> None:
    found = Saves([tmp_path])
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("1")
    assert (found.pending(), found.look()) == (False, [])


def test_what_the_loop_itself_compiles_does_not_count(tmp_path: Path) -> None:
    found = Saves([tmp_path])
    for text in ("# Compiled from component.py by x\n1", "# Compiled from component.py by x\n2"):
        (tmp_path / "component.yaml").write_text(text)
        assert (found.pending(), found.look()) == (False, [])


def test_several_saves_right_after_one_another_count_once(tmp_path: Path) -> None:
    steps: Iterator[str] = iter(["one", "two"])

    def sleep(seconds: float) -> None:
        name = next(steps, None)
        if name and seconds in (saves.QUIET_SECONDS, 0.3):
            (tmp_path / name).write_text("1")

    assert Saves([tmp_path, tmp_path / "none"], sleep).wait() == [tmp_path / "one", tmp_path / "two"]


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """Reading a pipe that nobody writes to never ends, nor does a device."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert Saves([tmp_path]).look() == []


def test_what_is_written_on_and_on_counts_after_a_while(tmp_path: Path) -> None:
    number = iter(range(10_000))

    def sleep(_: float) -> None:
        (tmp_path / "log").write_text(str(next(number)))

    assert Saves([tmp_path], sleep).wait() == [tmp_path / "log"]
    assert next(number) < 100


def test_a_file_that_is_gone_when_it_is_read_does_not_end_the_loop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    loop = Watching(Namespace(root=tmp_path))
    gone = FileNotFoundError(errno.ENOENT, "No such file or directory", "components/src/a.py")

    def fails() -> None:
        raise gone

    monkeypatch.setattr(loop, "_cycle", fails)
    loop._again(first=False)
    assert "components/src/a.py: No such file or directory; waiting" in capsys.readouterr().err
