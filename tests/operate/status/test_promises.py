"""What a pipeline promises against what its runs did: by hand, and over HTTP against the development server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline, ActualVersion
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.language.manifest import Schedule, Slo
from kfp_gitops.operate.status.model import Promise
from kfp_gitops.operate.status.promises import causes, promise
from kfp_gitops.reconcile.records import DesiredPipeline
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
Command = Callable[..., Outcome]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAILY = Schedule("daily", "0 0 3 * * *", None, True, {}, None, None, 1, False, ("schedules", 0))


def _pipeline(**changes: object) -> DesiredPipeline:
    common = {"description": "", "release": "", "version": "v", "digest": "", "ir": "", "schedules": (DAILY,)}
    given = {"name": "p", "slo": Slo("26h", "45m"), **common, **changes}
    return DesiredPipeline(**given)  # type: ignore[arg-type]  # fields of many types


def _registered(ago: timedelta) -> ActualPipeline:
    return ActualPipeline("p", "p", None, {"v": ActualVersion("v", "v", NOW - ago)})


def _run(
    ended: timedelta | None, took: timedelta = 10 * MINUTE, state: str = "SUCCEEDED", name: str = "r"
) -> RunState:
    """A run that ended so long ago, or that goes on since `took` ago."""
    end = None if ended is None else NOW - ended
    return RunState(f"{name}-{state}", name, state, (end or NOW) - took, end, None, ())


def _found(*runs: RunState, registered: timedelta = 90 * 24 * HOUR, **changes: object) -> Promise:
    found = promise(_pipeline(**changes), _registered(registered), runs, NOW)
    assert found is not None
    return found


def test_the_age_is_that_of_the_end_of_the_newest_success_and_a_failure_after_it_makes_nothing_fresh() -> (
    None
):
    kept = _found(_run(1 * HOUR, state="FAILED"), _run(26 * HOUR), _run(50 * HOUR))
    assert (kept.age, kept.newest_success, kept.took, kept.broken) == (
        26 * HOUR,
        NOW - 26 * HOUR,
        10 * MINUTE,
        (),
    )
    late = _found(_run(1 * HOUR, state="FAILED"), _run(26 * HOUR + MINUTE), _run(50 * HOUR))
    assert late.broken == ("fresh",)
    assert [*causes(late)] == [
        "promised fresh 26h: the newest run that succeeded ended 26h 1m ago, 2026-11-23 09:59"
    ]


def test_a_run_that_somebody_named_like_a_backfill_of_no_day_ends_no_status() -> None:
    found = _found(replace(_run(1 * HOUR), name="backfill-p-daily-20261399T999999Z"))
    assert (found.age, found.broken) == (1 * HOUR, ())
    to_come = _found(replace(_run(27 * HOUR), name="backfill-p-daily-20991201T030000Z"))
    assert (to_come.age, to_come.broken) == (27 * HOUR, ("fresh",))


def test_a_run_that_ends_last_is_the_newest_whenever_it_began() -> None:
    assert _found(_run(3 * HOUR), _run(HOUR, took=20 * HOUR)).age == HOUR


def test_a_backfill_counts_as_if_it_had_run_when_it_was_due() -> None:
    """What it makes is of that day: last month's makes nothing fresh, last night's does."""
    old, last = (f"backfill-p-daily-{day}T030000Z" for day in ("20261001", "20261124"))
    assert _found(_run(HOUR, name=old), _run(30 * HOUR)).age == 30 * HOUR
    assert _found(_run(HOUR, name=last), _run(30 * HOUR)).age == 9 * HOUR - 10 * MINUTE
    another = "backfill-p-hourly-20261001T030000Z"  # of no schedule that it has
    assert _found(_run(HOUR, name=another), _run(30 * HOUR)).age == HOUR


def test_a_new_pipeline_has_the_same_time_for_its_first_success() -> None:
    assert _found(registered=26 * HOUR).broken == ()
    never = _found(_run(HOUR, state="FAILED"), registered=27 * HOUR)
    assert (never.broken, never.age) == (("fresh",), None)
    assert [*causes(never)] == ["promised fresh 26h: no run is known to have succeeded"]
    nowhere = promise(_pipeline(), None, (), NOW)
    assert nowhere is not None
    assert nowhere.broken == ()  # it is not registered, which is told


def test_of_what_is_older_than_the_runs_that_are_looked_at_nothing_is_known() -> None:
    failed = _run(HOUR, state="FAILED")
    since = [replace(failed, created=NOW - minutes * 10 * MINUTE) for minutes in range(1, 101)]
    assert _found(*since).broken == ()  # 17 hours of failures: a success may have been just before
    assert _found(*(replace(run, created=NOW - 30 * HOUR) for run in since)).broken == ("fresh",)
    old = "backfill-p-daily-20260801T030000Z"
    filled = [_run(number * 3 * MINUTE, name=old) for number in range(100)]
    assert (_found(*filled).broken, _found(*filled).newest_success) == (
        (),
        None,
    )  # last night's is not in sight
    assert _found(*filled[:99]).broken == ("fresh",)


def test_a_run_is_slow_while_it_goes_on_and_until_one_succeeds_in_time() -> None:
    hangs = _found(_run(None, took=50 * MINUTE, state="RUNNING"), _run(2 * HOUR))
    assert (hangs.broken, hangs.slowest, hangs.slowest_run) == (("duration",), 50 * MINUTE, "r-RUNNING")
    assert [*causes(hangs)] == ["promised duration 45m: run r-RUNNING takes 50m"]
    assert _found(_run(HOUR, took=50 * MINUTE), _run(2 * HOUR)).broken == ("duration",)
    quick = _found(_run(HOUR), _run(2 * HOUR, took=50 * MINUTE))
    assert (quick.broken, quick.slowest) == ((), 10 * MINUTE)
    assert _found(_run(HOUR, took=50 * MINUTE, state="FAILED"), _run(2 * HOUR)).broken == ()


def test_either_may_be_promised_alone_and_nothing_is_held_against_a_pause() -> None:
    runs = _run(None, took=50 * MINUTE, state="RUNNING"), _run(30 * HOUR)
    assert _found(*runs).broken == ("fresh", "duration")
    assert _found(*runs, slo=Slo(fresh="1h")).broken == ("fresh",)
    assert _found(*runs, slo=Slo(duration="1m")).broken == ("duration",)
    assert _found(*runs, paused_until=NOW + HOUR).broken == ()
    assert promise(_pipeline(slo=None), _registered(HOUR), runs, NOW) is None


# over HTTP


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def promising(repository: Path, command: Command, server: DevServer) -> Command:
    """A command about an environment whose values promise something."""
    folder = repository / "templates/pipelines/hello"
    template, schema = folder / "pipeline.yaml.j2", folder / "values.schema.json"
    template.write_text(f"{template.read_text().rstrip()}\nslo: {{{{ values.slo | tojson }}}}\n")
    schema.write_text(
        schema.read_text().replace('"properties": {', '"properties": {\n    "slo": { "type": "object" },', 1)
    )
    values = repository / "environments/base.yaml"
    values.write_text(f"{values.read_text().rstrip()}\n      slo: {{fresh: 26h, duration: 45m}}\n")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    return lambda name, what, *options: command(name, *filter(None, [what]), *common, *options)


def _told(outcome: Outcome) -> dict[str, object]:
    ((found,), findings) = (json.loads(outcome.out)[key] for key in ("pipelines", "findings"))
    return {**found["promise"], "kinds": [one["kind"] for one in findings]}


def test_a_promise_that_is_not_kept_is_late_until_a_run_succeeds(
    promising: Command, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert promising("reconcile", "apply").code == 0
    assert promising("reconcile", "status").code == 0
    (version,) = server._store.versions.where("1 = 1")
    server._store.versions.update(version.id, created=int((datetime.now(UTC) - 27 * HOUR).timestamp()))
    late = promising("reconcile", "status", "--json")
    assert (late.code, _told(late)["broken"], _told(late)["kinds"]) == (1, ["fresh"], ["late"])
    text = promising("reconcile", "status").out
    assert "LATE (1): what its manifest promises (slo) is not kept" in text
    (line,) = [line for line in text.replace(" \\\n", "").splitlines() if "run.py" in line]
    assert line.split()[-2:] == ["--pipeline", "hello"]  # its schedule is off
    assert promising("run", "", "--pipeline", "hello", "--wait").code == 0
    kept = promising("reconcile", "status", "--json")
    assert (kept.code, _told(kept)["broken"], _told(kept)["fresh"], _told(kept)["duration"]) == (
        0,
        [],
        26 * 3600,
        45 * 60,
    )
    monkeypatch.setenv("COLUMNS", "250")
    head, row, *_ = promising("reconcile", "status", "--all").out.splitlines()
    assert head.split()[-2:] == ["SLO", "HEALTH"]
    assert "fresh 0m of 26h, took 0m of 45m" in row
    monkeypatch.setenv("COLUMNS", "80")
    assert "  slo: fresh 0m of 26h, took 0m of 45m" in promising("reconcile", "status", "--all").out


def test_another_promise_makes_no_version_and_no_plan(
    promising: Command, repository: Path, command: Command
) -> None:
    """Nor does it make an approved plan another one: nothing of it is on KFP."""
    assert promising("reconcile", "apply").code == 0
    before = json.loads(promising("reconcile", "plan", "--format", "json").out)
    values = repository / "environments/base.yaml"
    values.write_text(values.read_text().replace("fresh: 26h", "fresh: 30h"))
    lock = repository / "manifests/dev/versions.lock.yaml"
    locked = [line for line in lock.read_text().splitlines() if "manifest:" not in line]
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert [line for line in lock.read_text().splitlines() if "manifest:" not in line] == locked
    planned = promising("reconcile", "plan", "--format", "json")
    assert (planned.code, json.loads(planned.out)["plan"]) == (0, before["plan"])
    assert _told(promising("reconcile", "status", "--json"))["fresh"] == 30 * 3600
