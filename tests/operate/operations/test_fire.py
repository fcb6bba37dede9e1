"""A schedule's run now, once: killed and started again, in the same minute there is one run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.operate.operations import fire
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
NOW = datetime(2026, 11, 29, 3, 0, 5, tzinfo=UTC)


@pytest.fixture
def run(repository: Path, command: Command, server: DevServer, reconcile: Command) -> Command:
    """`run(…)` of the applied environment."""
    assert reconcile("apply").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    return lambda *options: command("run", *common, *options)


def _names(api: KfpApi) -> list[str]:
    return [found.name for found in api.runs_named(api.experiments_like("hello-dev")[0].id, "-fired-")]


def test_a_schedule_is_fired_with_its_parameters_and_the_instant(run: Command, api: KfpApi) -> None:
    outcome = run("--pipeline", "hello", "--schedule", "weekly", "--tick-parameter", "name", "--wait")
    assert outcome.code == 0
    (found,) = api.runs_named(api.experiments_like("hello-dev")[0].id, "-fired-")
    assert found.name.startswith("hello-weekly-fired-")
    given = api.source(found.id).parameters
    schedule = next(one for one in api.schedules() if one.name == "hello-weekly")
    assert {**given, "name": ""} == {**schedule.parameters, "name": ""}
    assert abs(datetime.fromisoformat(given["name"]) - datetime.now(UTC)) < timedelta(minutes=2)


def test_what_the_schedule_gives_need_not_be_given_again(
    repository: Path, run: Command, api: KfpApi, command: Command, reconcile: Command
) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    text = template.read_text().replace(
        "name: {type: str, default: {{ values.name | tojson }}}", "name: {type: str}"
    )
    template.write_text(text.replace("- name: weekly\n", "- name: weekly\n  parameters: {name: ann}\n"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert reconcile("apply").code == 0
    assert run("--pipeline", "hello").code == 2
    assert run("--pipeline", "hello", "--schedule", "weekly", "--param", "threshold=7").code == 0
    (found,) = api.runs_named(api.experiments_like("hello-dev")[0].id, "-fired-")
    assert api.source(found.id).parameters == {"name": "ann", "threshold": 7}


def test_a_second_call_within_the_minute_follows_the_same_run(run: Command, api: KfpApi) -> None:
    first = run("--pipeline", "hello", "--schedule", "weekly")
    second = run("--pipeline", "hello", "--schedule", "weekly", "--wait")
    assert (first.code, second.code) == (0, 0)
    assert first.out.strip() == second.out.splitlines()[0]
    assert "fired within this minute already" in second.err
    assert len(_names(api)) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", [Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
def test_a_lost_connection_starts_no_second_run(
    run: Command, api: KfpApi, server: DevServer, trouble: Trouble
) -> None:
    server.faults.add(Fault("POST", "/runs$", trouble))
    first = run("--pipeline", "hello", "--schedule", "weekly")
    assert first.code == (0 if trouble is Trouble.DROP_AFTER else 4)
    assert run("--pipeline", "hello", "--schedule", "weekly").code == 0
    assert len(_names(api)) == 1


def test_killed_after_the_run_was_made_and_started_again_there_is_one(
    run: Command, api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = KfpApi.create_run

    def killed(self: KfpApi, **more: Any) -> str:
        real(self, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(KfpApi, "create_run", killed)
    assert run("--pipeline", "hello", "--schedule", "weekly").code == 130
    monkeypatch.setattr(KfpApi, "create_run", real)
    assert run("--pipeline", "hello", "--schedule", "weekly").code == 0
    assert len(_names(api)) == 1


class _Kfp:
    """A server at one instant, with runs of some names."""

    def __init__(self, *there: ActualRun) -> None:
        self.there, self.made = there, list[str]()

    def now(self) -> datetime:
        return NOW

    def runs_with_names(self, names: set[str]) -> list[ActualRun]:
        return [run for run in self.there if run.name in names]

    def create_run(self, *, name: str, **more: object) -> str:
        self.made.append(name)
        return "new"


@pytest.mark.parametrize(("seconds", "again"), [(10, False), (59, False), (61, True)])
def test_the_minute_is_one_from_the_start_of_the_run_and_no_minute_of_the_clock(
    seconds: int, again: bool
) -> None:
    before = ActualRun("r", "p-s-fired-20261129T0259Z", "RUNNING", created=NOW - timedelta(seconds=seconds))
    kfp = _Kfp(before)
    asked = fire.Firing("p-s", "p", "v", "e", {}, None, "")
    found = fire.fire(kfp, asked, lambda _: None)  # the part of it that is asked
    assert (found.before, bool(kfp.made)) == (not again, again)


class _Raced(_Kfp):
    """Somebody else fires the same between our look and our start."""

    def __init__(self, theirs: str) -> None:
        super().__init__()
        self._theirs, self.stopped = theirs, list[str]()

    def create_run(self, *, name: str, **more: object) -> str:
        both = (super().create_run(name=name, **more), self._theirs)
        self.there = tuple(ActualRun(run, name, "RUNNING", created=NOW) for run in both)
        return both[0]

    def run(self, run_id: str) -> RunState:
        return RunState(run_id, run_id, "RUNNING", NOW, None, None, ())

    def terminate_run(self, run_id: str) -> None:
        self.stopped.append(run_id)


@pytest.mark.parametrize(("theirs", "left", "stopped"), [("a", "a", ["new"]), ("z", "new", [])])
def test_of_two_that_were_fired_on_two_machines_at_once_the_older_one_is_left(
    theirs: str, left: str, stopped: list[str]
) -> None:
    kfp: Any = _Raced(theirs)
    asked = fire.Firing("p-s", "p", "v", "e", {}, None, "")
    found = fire.fire(kfp, asked, lambda _: None)
    assert (found.run_id, found.before, kfp.stopped) == (left, bool(stopped), stopped)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--schedule", "daily"), "no schedule 'daily' of hello; there are: weekly"),
        (("--schedule", "weekly", "--tick-parameter", "nope"), "--tick-parameter nope"),
        (("--schedule", "weekly", "--param", "name"), "--param name: write key=value"),
    ],
    ids=["unknown", "tick", "parameter"],
)
def test_what_is_wrong_is_told_and_nothing_is_started(
    run: Command, api: KfpApi, arguments: tuple[str, ...], says: str
) -> None:
    outcome = run("--pipeline", "hello", *arguments)
    assert (outcome.code, says in outcome.err) == (2, True)
    assert _names(api) == []


def test_two_at_once_are_one(repository: Path, server: DevServer, reconcile: Command, api: KfpApi) -> None:
    assert reconcile("apply").code == 0
    server.faults.add(Fault("POST", "/runs$", Trouble.DELAY, nth=0, seconds=3.0))  # both have looked by then
    words = [
        sys.executable,
        PROJECT / "scripts/run.py",
        "--root",
        repository,
        "--env",
        "dev",
        "--host",
        server.url,
    ]
    words += ["--pipeline", "hello", "--schedule", "weekly"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = {process.communicate(timeout=60)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(said) == 1
    assert len(_names(api)) == 1
