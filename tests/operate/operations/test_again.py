"""What ran once more, and what should have run: over HTTP against the development server."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base.errors import UsageError
from kfp_gitops.checking import limits
from kfp_gitops.devserver import DevServer, Fault, Trouble
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState, Source
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.operate.operations import backfill, making_up, rerun
from project import Outcome

Command = Callable[..., Outcome]
DAYS = ("--backfill", "2026-01-01..2026-01-04", "--tick-parameter", "name")


@pytest.fixture
def run(repository: Path, command: Command, server: DevServer, reconcile: Command) -> Command:
    """`run(…)`; the one pipeline's schedule fires each midnight."""
    base = repository / "environments/base.yaml"
    text = base.read_text()
    cron = (
        next(line for line in text.splitlines() if "cron:" in line)
        .split("cron:")[1]
        .split("}")[0]
        .split("#")[0]
    )
    base.write_text(text.replace(cron, " '0 0 0 * * *'", 1))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert reconcile("apply").code == 0
    reconcile("disable")
    common = ("--root", repository, "--env", "dev", "--host", server.url)
    return lambda *options: command("run", *common, *options)


def _runs(api: KfpApi) -> list[RunState]:
    found = api.experiments_like("hello-dev")
    return api.runs_named(found[0].id, "") if found else []


def _names(api: KfpApi) -> list[str]:
    return sorted(run.name for run in _runs(api))


def test_a_failed_run_runs_again_with_the_same_version_and_parameters(run: Command, api: KfpApi) -> None:
    assert run("--pipeline", "hello", "--param", "name=fail", "--wait").code == 4
    (first,) = _runs(api)
    again = run("--rerun", first.id, "--wait")
    assert again.code == 4
    second = next(found for found in _runs(api) if found.id != first.id)
    assert second.name.startswith(f"{first.name}-rerun-")
    a, b = api.source(first.id), api.source(second.id)
    assert (a.version_id, a.parameters, a.experiment_id) == (b.version_id, b.parameters, b.experiment_id)
    assert run("--rerun", second.id).code == 0
    assert _names(api)[-1].count("-rerun-") == 1


def test_a_run_of_somebody_else_is_not_run_again(run: Command, api: KfpApi, server: DevServer) -> None:
    api.create_experiment("theirs", "")
    version = api.pipeline("hello")
    assert version is not None
    theirs = api.create_run(
        name="theirs", pipeline_id=version.id, version_id=next(iter(version.versions.values())).id,
        experiment_id=api.experiment_id("theirs"), parameters={},
    )  # fmt: skip
    outcome = run("--rerun", theirs)
    assert (outcome.code, "none of the experiments" in outcome.err) == (2, True)
    assert run("--rerun", "00000000-0000-0000-0000-000000000000").code == 2


def test_a_backfill_runs_each_firing_once_and_each_knows_its_own(run: Command, api: KfpApi) -> None:
    outcome = run("--pipeline", "hello", *DAYS, "--parallel", "2")
    assert (outcome.code, outcome.out) == (0, "4 SUCCEEDED\n")
    assert _names(api) == [f"backfill-hello-weekly-2026010{day}T000000Z" for day in range(1, 5)]
    told = sorted(api.source(found.id).parameters["name"] for found in _runs(api))
    assert told == [f"2026-01-0{day}T00:00:00Z" for day in range(1, 5)]
    before = _names(api)
    assert run("--pipeline", "hello", *DAYS).code == 0
    assert run("--pipeline", "hello", "--backfill", "2026-01-03..2026-01-05").code == 0
    assert _names(api) == [*before, "backfill-hello-weekly-20260105T000000Z"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", [Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
def test_a_connection_lost_while_starting_makes_no_second_run(
    run: Command, api: KfpApi, server: DevServer, trouble: Trouble
) -> None:
    server.faults.add(Fault("POST", "/runs$", trouble, nth=2))
    first = run("--pipeline", "hello", *DAYS)
    if trouble is Trouble.DROP_BEFORE:  # nobody can know that from here
        assert (first.code, "kubectl get workflows" in first.err) == (4, True)
        [note] = api.experiments_like("kfp-gitops-unclear-")
        again = run("--pipeline", "hello", *DAYS)
        assert (again.code, f"may run already: see the experiment {note.name}" in again.err) == (0, True)
        assert len(_names(api)) == 3
        api.archive_experiment(note.id)  # somebody has settled it
        assert run("--pipeline", "hello", *DAYS).code == 0
    else:
        assert first.code == 0
    assert len(_names(api)) == 4


def test_a_backfill_that_was_stopped_goes_on_where_it_was(
    run: Command, api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = making_up.MakingUp._start

    def stopped_at_the_third(making: making_up.MakingUp, work: backfill.Backfill, tick: datetime) -> str:
        if tick.day == 3:
            raise KeyboardInterrupt
        return real(making, work, tick)

    monkeypatch.setattr(making_up.MakingUp, "_start", stopped_at_the_third)
    assert run("--pipeline", "hello", *DAYS).code == 130
    assert len(_names(api)) == 2
    monkeypatch.setattr(making_up.MakingUp, "_start", real)
    assert run("--pipeline", "hello", *DAYS).code == 0
    assert len(_names(api)) == 4


def test_no_more_than_so_many_run_at_once() -> None:
    class Slow:
        """Every run takes three looks."""

        def __init__(self) -> None:
            self.ages: dict[str, int] = {}
            self.most = 0

        def runs_named(self, _experiment: str, _text: str) -> list[RunState]:
            self.ages = {name: age + 1 for name, age in self.ages.items()}
            states = {n: "SUCCEEDED" if age > 3 else "RUNNING" for n, age in self.ages.items()}
            self.most = max(self.most, list(states.values()).count("RUNNING"))
            return [RunState(n, n, state, None, None, None, ()) for n, state in states.items()]

        def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
            return [ActualRun(name, name, "RUNNING") for name in names if name in self.ages]

        def create_run(self, name: str, **_more: object) -> str:
            self.ages[name] = 0
            return name

    api: Any = Slow()
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 11)]
    work = backfill.Backfill("s", "p", "v", "e", {}, None, 3)
    job = making_up.Job(work, days[2:])
    making_up.MakingUp(api, [job], 3, lambda _: None, lambda _: None).run()
    assert (api.most, len(job.states), job.failed) == (3, 8, [])


