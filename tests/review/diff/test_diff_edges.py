"""What else a diff meets: what is not rendered, strangers' words, other revisions, bad usage, the calendar."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from diff_kit import BASE, DEV, NOW, TEMPLATE, Command, Edit, Golden, diff, edit
from gitrepo import commit
from kfp_gitops.review.diff import calendar, promises, schedules
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import EnvironmentDiff

STALE = "manifests/dev: is not what its inputs render to; run `python scripts/render.py --env dev`"


@pytest.mark.parametrize("arguments", [["--env", "dev"], ["--all"]])
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_what_was_edited_and_not_rendered_is_an_error_in_every_format(
    form: str, arguments: list[str], changed: Path, command: Command
) -> None:
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    found = command("diff", "--root", changed, "--from", NOW, "--format", form, *arguments)
    assert (found.code, STALE in found.err) == (2, form != "text")  # a note, where a machine reads the rest
    if form == "text":
        assert f"\n! {STALE}\n" in found.out
    elif form == "markdown":
        block = found.out[found.out.index("> [!CAUTION]") :]
        assert "is not what its inputs render to" in block.splitlines()[1]
    else:
        (problem,) = json.loads(found.out)["environments"][0]["problems"]
        assert (problem["text"], problem["path"]) == (STALE, "manifests/dev")
    assert diff(command, changed, "--base", "HEAD", "--format", form).code == 1


def test_a_calendar_of_what_was_edited_and_not_rendered_says_so(changed: Path, command: Command) -> None:
    arguments = ["diff", "--root", changed, "--from", NOW, "--env", "dev", "--schedules"]
    before = command(*arguments)
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    after = command(*arguments)
    assert (after.code, after.out) == (before.code, before.out)
    assert after.err == f"{STALE.replace(': is', ': warning: is')}\n"


def test_manifests_of_another_environment_are_not_spoken_of(changed: Path, command: Command) -> None:
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    outcome = command("diff", "--root", changed, "--env", "prod")
    assert (outcome.code, STALE in outcome.out) == (0, False)


def test_a_manifest_that_was_edited_by_hand_is_shown_and_an_error(changed: Path, command: Command) -> None:
    edit(changed, Edit("manifests/dev/pipelines/hello/pipeline.yaml", "default: dev", "default: prod"))
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, outcome.err) == (2, "")
    assert f"! {STALE}\n" in outcome.out
    assert "parameter name: default: dev → prod" in outcome.out


def test_a_large_environment_is_not_rendered_as_a_whole_to_find_that_out(
    changed: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(changed.parent / "cache"))
    monkeypatch.setattr("kfp_gitops.base.memo.FEWEST", 1)
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    unknown = command("diff", "--root", changed, "--env", "dev")
    assert (unknown.code, STALE in unknown.out) == (0, False)
    assert "! nobody looked whether manifests/dev is what its inputs render to" in unknown.out
    known = diff(command, changed)  # rendered, so that it is remembered what came of which inputs
    assert (known.code, "nobody looked" in known.out) == (1, False)
    edit(changed, Edit(DEV, "name: development", "name: dev"))
    stale = command("diff", "--root", changed, "--env", "dev")
    assert (stale.code, STALE in stale.out) == (2, True)


def test_where_it_is_remembered_what_came_of_the_inputs_an_edit_by_hand_is_found_without_rendering(
    changed: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(changed.parent / "cache"))
    monkeypatch.setattr("kfp_gitops.base.memo.FEWEST", 1)
    assert command("render", "--root", changed, "--env", "dev", "--lock").code == 0
    edit(changed, Edit("manifests/dev/pipelines/hello/pipeline.yaml", "default: dev", "default: prod"))
    monkeypatch.setattr("kfp_gitops.rendering.single.pipeline", lambda *_: pytest.fail("it renders"))
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, STALE in outcome.out) == (2, True)


def test_inputs_that_do_not_render_are_an_error_beside_what_is_shown(changed: Path, command: Command) -> None:
    edit(changed, Edit(DEV, "name: dev", "name: [dev"))
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, outcome.err) == (2, "")
    first, problem, cause, *_, last = outcome.out.splitlines()
    assert (first, last) == ("dev, compared with HEAD", "2 problems, so merging may do something else")
    assert problem == (
        "! manifests/dev: its inputs do not render, so it is of earlier ones; correct what is said next"
    )
    assert cause.startswith("! environments/dev/values.yaml:")


def test_a_stranger_s_words_are_no_markup(changed: Path, command: Command) -> None:
    evil = "`| <img src=x> @everyone [x](http://evil) ```\\n# title"
    edit(changed, Edit(DEV, "name: dev", f"name: {json.dumps(evil)}"))
    text = diff(command, changed, "--format", "markdown").out
    row = next(line for line in text.splitlines() if "everyone" in line)
    spans = re.findall(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", row)
    assert "<img" not in re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", row)
    assert any("@everyone" in content for _, content in spans)
    assert row.replace("\\|", "").count("|") == 5


def test_a_stranger_s_characters_hide_nothing(changed: Path, command: Command) -> None:
    evil = "a\x1b[2K\u202eb\u200bc"
    edit(changed, Edit(DEV, "name: dev", f"name: {json.dumps(evil)}"))
    for form in ("text", "markdown", "json"):
        out = diff(command, changed, "--format", form).out
        assert "\\u202e" in out
        assert not set(out) & set("\x1b\u202e\u200b")


def test_prose_mentions_nobody_and_links_nowhere() -> None:
    evil = "@everyone www.example.com &#64;all #1 http://a.b <b>"
    for prose in (
        EnvironmentDiff("dev", "HEAD", "UTC", warnings=[evil]),
        EnvironmentDiff("dev", "HEAD", "UTC", noise=[evil]),
    ):
        out = to_markdown([prose])
        assert "everyone" in out
        line = next(each for each in out.splitlines() if "everyone" in each).replace("&#8203;", " ")
        assert not re.search(r"[@#]\w|www\.|://|(?<!\\)[<&]", line)


def test_all_environments_fit_one_comment(changed: Path, command: Command) -> None:
    for env in ("dev", "prod"):
        for number in range(800):
            (changed / f"manifests/{env}/a-name-of-some-length-{number}.yaml").write_text(
                f"kind: x{number}\n"
            )
    out = command("diff", "--root", changed, "--all", "--format", "markdown", "--from", NOW).out
    assert len(out) <= 60_001
    assert out.startswith("> **Not all that changes is shown**")
    assert all(f"\n## `{env}`: " in out for env in ("dev", "prod"))


@pytest.mark.parametrize("revision", ["--output=x", "no-such-branch", "HEAD:README.md"])
def test_a_revision_that_is_none_is_a_usage_error(revision: str, changed: Path, command: Command) -> None:
    outcome = command("diff", "--root", changed, "--env", "dev", f"--base={revision}")
    assert outcome.code == 2
    assert f"--base {revision!r}" in outcome.err
    assert not (changed / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--env", "stage"], "no environment 'stage'; there are: dev, prod"),
        (["--env", "dev", "--from", "today"], "--from 'today' is no instant"),
        (["--env", "dev", "--from", "2026-01-01T00:00:00"], "has no zone"),
        (["--env", "../x"], "no environment '../x'"),
        (["--env", "../x", "--schedules"], "no environment '../x'"),
    ],
)
def test_bad_usage(arguments: list[str], says: str, changed: Path, command: Command) -> None:
    outcome = command("diff", "--root", changed, *arguments)
    assert (outcome.code, says in outcome.err) == (2, True), outcome.err


def test_an_earlier_state_that_is_no_yaml_is_told_with_its_place(changed: Path, command: Command) -> None:
    path = changed / "manifests/dev/pipelines/hello/pipeline.yaml"
    good = path.read_text("utf-8")
    path.write_text("a: [\n", "utf-8")
    commit(changed, "broken")
    path.write_text(good, "utf-8")
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert outcome.code == 2
    assert "HEAD: pipeline.yaml:2:1: not YAML" in outcome.err


def test_a_link_in_an_earlier_commit_is_not_followed(changed: Path, command: Command) -> None:
    (changed / "manifests/dev/secret.yaml").symlink_to("/etc/passwd")
    commit(changed, "a link")
    (changed / "manifests/dev/secret.yaml").unlink()
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, "passwd" in outcome.out) == (2, False)
    assert "secret.yaml (a symbolic link or a repository of its own)" in outcome.out


def test_the_week_of_an_environment(changed: Path, command: Command, golden: Golden) -> None:
    edit(
        changed,
        Edit(BASE, "enabled: false", "enabled: true"),
        Edit(
            TEMPLATE,
            "schedules:\n",
            "schedules:\n"
            "- {name: early, cron: '0 0 3 * * *', enabled: true, maxConcurrency: 1, catchup: false}\n"
            "- {name: often, cron: '0 */10 9-17 * * 1-5', enabled: true, maxConcurrency: 1, catchup: false}\n"
            "- {name: never, cron: '0 0 6 * * *', enabled: false, maxConcurrency: 1, catchup: false}\n",
        ),
    )
    outcome = diff(command, changed, "--schedules")
    assert outcome.code == 0
    golden("diff/calendar.txt", outcome.out)
    found = json.loads(diff(command, changed, "--schedules", "--format", "json").out)["environments"][0]
    assert [item["schedules"] for item in found["collisions"]] == [["hello-early", "hello-weekly"]]
    assert sum(len(item["firings"]) for item in found["schedules"]) == 7 + 5 * 54 + 1


def test_what_is_promised_and_cannot_be_kept_is_told_by_the_diff_and_the_week(
    changed: Path, command: Command
) -> None:
    """The small repository fires on Mondays."""
    edit(changed, Edit(BASE, "enabled: false", "enabled: true"))
    diff(command, changed)
    commit(changed, "weekly")
    template = changed / TEMPLATE
    template.write_text(f"{template.read_text('utf-8').rstrip()}\nslo: {{fresh: 26h}}\n", "utf-8")
    told = diff(command, changed)
    assert "category promises: hello\n" in told.out
    assert "~ hello: same version sha-" in told.out
    assert '~ pipeline hello: slo: nothing → {"fresh": "26h"}' in told.out
    why = "`fresh: 26h` cannot be kept: firings are up to 7d apart; fire more often, or promise fresh: 8d"
    assert f"! slo: {why}\n" in told.out
    rendered = command("render", "--root", changed, "--env", "dev", "--lock", "--check")
    assert "warning: `fresh: 26h` cannot be kept" in rendered.err
    week = " ".join(diff(command, changed, "--schedules").out.split())
    assert f"! hello: {why} " in week
    found = json.loads(diff(command, changed, "--schedules", "--format", "json").out)["environments"][0]
    assert found["unkept"] == [{"pipeline": "hello", "slo": "fresh", "text": why}]
    edit(changed, Edit(TEMPLATE, "fresh: 26h", "fresh: 8d"))
    assert "cannot be kept" not in diff(command, changed).out + diff(command, changed, "--schedules").out


def test_a_schedule_that_has_ended_or_is_paused_keeps_nothing_fresh() -> None:
    daily = {"name": "daily", "cron": "0 0 3 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
    manifest = {"schedules": [daily], "slo": {"fresh": "26h"}}
    now = datetime.fromisoformat(NOW)
    assert promises.warnings(manifest, now) == []
    ended = {**manifest, "schedules": [{**daily, "end": "2026-11-24T00:00:00Z"}]}
    paused = schedules.in_force(manifest, "2026-12-24T00:00:00Z", now)
    for one in (ended, paused):
        assert "none of its schedules is on" in promises.warnings(one, now)[0]
    for broken in (
        {**manifest, "slo": "26h"},
        {**manifest, "schedules": "daily"},
        {**manifest, "slo": {"fresh": 3}},
    ):
        assert promises.warnings(broken, now) == []


@pytest.mark.parametrize(
    "trigger", [{"cron": "0 0 3 * * 1"}, {"intervalSeconds": 60}, {"intervalSeconds": 10**18}]
)
def test_no_schedule_fires_after_the_calendar_ends(trigger: dict[str, Any]) -> None:
    schedule = {"enabled": True, "start": "9999-12-31T23:59:59Z", **trigger}
    assert schedules.next_firings(schedule, datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_a_week_of_a_fleet_fits_a_screen_and_its_busiest_minutes_are_named() -> None:
    manifests = {
        f"customer-{number:04}": {
            "schedules": [{"name": "daily", "cron": f"0 {number % 50} 3 * * *", "enabled": True}]
        }
        for number in range(1000)
    } | {"odd": {"schedules": [{"name": "daily", "cron": "0 7 3 * * 1", "enabled": True}]}}
    lines = calendar.to_text(
        calendar.calendar("dev", "UTC", manifests, datetime.fromisoformat(NOW))
    ).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 70
    assert any(line.startswith("  Mon 30 ") and "++" in line for line in lines)
    assert "  … 981 more (--format json)" in lines
    busiest = next(line for line in lines if "fire together" in line or line.startswith("  ! "))
    assert busiest.startswith("  ! Mon 11-30 03:07 UTC")
