"""What status names is made up for exactly, and then named no more: over HTTP against the development server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base import metrics
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.operations import making_up
from kfp_gitops.operate.operations.backfill import Backfill
from project import Outcome

Command = Callable[..., Outcome]
MISSED = ("--pipeline", "hello", "--backfill", "--missed")
HOUR = (datetime.now(UTC).hour + 12) % 24
"""The schedule fires then, far from now: a firing of this minute may have its run or not."""


def _newest() -> datetime:
    """The newest firing."""
    now = datetime.now(UTC)
    found = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return found if found <= now else found - timedelta(days=1)


@pytest.fixture
def daily(repository: Path, command: Command, server: DevServer, reconcile: Command) -> Command:
    """`daily(…)` is `run.py`; the one schedule fires each day and is registered."""
    base = repository / "environments/base.yaml"
    base.write_text(re.sub(r"cron: '[^']*'", f"cron: '0 0 {HOUR} * * *'", base.read_text(), count=1))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert reconcile("apply").code == 0
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    return lambda *options: command("run", *common, *options)


@pytest.fixture
def api(server: DevServer) -> KfpApi:
    return KfpApi(server.url, "")


def _down_for(server: DevServer, days: float) -> list[str]:
    """As if it had been there for so many days, and KFP's controller had been down; the firings of that time."""
    now = datetime.now(UTC)
    created = now - timedelta(days=days)
    server._store.execute(
        "UPDATE recurring_runs SET created = ?, last_fired = ?",
        int(created.timestamp()),
        int(now.timestamp()),
    )
    past = [_newest() - timedelta(days=day) for day in range(int(days) + 1)]
    return sorted(
        f"{tick:%Y-%m-%dT%H:%M:%SZ}" for tick in past if created < tick < now - timedelta(minutes=2)
    )


def _schedule(reconcile: Command) -> dict[str, Any]:
    (pipeline,) = json.loads(reconcile("status", "--json").out)["pipelines"]
    (found,) = pipeline["schedules"]
    return dict(found)


def _missed(reconcile: Command) -> dict[str, str]:
    return {one["at"]: one["cause"] for one in _schedule(reconcile)["missed"]}


def _names(api: KfpApi) -> list[str]:
    (found,) = (one for one in api.experiments_like("hello-dev") if one.name == "hello-dev")
    return sorted(run.name for run in api.runs_named(found.id, ""))