def test_failed_firings_are_said_with_the_command_that_runs_them_once_more(run: Command, api: KfpApi) -> None:
    outcome = run("--pipeline", "hello", "--backfill", "2026-01-01..2026-01-01", "--param", "name=fail")
    assert outcome.code == 4
    assert "1 FAILED" in outcome.out
    assert "--backfill 2026-01-01..2026-01-01 --param name=fail --redo-failed" in outcome.err
    assert run("--pipeline", "hello", "--backfill", "2026-01-01..2026-01-01").code == 4
    assert len(_names(api)) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--backfill", "2026-01-04..2026-01-01"), "FROM..TO"), (("--backfill", "yesterday"), "FROM..TO"),
        (("--backfill", "2026-01-01T00:00:00..2026-01-02"), "FROM..TO"),
        (("--backfill", "2020-01-01..2026-01-01"), "more than 1000"),
        ((*DAYS[:2], "--tick-parameter", "threshold"), "no such text; there are: name"),
        ((*DAYS[:2], "--schedule", "hourly"), "there are: weekly"), ((*DAYS[:2], "--parallel", "0"), "at least 1"),
    ],
)  # fmt: skip
def test_bad_ranges_are_refused_before_anything_runs(
    run: Command, api: KfpApi, options: tuple[str, ...], says: str
) -> None:
    outcome = run("--pipeline", "hello", *options)
    assert outcome.code == 2
    assert says in outcome.err
    assert _names(api) == []


def _schedule(cron: str | None) -> Schedule:
    return Schedule("s", cron, None if cron else 60, True, {}, None, None, 1, False, ())


def test_ticks_are_those_of_the_cron_in_whole_days_and_not_of_the_future() -> None:
    within = backfill.parse_range("2026-01-01..2026-01-02")
    found = backfill.ticks(_schedule("0 0 */12 * * *"), within, datetime(2026, 1, 2, 5, tzinfo=UTC))
    assert [f"{tick:%d %H}" for tick in found] == ["01 00", "01 12", "02 00"]
    hours = backfill.parse_range("2026-01-01T12:00:00Z..2026-01-02T00:00:00Z")
    assert len(backfill.ticks(_schedule("0 0 */12 * * *"), hours, datetime(2027, 1, 1, tzinfo=UTC))) == 1
    first = backfill.parse_range("0001-01-01..0001-01-01")
    assert len(backfill.ticks(_schedule("0 0 */12 * * *"), first, datetime(2027, 1, 1, tzinfo=UTC))) == 1
    for steady in (None, "@every 2h"):
        with pytest.raises(UsageError, match="interval"):
            backfill.ticks(_schedule(steady), within, datetime(2027, 1, 1, tzinfo=UTC))


def test_what_the_schedule_ran_itself_is_left_out(api: KfpApi, server: DevServer, run: Command) -> None:
    experiment = api.experiment_id("hello-dev")
    assert (
        api.runs_fired(experiment, datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)) == []
    )
    server._store.execute(
        "UPDATE recurring_runs SET enabled = 1, created = ?", 1767225500
    )  # 2025-12-31T23:58:20Z
    server.tick()
    server.wait_idle()
    found = api.runs_fired(experiment, datetime(2025, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
    assert len(found) == 1
    day = f"{found[0].scheduled:%Y-%m-%d}"
    assert run("--pipeline", "hello", "--backfill", f"{day}..{day}").out == "1 run by the schedule itself\n"
    assert run("--pipeline", "hello", "--backfill", f"{day}..{day}", "--include-fired").out == "1 SUCCEEDED\n"


def test_the_name_of_a_run_that_is_run_again_fits_however_long_the_first_one_is() -> None:
    name = rerun._name(Source("n" * 255, "p", "v", "e", {}))
    assert len(name) == limits.RUN.maximum
    assert name.startswith("n" * 200)
    assert "-rerun-" in name
