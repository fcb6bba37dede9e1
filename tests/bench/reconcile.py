"""Reconciling many pipelines with a schedule each, over a network with 50 ms, against a sequential kfp.Client script.

The development server runs in this process and waits before each request; it is no part of what is measured, but it
shares the machine's cores with both sides. The peer registers the first 50 pipelines, and its time is scaled.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kfp_gitops.devserver import DevServer, Faults

from . import generator
from .house import ROOT, Command, Figure, Row, Settings, peak_memory, run_cold

SIZE = 1000
PEER_SIZE = 50
LATENCY = 0.05
ROUNDS = 3  # a first apply takes half a minute, so there are fewer rounds than elsewhere
# Nothing runs in this section: schedules fire at three in the morning, on a clock that is not moved.
_NOTHING = (sys.executable, "-c", "")


class Server:
    """A development server on one port, whose data can be thrown away between two measurements."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0
        self._server = self._start(0)
        self.url = self._server.url

    def _start(self, port: int) -> DevServer:
        self._number += 1
        data = self._folder / f"server-{self._number}"
        return DevServer(data, port=port, executor=_NOTHING, faults=Faults(latency=LATENCY)).start()

    def renew(self) -> None:
        """An empty server at the same address."""
        self._server.close()
        self._server = self._start(int(self.url.rsplit(":", 1)[1]))

    def counted(self) -> tuple[int, int]:
        """How many were made since the last time this was asked, and how many of them a real server does slowly."""
        found = self._server.faults.requests
        self._server.faults.clear()
        touching = [r for r in found if "/recurringruns" in r.path and r.method != "GET"]
        return len(found), len(touching)

    def requests(self) -> str:
        """The same in words."""
        made, touching = self.counted()
        return f"{made} requests, {touching} of them on a ScheduledWorkflow"

    def close(self) -> None:
        """Stop it."""
        self._server.close()


def rows(settings: Settings) -> Iterator[Row]:
    """First apply against the peer; then apply after one change, and a plan that finds nothing to do."""
    size = settings.size or SIZE
    root = settings.folder / "repository"
    generator.repository(root, size)
    generator.enable(root)
    _lock(root)
    server = Server(settings.folder)
    try:
        yield _first(root, server, size, min(settings.rounds, ROUNDS))
        yield from _later(root, server, size, min(settings.rounds, ROUNDS))
    finally:
        server.close()


def _first(root: Path, server: Server, size: int, rounds: int) -> Row:
    ours = _reconcile("apply", root, server)
    peer_size = min(PEER_SIZE, size)
    peer = _peer(root, server, peer_size)
    mine, theirs, requests = [], [], ""
    for _ in range(rounds):
        server.renew()
        theirs.append(run_cold(peer) * size / peer_size)
        server.renew()
        mine.append(run_cold(ours))
        requests = server.requests()
    server.renew()
    memory = peak_memory(ours)
    return Row(
        f"first apply, {size} pipelines",
        Figure("reconcile.py apply", statistics.median(mine), min(mine), memory),
        Figure(peer.name, statistics.median(theirs), min(theirs)),
        wanted=1 / 7,
        note=f"{requests}; memory wanted: at most 150 MB",
    )


def _later(root: Path, server: Server, size: int, rounds: int) -> Iterator[Row]:
    """On what the last measured apply has left."""
    server.requests()
    _change_one(root)
    changed = run_cold(_reconcile("apply", root, server))
    requests = server.requests()
    yield Row("apply after one change", Figure("reconcile.py apply", changed, changed), note=requests)
    plan = _reconcile("plan", root, server)
    seconds, requests = [], ""
    for _ in range(rounds):
        server.requests()
        seconds.append(run_cold(plan))
        requests = server.requests()
    figure = Figure("reconcile.py plan", statistics.median(seconds), min(seconds), peak_memory(plan))
    note = f"{requests}; wanted: at most 1,100 for 1,000 pipelines, and 150 MB"
    yield Row(f"plan without a difference, {size} pipelines", figure, wanted=3.0, note=note)


def _peer(root: Path, server: Server, size: int) -> Command:
    script = str(Path(__file__).with_name("reconcile_peer.py"))
    return Command(
        f"kfp.Client, {size} of them, scaled", [sys.executable, script, str(root), server.url, str(size)]
    )


def _reconcile(what: str, root: Path, server: Server) -> Command:
    script = str(ROOT / "scripts/reconcile.py")
    options = ["--env", "dev", "--root", str(root), "--host", server.url]
    return Command(f"reconcile.py {what}", [sys.executable, script, what, *options])


def _change_one(root: Path) -> None:
    values = root / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8").replace("rows: 1000", "rows: 999", 1), "utf-8")
    _lock(root)


def _lock(root: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/render.py"), "--all", "--lock", "--root", str(root)]
    subprocess.run(command, check=True, capture_output=True)