def test_what_status_names_is_made_up_for_and_the_alarm_is_over(
    daily: Command, reconcile: Command, server: DevServer, api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[dict[tuple[str, str], int]] = []
    monkeypatch.setattr(metrics, "push", lambda _url, report, *_: pushed.append(report.missed))
    gateway = ("--push-gateway", "http://127.0.0.1:9", "--exit-zero")
    lost = _down_for(server, 3.5)
    assert reconcile("status", *gateway).code == 0
    assert _missed(reconcile) == dict.fromkeys(lost, "outage")
    text = reconcile("status").out
    assert "--backfill --missed" in text
    assert f"{len(lost)} firings (outage)" in text
    done = daily(*MISSED)
    assert (done.code, done.out) == (0, f"{len(lost)} SUCCEEDED\n")
    assert f"hello-weekly: {len(lost)} runs, " in done.err
    assert "cost unknown" in " ".join(done.err.split())
    assert [name.split("-")[3] for name in _names(api)] == [re.sub("[-:]", "", tick) for tick in lost]
    found = _schedule(reconcile)
    assert (found["missed"], found["made_up"]) == ([], len(lost))
    assert reconcile("status").code == 0
    assert reconcile("status", *gateway).code == 0
    assert pushed == [{("hello", "hello-weekly"): len(lost)}, {("hello", "hello-weekly"): 0}]
    again = daily(*MISSED)
    assert (again.code, again.out) == (0, "no firing to make up for\n")
    assert len(_names(api)) == len(lost)


def test_what_is_left_of_a_large_backfill_stays_missed_until_it_is_made_up_for(
    reconcile: Command, server: DevServer, repository: Path, command: Command
) -> None:
    """A hundred firings are told, and then their hundred runs are the newest: the rest is not forgotten with that."""
    base = repository / "environments/base.yaml"
    base.write_text(re.sub(r"cron: '[^']*'", "cron: '0 0 * * * *'", base.read_text(), count=1))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert reconcile("apply").code == 0
    _down_for(server, 5.5)
    lost = [*_missed(reconcile)]
    assert len(lost) == 100
    common = ("--root", repository, "--env", "dev", "--host", server.url, "--pipeline", "hello")
    assert command("run", *common, "--wait").code == 0
    (made,) = server._store.runs.where("1 = 1")
    for tick in lost:
        stamp = re.sub("[-:]", "", tick)
        of_it = replace(made, id=stamp, display_name=f"backfill-hello-weekly-{stamp}")
        server._store.runs.insert(of_it, checked=False)
    left = _schedule(reconcile)
    assert left["made_up"] == 100
    assert min(one["at"] for one in left["missed"]) > max(lost)
    again = command("run", *common, "--backfill", "--missed", "--dry-run")
    assert f"{len(left['missed'])} runs in all" in again.out


def test_an_apply_sees_all_runs_of_a_large_backfill(daily: Command, server: DevServer, api: KfpApi) -> None:
    """By these it leaves out what it would make up for itself."""
    assert daily("--pipeline", "hello", "--wait").code == 0
    (made,) = server._store.runs.where("1 = 1")
    for number in range(250):
        of_it = replace(made, id=f"{number}", display_name=f"backfill-hello-weekly-{number}")
        server._store.runs.insert(of_it, checked=False)
    assert len(api.runs_called_like("backfill-hello-weekly-")) == 250


def test_all_pipelines_are_asked_where_none_is_named(
    daily: Command, reconcile: Command, server: DevServer
) -> None:
    lost = _down_for(server, 2.5)
    assert daily("--backfill", "--missed", "--parallel", "2").out == f"{len(lost)} SUCCEEDED\n"
    assert _missed(reconcile) == {}


def test_a_make_up_that_failed_made_up_for_nothing_and_is_tried_once_more(
    daily: Command, reconcile: Command, server: DevServer, api: KfpApi
) -> None:
    lost = _down_for(server, 1.5)
    failed = daily(*MISSED, "--param", "name=fail")
    assert failed.code == 4
    assert "--backfill --missed" in failed.err
    assert [*_missed(reconcile)] == lost
    again = daily(*MISSED)
    assert again.out == f"{len(lost)} SUCCEEDED\n"
    assert sum(name.endswith("Z-2") for name in _names(api)) == len(lost)
    assert _missed(reconcile) == {}


def test_replacing_the_schedule_forgets_nothing(
    daily: Command, reconcile: Command, server: DevServer, repository: Path, command: Command
) -> None:
    lost = _down_for(server, 3.5)
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace(f"0 0 {HOUR} * * *", f"0 30 {(HOUR - 1) % 24} * * *"))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    applied = reconcile("apply")
    assert applied.code == 0
    assert f"hello-weekly: {len(lost)} firings (outage)" in applied.out
    assert "--pipeline hello --backfill --missed" in applied.out.replace(" \\\n   ", "")
    assert _missed(reconcile) == dict.fromkeys(lost, "outage")
    assert daily(*MISSED).code == 0
    assert _missed(reconcile) == {}


