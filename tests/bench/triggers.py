"""A pass over 1,000 triggers, with 10,000 runs of the last day and 50 ms a request, against a script for each trigger.

Each pipeline but the first runs after another one, ten after each; all have run ten times today, so that each cause has
its run already, and a pass must find that out. Measured are the first pass, which nothing is kept of, the next one, and
one in which ten runs are due. The development server runs in this process and waits before each request; it is no part
of what is measured, but shares the machine's cores. The peer is what one writes without this: for each trigger the
newest runs upstream, and whether there is a run of each one's name; it looks at the first 50, and its time is scaled.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.devserver.records import Run
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.causes.cause import Watched, digest, run_name, watched
from kfp_gitops.reconcile.desired import reviewed

from . import generator
from .house import ROOT, Command, Cost, Figure, Row, Settings, cost, run_cold

SIZE, RUNS, PEER_SIZE = 1000, 10, 50
LATENCY = 0.05
MOST_SECONDS, MOST_REQUESTS = 5.0, 100
_ROUNDS = 3
_DAY = 86_400
_NOTHING = (sys.executable, "-c", "")
_TRIGGERS = """triggers:
- name: after
  runOn: {pipeline: pipeline-<upstream>, versions: <versions>}
  parameters:
    source: {run: id}
"""


def rows(settings: Settings) -> Iterator[Row]:
    """The first pass against the peer, the next one, and one that starts ten runs."""
    root, size = settings.folder / "repository", settings.size or SIZE
    repository(root, size)
    faults = Faults()
    with DevServer(settings.folder / "server", executor=_NOTHING, faults=faults) as server:
        run("reconcile", "apply", *_at(root, server))
        seed(server, root, size)
        faults.latency = LATENCY
        yield _first(settings, root, server, size)
        yield from _later(settings, root, server, size)


def repository(root: Path, size: int) -> None:
    """So many triggers, of one pipeline more; every third also counts runs of versions that are not ours."""
    generator.repository(root, size + 1)
    for number in range(1, size + 1):
        template = root / f"templates/pipelines/pipeline-{number:04}/pipeline.yaml.j2"
        more = _TRIGGERS.replace("<upstream>", f"{(number - 1) // 10:04}")
        more = more.replace("<versions>", "registered" if number % 3 else "any")
        template.write_text(template.read_text("utf-8") + more, "utf-8")
    run("render", "--all", "--lock", "--root", str(root))


def seed(server: DevServer, root: Path, size: int) -> None:
    """Ten runs of each pipeline in the last day, each the run of the upstream's of the same number."""
    wanted = reviewed(root / "manifests/dev", "dev", server.url)
    triggers = {one.pipeline.name: one for one in watched(wanted.pipelines)}
    store, now = server._store, int(time.time())
    pipelines = {one.name: one for one in store.pipelines.where("1 = 1")}
    versions = {one.pipeline_id: one for one in store.versions.where("1 = 1")}
    (experiment, *_) = store.experiments.where("1 = 1")
    with store.transaction():
        for number in range(size + 1):
            name = f"pipeline-{number:04}"
            pipeline = pipelines[name]
            for age in range(RUNS):
                its = _name(wanted.owner, triggers.get(name), number, age)
                ended = now - _DAY + 1800 + age * (_DAY - 3600) // RUNS + number % 1000
                store.runs.insert(
                    Run(
                        _id(number, age), its, "", "", experiment.id, pipeline.id, versions[pipeline.id].id, "",
                        "", ended - 300, ended - 300, {}, {"parameters": {"source": "s3://usage/*.csv"}},
                        "SUCCEEDED", finished=ended,
                    ),
                    checked=False,
                )  # fmt: skip


def _id(number: int, age: int) -> str:
    return f"{number:08}-0000-4000-8000-{age:012}"


def _name(owner: Owner, one: Watched | None, number: int, age: int) -> str:
    if one is None:
        return f"pipeline-{number:04}-by-hand-{age}"
    return run_name(one, digest(owner, one, f"run {_id((number - 1) // 10, age)}"))


def _first(settings: Settings, root: Path, server: DevServer, size: int) -> Row:
    ours = _pass(root, server)
    peer_size = min(PEER_SIZE, size)
    script = str(Path(__file__).with_name("triggers_peer.py"))
    peer = Command(
        f"a script, {peer_size} triggers, scaled", [sys.executable, script, server.url, str(peer_size)]
    )
    mine, theirs, requests = list[Cost](), list[float](), 0
    for _ in range(min(settings.rounds, _ROUNDS)):
        theirs.append(run_cold(peer) * size / peer_size)
        server.faults.clear()
        mine.append(cost(ours))
        requests = len(server.faults.requests)
    return Row(
        f"first pass, {size} triggers, {RUNS * size} runs of the last day",
        _figure(mine),
        Figure(peer.name, statistics.median(theirs), min(theirs)),
        note=_note(requests),
    )


def _note(requests: int) -> str:
    return f"{requests} requests; wanted: at most {MOST_SECONDS:g} s and {MOST_REQUESTS} requests"


def _later(settings: Settings, root: Path, server: DevServer, size: int) -> Iterator[Row]:
    """With what the pass before has kept."""
    ours = _pass(root, server, {"XDG_CACHE_HOME": str(settings.folder / "cache")})
    run_cold(ours)
    rounds: list[tuple[Cost, int]] = []
    for _ in range(min(settings.rounds, _ROUNDS)):
        server.faults.clear()
        rounds.append((cost(ours), len(server.faults.requests)))
    yield _row(f"next pass, {size} triggers", rounds)
    _ended(server)
    server.faults.clear()
    found = cost(ours)
    sent = [one for one in server.faults.requests if one.method == "POST" and one.path.endswith("/runs")]
    yield _row(f"a pass that starts {len(sent)} runs", [(found, len(server.faults.requests))])


def _row(case: str, rounds: Sequence[tuple[Cost, int]]) -> Row:
    note = _note(max(number for _, number in rounds))
    return Row(case, _figure([one for one, _ in rounds]), wanted=MOST_SECONDS, note=note)


def _figure(rounds: Sequence[Cost]) -> Figure:
    """Of the passes; the seconds of processors hardly depend on what else the machine does."""
    seconds = [one.seconds for one in rounds]
    memory = [one.memory for one in rounds if one.memory is not None]
    processor = statistics.median(one.processor for one in rounds)
    return Figure(
        "reconcile.py trigger", statistics.median(seconds), min(seconds), max(memory, default=None), processor
    )


def _ended(server: DevServer) -> None:
    """One more run of the first pipeline, after which ten run."""
    (found,) = server._store.runs.where("id = ?", _id(0, 0))
    now = int(time.time())
    server._store.runs.insert(replace(found, id=_id(0, RUNS), created=now, finished=now), checked=False)


def _pass(root: Path, server: DevServer, environment: dict[str, str] | None = None) -> Command:
    argv = [sys.executable, str(ROOT / "scripts/reconcile.py"), "trigger", *_at(root, server)]
    return Command("reconcile.py trigger", argv, environment or {})


def _at(root: Path, server: DevServer) -> list[str]:
    return ["--env", "dev", "--root", str(root), "--host", server.url]


def run(script: str, *arguments: str) -> None:
    """A command that must succeed."""
    command = [sys.executable, str(ROOT / f"scripts/{script}.py"), *arguments]
    subprocess.run(command, check=True, capture_output=True)
