"""A backfill in Git from its file to its last run, over HTTP against the development server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gitrepo import init
from kfp_gitops.base.schema import named
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import Outcome

Command = Callable[..., Outcome]
TEXT = """pipeline: hello
cron: 0 0 0 * * *
from: '2026-01-01'
to: '2026-01-05'
tickParameter: name
parallel: 2
reason: the names of January were wrong
"""


@pytest.fixture
def ordered(repository: Path, command: Command, reconcile: Command) -> Callable[[str | None], None]:
    """`ordered(text)`: the file says that, and it is rendered; None: there is none."""
    file = repository / "environments/dev/backfills/january.yaml"

    def put(text: str | None) -> None:
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        outcome = command("render", "--root", repository, "--env", "dev", "--lock")
        assert outcome.code == 0, outcome.err

    reconcile("apply")
    return put


def _names(api: KfpApi) -> list[str]:
    [experiment] = [one for one in api.experiments_like("hello-dev") if one.name == "hello-dev"]
    return sorted(one.name for one in api.runs_named(experiment.id, "backfill-"))


def _through(reconcile: Command, what: str) -> Outcome:
    for _ in range(40):
        outcome = reconcile(what)
        if "is finished" in outcome.out:
            return outcome
        time.sleep(0.2)
    raise AssertionError(outcome.out + outcome.err)


def test_apply_starts_it_and_passes_carry_it_on_to_its_end(
    reconcile: Command, ordered: Callable[[str | None], None], api: KfpApi
) -> None:
    ordered(TEXT)
    planned = reconcile("plan")
    assert (
        "backfill january of hello, 2026-01-01 00:00 to 2026-01-05 00:00: 0/5 done; up to 2 at once"
        in " ".join(planned.out.split())
    )
    outcome = reconcile("apply")
    assert outcome.code == 0, outcome.err
    assert len(_names(api)) == 2
    assert f"start run {_names(api)[0]}: done: backfill january" in outcome.out
    assert "carry on backfill january: done: 2 runs started" in outcome.out
    assert "\ndev: 0 changed, 1 unchanged, 2 runs of backfills started; " in outcome.out
    outcome = _through(reconcile, "trigger")
    assert "carry on backfill january: done: is finished: 5/5 done" in outcome.out
    assert _names(api) == [f"backfill-hello-own.cron-2026010{day}T000000Z" for day in range(1, 6)]
    before = len(_names(api))
    assert reconcile("apply").code == reconcile("trigger").code == 0
    assert len(_names(api)) == before


def test_the_sum_of_a_pass_counts_its_runs(reconcile: Command, ordered: Callable[[str | None], None]) -> None:
    ordered(TEXT)
    assert "\ndev: 2 runs started (2 of backfills); " in reconcile("trigger").out


def test_status_tells_how_far_it_is(reconcile: Command, ordered: Callable[[str | None], None]) -> None:
    ordered(TEXT)
    reconcile("apply")
    told = json.loads(reconcile("status", "--json").out)
    named("status").validator.validate(told)
    [one] = told["pipelines"][0]["backfills"]
    assert (one["name"], one["total"], one["done"] + one["running"]) == ("january", 5, 2)
    _through(reconcile, "apply")
    outcome = reconcile("status")
    assert "hello/january  5/5 done; finished " in outcome.out
    assert "1 backfill" in outcome.out


def test_of_a_schedule_and_of_one_that_fails_what_runs_it_once_more_is_told(
    reconcile: Command, ordered: Callable[[str | None], None], repository: Path
) -> None:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("'0 0 3 * * 1'", "'0 0 0 * * *'"))
    ordered(TEXT.replace("cron: 0 0 0 * * *", "schedule: weekly\nparameters: {threshold: 1}"))
    _through(reconcile, "apply")
    outcome = reconcile("status", "--json")
    [told] = json.loads(outcome.out)["pipelines"][0]["backfills"]
    assert (told["ok"], told["failed"], told["schedule"]) == (5, 0, "weekly")


def test_a_status_is_unhealthy_where_runs_of_it_failed(
    reconcile: Command, ordered: Callable[[str | None], None], repository: Path
) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    parameter = "    at: {type: str, default: ''}\n"
    template.write_text(template.read_text().replace("  parameters:\n", f"  parameters:\n{parameter}"))
    text = TEXT.replace("tickParameter: name", "tickParameter: at\nparameters: {name: fail}")
    ordered(text.replace("01-05", "01-02"))
    assert reconcile("apply").code == 0
    assert "is finished: 2/2 done, 2 failed" in _through(reconcile, "trigger").out
    outcome = reconcile("status")
    assert outcome.code == 1
    assert "hello/january  2/2 done, 2 failed; finished " in outcome.out
    assert ", 2 failed" in outcome.out.splitlines()[-1]  # the last run, and the backfill
    told = json.loads(reconcile("status", "--json").out)
    assert "backfill january: 2 of 2 firings failed" in told["pipelines"][0]["unhealthy"]
    named("status").validator.validate(told)


def test_one_that_is_deleted_before_its_end_is_told_by_plan_and_apply(
    reconcile: Command, ordered: Callable[[str | None], None], api: KfpApi
) -> None:
    ordered(TEXT)
    reconcile("apply")
    ordered(None)
    told = "was deleted before its end: "
    assert f"backfill january {told}" in reconcile("plan").out
    assert told in reconcile("apply").out
    assert told not in reconcile("apply").out
    assert len(_names(api)) == 2


def test_a_pause_holds_it(reconcile: Command, ordered: Callable[[str | None], None], api: KfpApi) -> None:
    reconcile("pause", "--until", "8h", "--reason", "the database is moved")
    ordered(TEXT)
    outcome = reconcile("apply")
    assert "carry on backfill january: waiting: its pipeline is paused" in outcome.out
    assert _names(api) == []
    reconcile("resume")  # which applies
    assert len(_names(api)) >= 2


def test_a_diff_with_a_host_tells_how_long_it_takes_and_what_is_there(
    reconcile: Command,
    ordered: Callable[[str | None], None],
    command: Command,
    repository: Path,
    server: DevServer,
) -> None:
    init(repository)
    ordered(TEXT)
    _through(reconcile, "apply")
    outcome = command("diff", "--root", repository, "--env", "dev", "--host", server.url)
    said = " ".join(outcome.out.split())
    assert "+ backfill january (hello): 5 runs (2026-01-01 00:00" in said
    assert "5 of them there already; 2 at a time, oldest first; what has run is left out; about 1 s (" in said