def test_a_schedule_that_somebody_deleted_is_owed_its_firings_before_and_after_it_is_made_anew(
    daily: Command, reconcile: Command, server: DevServer, api: KfpApi
) -> None:
    _down_for(server, 3.5)
    server._store.execute("UPDATE recurring_runs SET last_fired = NULL")
    server.tick()
    server.wait_idle()
    (schedule,) = api.schedules()
    newest = _newest()
    fired = int((newest - timedelta(days=2)).timestamp())
    server._store.execute("UPDATE runs SET scheduled = ?, created = ?", fired, fired)
    api.delete_schedule(schedule.id)
    owed = [f"{newest - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (1, 0)]
    assert _missed(reconcile) == dict.fromkeys(owed, "deleted schedule")
    assert reconcile("apply").code == 0
    assert _missed(reconcile) == dict.fromkeys(owed, "deleted schedule")
    assert daily(*MISSED).code == 0
    assert reconcile("status").code == 0


def test_a_schedule_that_somebody_disabled_is_owed_its_firings_before_and_after_it_is_on_again(
    daily: Command, reconcile: Command, server: DevServer, api: KfpApi
) -> None:
    del daily
    server._store.execute("UPDATE recurring_runs SET created = created - 4 * 86400")
    server.tick()
    server.wait_idle()
    newest = _newest()
    fired = int((newest - timedelta(days=1)).timestamp())
    server._store.execute("UPDATE runs SET scheduled = ?, created = ?", fired, fired)
    (schedule,) = api.schedules()
    api.disable_schedule(schedule.id)
    last = f"{newest:%Y-%m-%dT%H:%M:%SZ}"
    assert _missed(reconcile)[last] == "disabled schedule"
    before = _missed(reconcile)
    assert reconcile("apply").code == 0
    assert _missed(reconcile) == before
    assert len(before) == 3


def test_a_pause_holds_back_alarms_nobody_and_is_told_on_resume(
    daily: Command, reconcile: Command, server: DevServer
) -> None:
    lost = _down_for(server, 2.5)
    assert reconcile("pause", "--until", "8h", "--reason", "a test").code == 0
    three_days_ago = int((datetime.now(UTC) - timedelta(days=3)).timestamp())
    server._store.execute(
        "UPDATE experiments SET created = ? WHERE name LIKE 'kfp-gitops-paused-%'", three_days_ago
    )
    status = reconcile("status")
    assert status.code == 0
    assert f"{len(lost)} firings" in status.out
    assert _schedule(reconcile)["held"] == lost
    resumed = reconcile("resume")
    assert resumed.code == 0
    assert "held back by a pause:" in resumed.out
    assert "--backfill --held" in resumed.out
    after = _schedule(reconcile)
    assert (after["missed"], after["held"]) == ([], lost)
    assert daily("--backfill", "--missed").out == "no firing to make up for\n"
    assert daily("--backfill", "--held").code == 0
    assert _schedule(reconcile)["held"] == []


def test_an_outage_after_an_early_resume_is_missed_and_not_held_back(
    daily: Command, reconcile: Command, server: DevServer
) -> None:
    """Paused four days ago for days to come, resumed two days ago; KFP's controller has been down since."""
    del daily
    assert reconcile("pause", "--until", "2d").code == 0
    assert reconcile("resume").code == 0
    owed = _down_for(server, 5.5)
    ago = {"kfp-gitops-paused-dev-2%": 4, "kfp-gitops-paused-dev-end-%": 2}
    for name, days in ago.items():
        then = int((datetime.now(UTC) - timedelta(days=days)).timestamp())
        server._store.execute("UPDATE experiments SET created = ? WHERE name LIKE ?", then, name)
    found = _schedule(reconcile)
    assert [one["at"] for one in found["missed"]] == [*owed[:-4], *owed[-2:]]
    assert found["held"] == owed[-4:-2]


def test_what_the_manifest_turned_off_for_a_while_was_owed_nothing(
    daily: Command, reconcile: Command, server: DevServer, repository: Path, command: Command
) -> None:
    del daily
    server._store.execute("UPDATE recurring_runs SET created = created - 4 * 86400")
    server.tick()
    server.wait_idle()
    base = repository / "environments/base.yaml"
    text = base.read_text()
    for changed in (text.replace("enabled: true", "enabled: false"), text):
        base.write_text(changed)
        assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
        assert reconcile("apply").code == 0
        if changed != text:
            _later(server)
    found, newest = _schedule(reconcile), _newest()
    assert [one["at"][:10] for one in found["missed"]] == [
        f"{newest - timedelta(days=days):%Y-%m-%d}" for days in (5, 4, 3)
    ]
    assert found["held"] == []


def test_what_values_paused_is_held_back_also_when_they_pause_no_more(
    daily: Command, reconcile: Command, server: DevServer, repository: Path, command: Command
) -> None:
    server._store.execute("UPDATE recurring_runs SET created = created - 4 * 86400")
    server.tick()
    server.wait_idle()
    values = repository / "environments/dev/values.yaml"
    text = values.read_text()
    paused = re.sub(
        r"(\n  hello:\n)", r"\1    state: paused\n    until: '2999-01-01T00:00:00Z'\n", text, count=1
    )
    assert paused != text
    for changed in (paused, text):
        values.write_text(changed)
        assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
        assert reconcile("apply").code == 0
        if changed == paused:
            _later(server)
            held = _schedule(reconcile)["held"]
    assert len(held) == 2
    found = _schedule(reconcile)
    assert found["held"] == held
    assert len(found["missed"]) == 3
    assert daily("--backfill", "--held").out == "2 SUCCEEDED\n"
    assert _schedule(reconcile)["held"] == []


def _later(server: DevServer) -> None:
    """As if all that is there had happened two days earlier."""
    for table in ("recurring_runs", "runs", "experiments"):
        server._store.execute(f"UPDATE {table} SET created = created - 2 * 86400")
    server._store.execute(
        "UPDATE runs SET scheduled = scheduled - 2 * 86400, finished = finished - 2 * 86400"
    )


def test_a_pipeline_that_is_not_registered_as_it_shall_be_is_told_and_stops_no_other(
    daily: Command, server: DevServer
) -> None:
    _down_for(server, 2.5)
    server._store.execute("UPDATE versions SET name = 'another', display_name = 'another'")
    refused = daily("--backfill", "--missed")
    assert refused.code == 4
    assert "hello-weekly: " in refused.err
    assert "no firing to make up for" in refused.out


def test_only_what_has_passed_by_the_servers_clock_is_run(
    daily: Command, api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KfpApi, "now", lambda _: datetime(2026, 1, 3, HOUR, 1, tzinfo=UTC))
    assert daily("--pipeline", "hello", "--backfill", "2026-01-01..2026-01-05").out == "2 SUCCEEDED\n"
    assert [name[-16:-8] for name in _names(api)] == [
        "20260101",
        "20260102",
    ]  # the third may still come by itself


# how it asks, and how it goes on


def test_a_dry_run_shows_each_and_starts_nothing(daily: Command, server: DevServer, api: KfpApi) -> None:
    lost = _down_for(server, 2.5)
    shown = daily(*MISSED, "--dry-run")
    assert shown.code == 0
    for tick in lost:
        assert f"  {tick}  backfill-hello-weekly-{re.sub('[-:]', '', tick)}  outage\n" in shown.out
    assert f"{len(lost)} runs in all" in shown.out
    assert _names(api) == []


def test_many_runs_need_a_yes(daily: Command, api: KfpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    days = ("--pipeline", "hello", "--backfill", "2026-01-01..2026-01-11")
    refused = daily(*days)
    assert refused.code == 5
    assert "--yes" in refused.err
    assert f"11 runs, 2026-01-01 {HOUR:02}:00 to 2026-01-11 {HOUR:02}:00 UTC" in " ".join(refused.err.split())

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert daily(*days).code == 5
    assert _names(api) == []
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert daily(*days, "--parallel", "4").code == 0
    assert len(_names(api)) == 11
    more = daily(*days[:-1], "2026-01-01..2026-01-12")
    assert more.code == 0  # one is new: eleven have run
    told = " ".join(more.err.split())
    assert f"hello-weekly: 1 run, 2026-01-12 {HOUR:02}:00 UTC, less than 0.1 run-hours, " in told


def test_what_failed_is_run_once_more_with_another_parameter(daily: Command, api: KfpApi) -> None:
    days = ("--pipeline", "hello", "--backfill", "2026-01-01..2026-01-03")
    assert daily(*days, "--param", "name=fail").code == 4
    assert daily(*days).code == 4  # as it was: these firings have their runs
    redone = daily(*days, "--redo-failed", "--param", "name=well")
    assert (redone.code, redone.out) == (0, "3 SUCCEEDED\n")
    assert sum(name.endswith("Z-2") for name in _names(api)) == 3
    nothing = daily(*days, "--redo-failed")
    assert (nothing.code, nothing.out) == (0, "no firing to make up for\n")
    assert len(_names(api)) == 6


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_killed_around_the_start_of_a_run_it_goes_on_and_says_how(
    daily: Command, reconcile: Command, server: DevServer, api: KfpApi, monkeypatch: pytest.MonkeyPatch,
    call: int, after: bool,
) -> None:  # fmt: skip
    lost = _down_for(server, 3.5)
    real, calls = making_up.MakingUp._start, list[datetime]()

    def killed(making: making_up.MakingUp, work: Backfill, tick: datetime) -> str:
        calls.append(tick)
        if len(calls) == call and not after:
            raise KeyboardInterrupt
        run = real(making, work, tick)
        if len(calls) == call:
            raise KeyboardInterrupt
        return run

    monkeypatch.setattr(making_up.MakingUp, "_start", killed)
    stopped = daily(*MISSED)
    assert stopped.code == 130
    assert "--pipeline hello --backfill --missed" in stopped.err
    assert "not begun; go on with:" in stopped.err
    monkeypatch.setattr(making_up.MakingUp, "_start", real)
    server.wait_idle()
    assert daily(*MISSED).code == 0
    assert len(_names(api)) == len(set(_names(api))) == len(lost)
    assert _missed(reconcile) == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--backfill",), "--backfill --missed"),
        (("--missed",), "as in `run.py --env dev --backfill --missed`"),
        (("--backfill", "2026-01-01..2026-01-02", "--missed"), "take the place of days"),
        (("--backfill", "2026-01-01..2026-01-02"), "needs --pipeline"),
        (("--backfill", "--missed", "--param", "name=x"), "--param is of one pipeline"),
        ((*MISSED, "--redo-failed"), "leave out --redo-failed"),
        ((*MISSED, "--parallel", "0"), "at least 1"),
        ((*MISSED[2:], "--pipeline", "nobody"), "nobody"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(
    daily: Command, api: KfpApi, options: tuple[str, ...], says: str
) -> None:
    refused = daily(*options)
    assert refused.code == 2
    assert says in refused.err
    assert _names(api) == []
