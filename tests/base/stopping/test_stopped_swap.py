"""An apply that is stopped in the middle of a swap: the schedule fires again, once, and the next apply goes on."""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import kubeconfig
import pytest
from first import PROMISE, Ended, running, until
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile.safety import Unfinished, ways_to_safety
from kfp_gitops.reconcile.steps import (
    DeleteSchedule,
    DisableSchedule,
    EnableSchedule,
    LookAtRuns,
    StartRun,
    Step,
)
from kfpapi.stub import Answer, Seen, Stub
from locking.fake_leases import FakeLeases
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Gate:
    """Before a KFP; once a request has been answered that matches `after`, those that match `hangs` never are."""

    def __init__(self, kfp: str) -> None:
        self.kfp, self.after, self.hangs, self.before = kfp, "", "", ""
        self.hanging, self.forever = threading.Event(), threading.Event()
        self._closed = self.once = False
        self.stub = Stub(self._answer)

    def _answer(self, request: Seen) -> Answer:
        what = f"{request.method} {request.path}"
        if self.before and re.search(self.before, what):
            self.before = "" if self.once else self.before
            self._hang()
        if self._closed and re.search(self.hangs, what):
            self._hang()
        answer = _forward(self.kfp, request)
        if self.after and re.search(self.after, what):
            self._closed = True
        return answer

    def _hang(self) -> None:
        self.hanging.set()
        self.forever.wait()

    def open(self) -> None:
        self.after = self.before = ""
        self._closed = False
        self.forever.set()


def _forward(kfp: str, request: Seen) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(kfp).netloc, timeout=30)
    kept = {k: v for k, v in request.headers.items() if k not in ("host", "connection", "transfer-encoding")}
    connection.request(request.method, request.path, request.body, kept)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return Answer(reply.status, body, reply.headers.get("Content-Type", ""), {"Date": reply.headers["Date"]})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def gate(server: DevServer) -> Iterator[Gate]:
    found = Gate(server.url)
    with found.stub:
        yield found
        found.open()


@pytest.fixture
def cluster() -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        yield found


def recurring_runs(server: DevServer) -> list[dict[str, Any]]:
    with urlopen(f"{server.url}/apis/v2beta1/recurringruns") as reply:
        return list(json.load(reply).get("recurringRuns") or [])


class House:
    """A repository with one schedule that is on, applied once, whose next apply replaces it."""

    def __init__(self, root: Path, command: Command, gate: Gate, cluster: FakeLeases) -> None:
        self.root, self.command, self.gate, self.cluster = root, command, gate, cluster
        self.values = root / "environments/base.yaml"

    def schedule(self, cron: str) -> None:
        text = self.values.read_text("utf-8").replace("enabled: false", "enabled: true")
        self.values.write_text(re.sub(r"cron: .*", f"cron: '{cron}'", text), "utf-8")
        self.render()

    def change(self) -> None:
        dev = self.root / "environments/dev/values.yaml"
        dev.write_text(dev.read_text("utf-8").replace("name: dev", "name: changed"), "utf-8")
        self.render()

    def render(self) -> None:
        assert self.command("render", "--root", self.root, "--env", "dev", "--lock").code == 0

    @property
    def words(self) -> list[object]:
        return ["-m", "kfp_gitops", "reconcile", "apply", "--root", self.root, "--env", "dev", "--lease=team/dev",
                "--host", self.gate.stub.url]  # fmt: skip

    @property
    def variables(self) -> dict[str, str]:
        return {"KUBECONFIG": str(kubeconfig.written(self.root, self.cluster.stub.url))}

    def apply(self) -> Ended:
        with running(self.words, self.root, **self.variables) as process:
            out, err = process.process.communicate(timeout=120)
            return Ended(process.process.returncode, out, err, 0)

    def stopped_at(self, there: Callable[[], bool]) -> tuple[Ended, list[str]]:
        """Stop an apply there; how it ended, and the writes that it sent afterwards."""
        with running(self.words, self.root, **self.variables) as process:
            until(there, process.process)
            before = len(self.gate.stub.seen)
            ended = process.stop()
        later = self.gate.stub.seen[before:]
        return ended, [f"{seen.method} {seen.path}" for seen in later if seen.method in WRITES]


@pytest.fixture
def house(repository: Path, command: Command, gate: Gate, cluster: FakeLeases) -> House:
    found = House(repository, command, gate, cluster)
    found.schedule("0 0 3 1 1 *")
    applied = found.apply()
    assert applied.code == 0, applied.err
    found.change()
    return found


def test_between_disable_and_enable_the_old_one_is_enabled_again(
    repository: Path, command: Command, gate: Gate, server: DevServer, cluster: FakeLeases
) -> None:
    """Where it fires soon; what fires in hours is deleted at once."""
    house = House(repository, command, gate, cluster)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    house.schedule(f"{soon.second} {soon.minute} {soon.hour} * * *")
    assert house.apply().code == 0
    house.change()
    (old,) = recurring_runs(server)
    gate.after, gate.hangs = ":disable", "^GET"
    ended, writes = house.stopped_at(gate.hanging.is_set)
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert writes == [f"POST /apis/v2beta1/recurringruns/{old['recurring_run_id']}:enable"]
    assert [run["recurring_run_id"] for run in recurring_runs(server) if run["status"] == "ENABLED"] == [
        old["recurring_run_id"]
    ]
    assert cluster.holder("dev") == "", ended.err
    gate.open()
    again = house.apply()
    assert again.code == 0, again.err
    (new,) = recurring_runs(server)
    assert new["status"] == "ENABLED" and new["recurring_run_id"] != old["recurring_run_id"]


