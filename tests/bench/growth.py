"""How each command grows: 100, 1,000 and 10,000 pipelines of 20 templates, over a network with 50 ms.

A team has at most 500 of them, in files of its own: one file of all values is too large for anybody to review.

Each command runs once and cold, and is timed while the memory of its process tree is looked at: the most of the sum
of proportional set sizes, twenty times a second. The development server runs in this process, which is no part of
what is measured, but shares the machine's cores. The ratio of a row is the largest size to the one before it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.sources.release import FILE_VERSION

from . import diff, fleet, generator
from .house import ROOT, Command, Cost, Figure, Row, Settings, cost
from .reconcile import Server

SIZES = (100, 1000, 10_000)
TEAM = 500
WANTED, WANTED_MEMORY, WANTED_MB = 11, 4, 300
_LOCAL = ("render", "render --lock", "diff, 1 of 5 changed")
_REMOTE = ("plan, nothing there", "first apply", "plan, nothing to do", "status")


@dataclass(frozen=True)
class Taken:
    """What one command took of one environment; `written` in bytes below manifests/."""

    step: str
    pipelines: int
    cost: Cost
    requests: int | None = None
    written: int | None = None

    def line(self) -> dict[str, str | float]:
        """For the table."""
        found: dict[str, str | float] = {"step": self.step, "pipelines": str(self.pipelines)}
        found |= {"seconds": self.cost.seconds, "of processors": self.cost.processor}
        found |= {} if self.cost.memory is None else {"peak MB": self.cost.memory}
        found |= {} if self.requests is None else {"requests": str(self.requests)}
        return found | ({} if self.written is None else {"bytes written": str(self.written)})


def rows(settings: Settings) -> Iterator[Row]:
    """One row for each command, and all of it as one table."""
    sizes = sizes_up_to(settings.size or SIZES[-1])
    taken = [one for size in sizes for one in _of_size(settings.folder / f"of-{size}", size)]
    for step in (*_LOCAL, *_REMOTE):
        yield _row(step, [one for one in taken if one.step == step])
    last = max(taken, key=lambda one: one.cost.seconds)
    note = "what takes longest; below, all of it"
    yield Row("growth", _figure(last), note=note, details=[one.line() for one in taken])


def sizes_up_to(largest: int) -> list[int]:
    """Ten times as many each."""
    return sorted({max(largest // 100, 2), max(largest // 10, 2), largest})


def _row(step: str, taken: Sequence[Taken]) -> Row:
    *_, before, last = taken
    note = f"memory wanted: at most {WANTED_MEMORY} times as much"
    if step in _REMOTE:
        note += f", and {WANTED_MB} MB"
    if step == "plan, nothing to do":
        note += "; 25 s"
    return Row(step, _figure(last), _figure(before), wanted=WANTED, note=note)


def _figure(taken: Taken) -> Figure:
    took = taken.cost
    return Figure(f"{taken.pipelines} pipelines", took.seconds, took.seconds, took.memory)


def _of_size(root: Path, size: int) -> Iterator[Taken]:
    repository(root, size)
    yield from _locally(root, size)
    server = Server(root.parent)
    try:
        for step, what in zip(_REMOTE, ("plan", "apply", "plan", "status"), strict=True):
            server.counted()
            argv = _script("reconcile", what, "--env", "dev", "--root", str(root), "--host", server.url)
            took = cost(_may_end_with((0, 1), argv))
            yield Taken(step, size, took, requests=server.counted()[0])
    finally:
        server.close()


def repository(root: Path, size: int) -> None:
    """Every schedule of them is on."""
    instances = fleet.repository(root, size)
    generator.write(root / "environments/dev/values.yaml", "follows: sources\n")
    teams = [instances[first : first + TEAM] for first in range(0, size, TEAM)]
    names = [f"team-{number}" for number in range(len(teams))]
    generator.write(
        root / "environments/teams.yaml",
        generator.dump(
            {"apiVersion": FILE_VERSION, "kind": "Teams", "teams": {name: {} for name in names}}, 0
        ),
    )
    for name, its in zip(names, teams, strict=True):
        text = fleet.values(its).partition("\n")[2].replace("enabled: false", "enabled: true")
        generator.write(root / f"environments/dev/teams/{name}.yaml", text)


def _locally(root: Path, size: int) -> Iterator[Taken]:
    render, lock, compare = _LOCAL
    where = ("--env", "dev", "--root", str(root))
    took = cost(_may_end_with((0,), _script("render", *where)))
    yield Taken(render, size, took, written=_bytes(root))
    before = _bytes(root)
    took = cost(_may_end_with((0,), _script("render", *where, "--lock")))
    yield Taken(lock, size, took, written=_bytes(root) - before)
    diff.commit(root)
    diff.edit(root)
    # 2: edited by hand, which is not looked for among many where nothing is remembered of them
    took = cost(_may_end_with((1, 2), _script("diff", *where)))
    yield Taken(compare, size, took, written=0)
    subprocess.run(["git", "checkout", "-q", "--", "manifests"], cwd=root, check=True)


def _bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / "manifests").rglob("*") if path.is_file())


def _script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / f"scripts/{name}.py"), *arguments]


def _may_end_with(codes: Sequence[int], argv: Sequence[str]) -> Command:
    """1: differences. What ends so and says nothing has failed."""
    test = " -o ".join(f"$code = {code}" for code in codes)
    script = (
        f'out=$(mktemp); "$@" > $out; code=$?; test -s $out -a \\( {test} \\); good=$?; rm $out; exit $good'
    )
    return Command(" ".join(argv[1:3]), ["sh", "-c", script, "growth", *argv])
