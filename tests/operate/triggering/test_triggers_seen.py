"""What people see of triggers that ran: status, its page, runs in lists and in detail, and weeks with times."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import gitrepo
from chained import Chained
from kfp_gitops.base.schema import named

RUN = "#/runs/details/"


def _status(chained: Chained) -> dict[str, object]:
    found = json.loads(chained.command("reconcile", "status", *chained.target, "--json").out)
    named("status").validator.validate(found)
    return {one["name"]: one for one in found["pipelines"]}


def _trigger(chained: Chained) -> dict[str, object]:
    (found,) = _status(chained)["follows"]["triggers"]  # type: ignore[index]  # checked by the schema
    return dict(found)


def test_before_a_pass_nothing_is_guessed_and_after_one_it_is_told(chained: Chained) -> None:
    before = _trigger(chained)
    assert (before["waits_for"], before["looked"], before["last"]) == ("hello succeeded", None, None)
    first = chained.hello()
    chained.trigger()
    (run,) = chained.ended("follows")
    found = _trigger(chained)
    assert found["looked"]
    last = found["last"]
    assert isinstance(last, dict)
    assert (last["cause"], last["id"], last["name"]) == (f"run {first.id}", run.id, run.name)
    text = chained.command("reconcile", "status", *chained.target, "--all").out
    assert f"last for run {first.id}" in " ".join(text.split())


def test_a_list_and_a_detail_say_after_which_run_it_was_started(chained: Chained) -> None:
    first = chained.hello()
    chained.trigger()
    (run,) = chained.ended("follows")
    listed = chained.command("run", *chained.target, "--list", "--pipeline", "follows").out
    assert f"trigger after-hello after {first.name}" in " ".join(listed.split())
    told = json.loads(chained.command("run", *chained.target, "--list", "--json").out)
    named("runs").validator.validate(told)
    (cause,) = [one["started_by"]["cause"] for one in told["runs"] if one["id"] == run.id]
    assert (cause["run"], cause["name"]) == (first.id, first.name)
    detail = chained.command("run", *chained.target, "--status", run.id).out
    assert f"trigger after-hello, after run {first.id}" in " ".join(detail.split())
    assert f"{chained.server.url}/{RUN}{first.id}" in detail
    one = json.loads(chained.command("run", *chained.target, "--status", run.id, "--json").out)
    named("run").validator.validate(one)
    assert one["started_by"]["cause"]["link"].endswith(f"{RUN}{first.id}")


def test_what_a_pause_held_back_is_told_and_alarms_nobody(chained: Chained) -> None:
    chained.trigger()
    assert chained.command("reconcile", "pause", *chained.target, "--until", "8h").code == 0
    plan = chained.command("reconcile", "plan", *chained.target)
    assert "paused, so triggers start nothing: follows-after-hello until" in " ".join(plan.out.split())
    time.sleep(1.1)
    first = chained.hello()
    chained.trigger()
    assert chained.command("reconcile", "resume", *chained.target).code == 0
    found = _trigger(chained)
    assert [one["cause"] for one in found["held"]] == [f"run {first.id}"]  # type: ignore[attr-defined]  # it is there
    assert found["missed"] == []
    assert "HELD (1)" in chained.command("reconcile", "status", *chained.target).out


def test_a_week_has_times_once_something_is_known_of_past_runs(chained: Chained) -> None:
    values = chained.repository / "environments/base.yaml"
    values.write_text(values.read_text().replace("enabled: false", "enabled: true"))
    chained.render()
    week = [
        "--root",
        str(chained.repository),
        "--env",
        "dev",
        "--schedules",
        "--from",
        "2026-11-29T00:00:00Z",
    ]
    assert "not known when" in chained.command("diff", *week).out
    chained.hello()
    found = " ".join(chained.command("diff", *week, "--host", chained.server.url).out.split())
    at = r"03:0\d"  # a run of it takes a second, or more where much else is going on
    assert re.search(
        rf"follows-after-hello: after hello succeeded, about 1 start, first Mon 11-30 {at} UTC", found
    )
    assert re.search(rf"Mondays 03:00 hello → about {at} follows", found), found


def test_the_page_has_the_trigger_and_what_it_was_started_for(chained: Chained, tmp_path: Path) -> None:
    first = chained.hello()
    chained.trigger()
    chained.ended("follows")
    page = tmp_path / "page"
    chained.command(
        "reconcile", "status", *chained.target, "--html", str(page), "--ui", "https://kfp.example.com"
    )
    data = json.loads((page / "status.json").read_text())
    named("status-page").validator.validate(data)
    (trigger,) = [
        each for one in data["environments"][0]["seen"]["pipelines"] for each in one.get("triggers", ())
    ]
    assert trigger["cause"] == f"run {first.id}"
    html = (page / "index.html").read_text()
    assert f'href="https://kfp.example.com/{RUN}{first.id}">run {first.id[:8]}</a>' in html
    assert "once hello succeeded" in html


def test_a_diff_tells_by_past_runs_about_when_what_comes_starts(chained: Chained) -> None:
    values = chained.repository / "environments/base.yaml"
    values.write_text(values.read_text().replace("enabled: false", "enabled: true"))
    template = chained.repository / "templates/pipelines/follows/pipeline.yaml.j2"
    text = template.read_text()
    template.write_text(text[: text.index("triggers:")])
    chained.render()
    gitrepo.init(chained.repository)
    template.write_text(text)
    chained.render()
    chained.hello()
    root = ["--root", str(chained.repository), "--env", "dev"]
    told = chained.command("diff", *root).out
    assert "  + follows starts after hello succeeded (trigger after-hello)" in told.splitlines()
    assert "Mondays 03:00 hello → follows (once hello succeeded)" in told
    timed = chained.command("diff", *root, "--host", chained.server.url).out
    assert re.search(r"Mondays 03:00 hello → about 03:0\d follows", timed), timed