def test_a_deletion_that_nobody_answered_is_sent_again_before_the_new_one_is_enabled(
    house: House, gate: Gate, server: DevServer, cluster: FakeLeases
) -> None:
    """One that fires in hours is deleted at once, and only when it is gone for certain may another one fire."""
    (old,) = recurring_runs(server)
    gate.before, gate.once = "^DELETE ", True
    ended, writes = house.stopped_at(gate.hanging.is_set)
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    (new,) = recurring_runs(server)
    path = "/apis/v2beta1/recurringruns"
    assert [write.partition("?")[0] for write in writes] == [
        f"DELETE {path}/{old['recurring_run_id']}",
        f"POST {path}/{new['recurring_run_id']}:enable",
    ]
    assert new["status"] == "ENABLED" and new["recurring_run_id"] != old["recurring_run_id"]


def test_an_enabling_that_nobody_answered_is_sent_again(house: House, gate: Gate, server: DevServer) -> None:
    """It is unknown whether the new one fires: the old one may not."""
    (old,) = recurring_runs(server)
    gate.before = ":enable"
    ended, writes = house.stopped_at(gate.hanging.is_set)
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert len(writes) == 1 and writes[0].endswith(":enable") and old["recurring_run_id"] not in writes[0]
    assert "left to expire" in ended.err


def test_before_a_swap_nothing_is_begun(
    house: House, gate: Gate, server: DevServer, cluster: FakeLeases
) -> None:
    gate.after, gate.hangs = "versions", "^GET.*(recurringruns|runs)"
    ended, writes = house.stopped_at(gate.hanging.is_set)
    assert (ended.code, ended.seconds < PROMISE, writes) == (143, True, []), ended
    assert [run["status"] for run in recurring_runs(server)] == ["ENABLED"]
    assert cluster.holder("dev") == ""


def test_while_a_swap_waits_for_a_firing(
    repository: Path, command: Command, gate: Gate, cluster: FakeLeases, server: DevServer
) -> None:
    house, soon = House(repository, command, gate, cluster), datetime.now(UTC) + timedelta(seconds=28)
    house.schedule(f"{soon.second} {soon.minute} {soon.hour} * * *")
    assert house.apply().code == 0
    house.change()
    with running(house.words, house.root, **house.variables) as process:
        out = process.process.stdout
        assert out is not None
        assert any("waiting" in line for line in out)
        ended = process.stop()
    assert (ended.code, ended.seconds < PROMISE) == (143, True), ended
    assert [run["status"] for run in recurring_runs(server)] == ["ENABLED"]
    assert cluster.holder("dev") == ""


# what makes it fire again, decided without a server


def schedule(key: str, *, enabled: bool, name: str = "s") -> ActualSchedule:
    return ActualSchedule(key, name, "p", "v", enabled, datetime(2026, 11, 23, tzinfo=UTC))


OFF = (schedule("old", enabled=False), schedule("new", enabled=False))
UNHEARD = (schedule("old", enabled=True), schedule("new", enabled=False))
DISABLE, ENABLE, LOOK = DisableSchedule("old", "s"), EnableSchedule("new", "s"), LookAtRuns()
DELETE = DeleteSchedule("old", "s")
MAKEUP = StartRun("s-missed-20261123T120000Z", {}, "")


@pytest.mark.parametrize(
    ("sent", "seen", "enabled"),
    [
        ([], OFF, []),
        ([DISABLE], OFF, ["old"]),
        ([DISABLE, LOOK], OFF, ["old"]),
        ([DISABLE], UNHEARD, ["old"]),
        ([DISABLE, LOOK, MAKEUP], OFF, ["new"]),
        ([DELETE], (schedule("new", enabled=False),), ["new"]),
        ([DELETE, LOOK], (schedule("new", enabled=False),), ["new"]),
        ([DELETE], UNHEARD, ["old", "new"]),
        ([DeleteSchedule("left", "s")], UNHEARD, []),
        ([DISABLE, LOOK, ENABLE], OFF, ["new"]),
        ([DISABLE, ENABLE], (schedule("old", enabled=False), schedule("new", enabled=True)), []),
        ([DISABLE, ENABLE, DeleteSchedule("old", "s")], (schedule("new", enabled=True),), []),
        ([DISABLE], (schedule("old", enabled=False), schedule("other", enabled=True)), []),
        ([DisableSchedule("gone", "renamed")], (schedule("gone", enabled=False, name="renamed"),), []),
    ],
)
def test_what_makes_a_schedule_fire_again(
    sent: list[Step], seen: tuple[ActualSchedule, ...], enabled: list[str]
) -> None:
    found = ways_to_safety(Unfinished("p", sent, seen, {"s": "new"}))
    assert [step.id for way in found for step in way] == enabled


@pytest.mark.parametrize(("sent", "seen"), [([DELETE], ()), ([DISABLE, LOOK, MAKEUP], OFF[:1])])
def test_one_that_is_no_successor_is_not_enabled(sent: list[Step], seen: tuple[ActualSchedule, ...]) -> None:
    assert ways_to_safety(Unfinished("p", sent, seen, {"s": ""})) == []
