"""Whole processes, cold and alternating with a peer: seconds, and the peak memory of the process tree."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
SAMPLING = 0.005  # seconds between two looks at the memory


@dataclass(frozen=True)
class Settings:
    """How much is measured, and where a section may write."""

    folder: Path
    rounds: int = 5
    size: int | None = None


@dataclass(frozen=True)
class Command:
    """A process; `before` brings the disk into the state that it starts from, and is not timed."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Figure:
    """What was measured of one side: the median and the best of all rounds, and the peak memory in MB.

    `processor`: the median of the seconds of processors that the process and all below it took.
    """

    name: str
    median: float
    best: float
    memory: float | None = None
    processor: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. `wanted` is the ratio (or, without a peer, the figure) that is aimed at.

    `details` are the lines of a table of their own, by column.
    """

    case: str
    ours: Figure
    peer: Figure | None = None
    unit: str = "s"
    wanted: float | None = None
    absolute: bool = False
    note: str = ""
    details: Sequence[Mapping[str, str | float]] = ()
    wanted_memory: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's, of the medians: below 1 is better."""
        return self.ours.median / self.peer.median if self.peer else None

    @property
    def processor_ratio(self) -> float | None:
        """The same of the processors' time, which others on the machine disturb less."""
        if self.peer is None or not (self.ours.processor and self.peer.processor):
            return None
        return self.ours.processor / self.peer.processor

    @property
    def memory_ratio(self) -> float | None:
        """The same of the peak memory, where both are known."""
        if self.peer is None or not (self.ours.memory and self.peer.memory):
            return None
        return self.ours.memory / self.peer.memory


def compare(
    case: str,
    ours: Command,
    peer: Command,
    settings: Settings,
    *,
    wanted: float | None = None,
    absolute: bool = False,
    each: tuple[str, int] = ("s", 1),
    peer_each: tuple[str, int] | None = None,
    note: str = "",
    memory: float | None = None,
) -> Row:
    """Run both in turn. `each` is the unit and how many things a process does ("ms per pipeline", 1000).

    `wanted` is the ratio that is aimed at, or with `absolute` our own figure; `memory` is the ratio for the memory.
    """
    of = {ours.name: each, peer.name: peer_each or each}
    figures: dict[str, list[float]] = {ours.name: [], peer.name: []}
    processors: dict[str, list[float]] = {ours.name: [], peer.name: []}
    for _ in range(settings.rounds):
        for command in (ours, peer):
            before = _of_processors()
            figures[command.name].append(run_cold(command) * _scale(*of[command.name]))
            processors[command.name].append(_of_processors() - before)
    mine, others = (
        Figure(
            command.name,
            statistics.median(figures[command.name]),
            min(figures[command.name]),
            peak_memory(command),
            statistics.median(processors[command.name]),
        )
        for command in (ours, peer)
    )
    found = Row(case, mine, others, unit=each[0], wanted=wanted, absolute=absolute, note=note)
    return replace(found, wanted_memory=memory)


def _of_processors() -> float:
    """Seconds that processes took which have ended, and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _scale(unit: str, count: int) -> float:
    return (1000 if unit.startswith("ms") else 1) / count


def run_cold(command: Command) -> float:
    """Seconds of wall-clock time of one whole process in an empty HOME."""
    command.before()
    with tempfile.TemporaryDirectory() as home:
        started = perf_counter()
        done = subprocess.run(
            command.argv, capture_output=True, text=True, env=_environment(command, home), check=False
        )
        seconds = perf_counter() - started
    _must_succeed(command, done.returncode, done.stderr)
    return seconds


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall-clock and of processor time, and the peak memory in MB where it is known."""

    seconds: float
    processor: float
    memory: float | None


def cost(command: Command, sampling: float = 0.05) -> Cost:
    """All of one and the same run, for what takes minutes; that its memory is looked at costs it a few per cent.

    Processor time is that of the whole process tree, and hardly depends on what else the machine does.
    """
    before, started = _of_children(), perf_counter()
    memory = peak_memory(command, sampling)
    seconds = perf_counter() - started if memory is not None else run_cold(command)
    return Cost(seconds, _of_children() - before, memory)


def _of_children() -> float:
    """Processor seconds of the children that have ended, and of theirs."""
    used = os.times()
    return used.children_user + used.children_system


def peak_memory(command: Command, sampling: float = SAMPLING) -> float | None:
    """The most memory (MB) that the process and all below it held at one moment; None where /proc is missing.

    Proportional set size: a page that n processes share counts 1/n in each (Linux, proc(5), smaps_rollup).
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    command.before()
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            command.argv,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(command, home),
        )
        ended, peak = threading.Event(), [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, peak, sampling))
        watcher.start()
        code = process.wait()
        ended.set()
        watcher.join()
    _must_succeed(command, code, "")
    return peak[0] / 1024


def _watch(pid: int, ended: threading.Event, peak: list[int], sampling: float) -> None:
    while not ended.wait(sampling):
        peak[0] = max(peak[0], _held(pid))


def _held(pid: int, above: str = "") -> int:
    """Kilobytes of a process and all below it; `above` is the account of its parent's memory.

    Until it becomes a program of its own, a child of vfork(2) runs in its parent's memory, which is counted once.
    """
    try:
        # Children first: a parent stands still from vfork on, so its account does not change until the child's is read.
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        account = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has just ended
        return 0
    own = 0 if _extent(account) == _extent(above) else _proportional(account)
    return own + sum(_held(int(child), account) for child in children)


def _extent(account: str) -> list[str]:
    """Addresses and pages of a memory: others that come and go change its share of pages (Pss), but not these."""
    lines = account.splitlines()
    return lines[:1] + [line for line in lines if line.startswith(("Rss:", "Anonymous:"))]


def _proportional(account: str) -> int:
    """Kilobytes."""
    return sum(int(line.split()[1]) for line in account.splitlines() if line.startswith("Pss:"))


def _environment(command: Command, home: str) -> dict[str, str]:
    # A user's caches and settings reach neither side; bytecode of installed packages does, as in an image.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return {**kept, "HOME": home, **command.environment}


def _must_succeed(command: Command, code: int, errors: str) -> None:
    if code:
        raise SystemExit(
            f"{command.name} ended with {code}, so there is nothing to compare:\n{errors[-2000:]}"
        )
