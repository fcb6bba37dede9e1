"""What is predicted of a change is what a server with KFP's cache does: made-up manifests, changed at random.

Both versions are registered on the development server and run there with its cache on, by its own fingerprints; its
API says which tasks were executed. The tasks compute nothing (tests/servers/symbolic.py), but what they give hangs on
all that they are given, and often comes out the same.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
import yaml
from changed_versions import Version, changed
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.runtree import View
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.review.caching import Fate, Prediction, predict
from language import SPECS
from profiles import examples
from servers.cached import SYMBOLIC, CachedRuns, Ran
from servers.prepared import Prepared

SEEDS = range(max(20, examples(100)))  # the first ten do not meet every fate
_CERTAIN_TO_RUN = (Fate.RUNS, Fate.EACH_TIME)


@dataclass(frozen=True)
class Told:
    """A task of a run: how it stands by the API, and each of its executions by the events of the server."""

    view: View
    hits: tuple[str, ...]
    """Fingerprints for which an earlier result was taken."""
    executed: tuple[str, ...]


class Ground:
    """The server, with a new pipeline for each example."""

    def __init__(self, server: DevServer) -> None:
        self.runs = CachedRuns(server)

    def told(self, version: Version, name: str) -> dict[str, Told]:
        """One run of a version; by the manifest's ids."""
        documents = version.documents()
        documents[0]["pipelineInfo"]["name"] = name
        ran = self.runs.registered(documents, name, Ids(version.read, {}, same=True))
        hits, executed = defaultdict(list), defaultdict(list)
        for event in _ended(self.runs):
            kind = hits if event.get("cached") else executed
            kind[event["display_name"]].append(event.get("fingerprint", ""))
        found = {}
        for view in _leaves(ran):
            found[view.id] = Told(view, tuple(hits[view.id]), tuple(executed[view.id]))
            assert view.cached == len(hits[view.id])
        return found

    def settled(self, version: Version, name: str) -> dict[str, Told]:
        """The last run of a version that runs again when it made a result twice; what is new each time stays so."""
        told = self.told(version, name)
        for _ in range(2):
            made = Counter(key for one in told.values() for key in one.executed if key)
            if max(made.values(), default=0) > 1:
                told = self.told(version, name)
        return told


def _leaves(ran: Ran) -> Iterator[View]:
    return (view for view in ran.views.values() if view.kind == "task")


def _ended(runs: CachedRuns) -> Iterator[dict[str, Any]]:
    path = runs.server.data_dir / "runs" / runs.last / "events.jsonl"
    for event in map(json.loads, path.read_text().splitlines()):
        if event.get("kind") == "task" and event["state"] == "SUCCEEDED":
            yield event


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, localrun: Prepared) -> Iterator[Ground]:
    executor = localrun.python(SYMBOLIC)
    with DevServer(tmp_path_factory.mktemp("server"), executor=executor, cache=True) as server:
        yield Ground(server)


def _wrong(prediction: Prediction, before: Mapping[str, Told], after: Mapping[str, Told]) -> Iterator[str]:
    """Where the server did what was said to be impossible."""
    new = {key for told in after.values() for key in told.executed}
    for id, told in after.items():
        fates = Counter({one.fate: one.count for one in prediction.outcomes if one.task == id})
        total = len(told.hits) + len(told.executed)
        if not total:
            continue
        runs, cached = sum(fates[fate] for fate in _CERTAIN_TO_RUN), fates[Fate.CACHED]
        if len(fates) == 1:  # for every item of a loop
            runs, cached = total * bool(runs), total * bool(cached)
        elif fates.total() != total:
            continue
        # What this very run made may be taken by a task like it.
        old = [key for key in told.hits if key not in new]
        unless = any(one.unless for one in prediction.outcomes if one.task == id)  # may be given the same
        if len(old) > total - runs and not unless:
            yield f"{id} was said to run, and took {old}: {fates}"
        if len(told.executed) > total - cached and _all_ran(before.get(id), total):
            yield f"{id} was said to be cached, and ran {told.executed}: {fates}"


def _all_ran(told: Told | None, total: int) -> bool:
    return told is not None and len(told.hits) + len(told.executed) >= total


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_certain_happens(ground: Ground, seed: int) -> None:
    before, after = changed(Random(seed))
    name = f"p{seed}"
    first, second = ground.settled(before, name), ground.told(after, name)
    prediction = predict(before.side, after.side)
    assert list(_wrong(prediction, first, second)) == []
    assert {one.task for one in prediction.outcomes} == set(second)


ALIKE = """
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  tasks:
    a: {component: load}
    b: {component: load}
    with-a: {component: train, arguments: {data: {task: a, output: data}, name: x}}
    with-b: {component: train, arguments: {data: {task: b, output: data}, name: y}}
"""


def test_two_tasks_alike_at_once_are_settled_by_one_more_run(ground: Ground) -> None:
    """Both ask before one has a result, so there are two; the next run takes one of them for both, as on KFP."""
    version = Version(yaml.safe_load(ALIKE), SPECS)
    executed = [
        {name for name, told in ground.told(version, "alike").items() if told.executed} for _ in range(3)
    ]
    assert executed[0] == {"a", "b", "with-a", "with-b"}
    assert len(executed[1]) == 1
    assert executed[1] < {"with-a", "with-b"}
    assert executed[2] == set()
    assert {one.fate for one in predict(version.side, version.side).outcomes} == {Fate.CACHED}


def test_every_certain_fate_is_met() -> None:
    """Among them results that the cache gives although something changed that bears on them."""
    found: set[object] = set()
    for seed in range(max(30, len(SEEDS))):  # stale ones are rare
        before, after = changed(Random(seed))
        for one in predict(before.side, after.side).outcomes:
            found |= {one.fate, *(["stale"] if one.stale and one.fate is Fate.CACHED else [])}
    assert found >= {Fate.RUNS, Fate.CACHED, Fate.EACH_TIME, "stale"}
