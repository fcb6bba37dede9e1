"""What a reviewer reads: each kind of change by its golden, and nothing for what changes nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from gitrepo import commit, init
from kfp_gitops.review.diff import schedules
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import EnvironmentDiff
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
Golden = Callable[[str, str], None]

TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
DEV = "environments/dev/values.yaml"
BASE = "environments/base.yaml"
RELEASE = "environments/dev/release.yaml"
GREET = "components/greet/component.yaml"
COUNT = "components/count_words/component.yaml"
# A Tuesday; the fixture's schedule fires on Mondays.
NOW = "2026-11-24T12:00:00Z"


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small repository, rendered, locked and committed."""
    from kfp_gitops.compiling import lock
    from kfp_gitops.rendering import render
    from kfp_gitops.rendering import rendered as names

    root = tmp_path_factory.mktemp("diff") / "repository"
    shutil.copytree(PROJECT / "tests/data/repository", root)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    for env in ("dev", "prod"):
        rendered = render.render(root, env)
        for path, text in {**rendered.files(), names.LOCK: lock.compiled(rendered)}.items():
            target = root / rendered.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
    init(root)
    return root


@pytest.fixture
def changed(committed: Path, tmp_path: Path) -> Path:
    """A clone of its own to change."""
    return Path(shutil.copytree(committed, tmp_path / "repository"))


@dataclass(frozen=True)
class Edit:
    """`old` in a file is replaced by `new`."""

    path: str
    old: str
    new: str


def edit(root: Path, *edits: Edit) -> None:
    for change in edits:
        path = root / change.path
        text = path.read_text("utf-8")
        assert change.old in text, f"{change.old!r} is not in {change.path}"
        path.write_text(text.replace(change.old, change.new, 1), "utf-8")


TASKS = "    each:\n"
NEW_TASK = "    extra:\n      component: greet\n      arguments: {name: extra}\n"
COMMENT = "# another comment\n"
CASES = {
    "parameter-default": [Edit(DEV, "name: dev", "name: development")],
    "parameter-added": [Edit(TEMPLATE, "  tasks:\n", "    extra: {type: bool, default: true}\n  tasks:\n")],
    "parameter-removed": [
        Edit(TEMPLATE, "    name: {type: str, default: {{ values.name | tojson }}}\n", ""),
        Edit(TEMPLATE, "name: {param: name}", "name: you"),
    ],
    "parameter-type": [
        Edit(
            TEMPLATE,
            "threshold: {type: int, default: {{ values.threshold }}}",
            "threshold: {type: float, default: 2.5}",
        )
    ],
    "parameter-without-default": [
        Edit(TEMPLATE, "{type: str, default: {{ values.name | tojson }}}", "{type: str}"),
        Edit(TEMPLATE, "  maxConcurrency: 1", "  parameters: {name: weekly}\n  maxConcurrency: 1"),
    ],
    "task-added": [Edit(TEMPLATE, TASKS, NEW_TASK + TASKS)],
    "task-removed": [
        Edit(
            TEMPLATE, "      else:\n        tasks:\n          greet-few:\n            component: greet\n", ""
        ),
        Edit(TEMPLATE, "            arguments: {name: few}\n", ""),
    ],
    "task-renamed": [
        Edit(TEMPLATE, "    count:\n", "    word-count:\n"),
        Edit(TEMPLATE, "{task: count, output: words}", "{task: word-count, output: words}"),
    ],
    "task-rewired": [Edit(TEMPLATE, "text: {task: greet, output: greeting}", "text: {param: name}")],
    "task-constant-argument": [Edit(TEMPLATE, "arguments: {name: many}", "arguments: {name: a lot}")],
    "task-after": [
        Edit(
            TEMPLATE,
            "      arguments:\n        name: {param: name}\n",
            "      arguments:\n        name: {param: name}\n" + "      after: [extra]\n",
        ),
        Edit(TEMPLATE, TASKS, NEW_TASK + TASKS),
    ],
    "tasks-moved-to-other-branches": [
        Edit(TEMPLATE, "greet-many:", "greet-x:"),
        Edit(TEMPLATE, "greet-few:", "greet-many:"),
        Edit(TEMPLATE, "greet-x:", "greet-few:"),
    ],
    "retries-and-resources": [
        Edit(
            TEMPLATE,
            "      arguments:\n        text:",
            "      retry: {count: 2}\n      resources: {memory: {limit: 1Gi}}\n      arguments:\n        text:",
        )
    ],
    "environment-variable-and-cache": [
        Edit(
            TEMPLATE,
            "      arguments:\n        text:",
            "      env: {LEVEL: debug}\n      cache: false\n      arguments:\n        text:",
        )
    ],
    "condition": [Edit(TEMPLATE, "if: {gt: [", "if: {ge: [")],
    "loop": [Edit(TEMPLATE, "parallelism: 2", "parallelism: 1")],
    "loop-items": [Edit(BASE, "items: [", "items: [zero, ")],
    "image": [Edit(RELEASE, "1" * 64, "3" * 64)],
    "component-code": [Edit(COUNT, "wc -w", "wc -c")],
    "component-input-added": [
        Edit(COUNT, "inputs:\n", "inputs:\n- {name: language, type: String, default: en}\n"),
    ],
    "schedule-cron": [
        Edit(BASE, "'0 0 3 * * 1'", "'0 30 5 * * *'"),
        Edit(BASE, "enabled: false", "enabled: true"),
    ],
    "schedule-enabled": [Edit(BASE, "enabled: false", "enabled: true")],
    "schedule-concurrency": [Edit(TEMPLATE, "maxConcurrency: 1", "maxConcurrency: 2")],
    "schedule-added": [
        Edit(
            TEMPLATE,
            "schedules:\n",
            "schedules:\n- {name: hourly, intervalSeconds: 3600, enabled: true, maxConcurrency: 3, catchup: false}\n",
        )
    ],
    "schedule-removed": [
        Edit(TEMPLATE, "schedules:\n- name: weekly\n", "schedules: []\n"),
        Edit(
            TEMPLATE,
            "  cron: {{ values.schedule.cron | tojson }}\n  enabled: {{ values.schedule.enabled }}\n",
            "",
        ),
        Edit(TEMPLATE, "  maxConcurrency: 1\n  catchup: false\n", ""),
    ],
    "owner-and-description": [
        Edit(TEMPLATE, "owner: tests", "owner: others"),
        Edit(TEMPLATE, "and greets again", "and greets once more"),
    ],
    "kfp-host": [Edit(BASE, "host: http://", "host: https://")],
    "repository-id": [Edit(BASE, "id: ", "id: another-")],
    "environment-disabled": [Edit(DEV, "follows:", "state: disabled\nfollows:")],
    "delivery-namespace": [Edit(BASE, "  namespace: kubeflow", "  namespace: elsewhere")],
    "delivery-reconciler-image": [Edit(RELEASE, "2" * 64, "4" * 64)],
}
NOTHING = {
    "comment-and-format-of-the-template": [
        Edit(TEMPLATE, "    count:\n", "    count:\n      # counts\n"),
        Edit(TEMPLATE, "arguments: {name: many}", "arguments:\n            name: 'many'"),
    ],
    "order-of-keys": [
        Edit(
            TEMPLATE,
            "      component: greet\n      arguments:\n        name: {param: name}\n",
            "      arguments:\n        name: {param: name}\n      component: greet\n",
        )
    ],
    "default-written-out": [
        Edit(
            TEMPLATE,
            "      arguments:\n        text:",
            "      ignoreUpstreamFailure: false\n      arguments:\n        text:",
        )
    ],
    "sdk-version-of-a-component": [Edit(GREET, "sdkVersion: kfp-2.17.0", "sdkVersion: kfp-2.17.9")],
    "comment-of-the-values": [Edit(DEV, "follows:", COMMENT + "follows:")],
}


def _masked(text: str) -> str:
    """Digests by number of appearance: a golden tells that they differ, not what they are."""
    seen: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"{found[1]}…{len(seen) + 1}")

    return re.sub(r"\b(sha-|sha256:)[0-9a-f]{20,64}\b", name, text)


def _diff(command: Command, root: Path, *arguments: str) -> Outcome:
    rendered = command("render", "--root", root, "--env", "dev", "--lock")
    assert rendered.code == 0, rendered.err
    return command("diff", "--root", root, "--env", "dev", "--from", NOW, *arguments)


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_in_words(case: str, changed: Path, command: Command, golden: Golden) -> None:
    edit(changed, *CASES[case])
    outcome = _diff(command, changed)
    assert outcome.code == 1, outcome.err
    golden(f"diff/{case}.txt", _masked(outcome.out))


@pytest.mark.parametrize("case", NOTHING)
def test_what_changes_nothing_is_no_semantic_change(case: str, changed: Path, command: Command) -> None:
    edit(changed, *NOTHING[case])
    outcome = _diff(command, changed)
    assert outcome.code == 0
    assert outcome.out.rstrip().endswith("no semantic change")


def test_nothing_at_all_is_no_semantic_change(changed: Path, command: Command) -> None:
    outcome = _diff(command, changed)
    assert (outcome.code, outcome.out) == (0, "dev, compared with HEAD\nno semantic change\n")


STALE = "manifests/dev: warning: is not what its inputs render to; run `python scripts/render.py --env dev`"


@pytest.mark.parametrize("arguments", [["--env", "dev"], ["--all"], ["--env", "dev", "--schedules"]])
def test_what_was_edited_and_not_rendered_is_said(
    arguments: list[str], changed: Path, command: Command
) -> None:
    before = command("diff", "--root", changed, "--from", NOW, *arguments)
    assert before.err == ""
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    after = command("diff", "--root", changed, "--from", NOW, *arguments)
    assert (after.code, after.out) == (before.code, before.out)
    assert after.err == f"{STALE}\n"
    assert _diff(command, changed, "--base", "HEAD").err == ""


def test_manifests_of_another_environment_are_not_spoken_of(changed: Path, command: Command) -> None:
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    assert command("diff", "--root", changed, "--env", "prod").err == ""


def test_a_manifest_that_was_edited_by_hand_is_said(changed: Path, command: Command) -> None:
    edit(changed, Edit("manifests/dev/pipelines/hello/pipeline.yaml", "default: dev", "default: prod"))
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, outcome.err) == (1, f"{STALE}\n")


def test_a_large_environment_is_not_rendered_as_a_whole_to_find_that_out(
    changed: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kfp_gitops.base.memo.FEWEST", 1)
    edit(changed, Edit(DEV, "name: dev", "name: development"))
    assert command("diff", "--root", changed, "--env", "dev").err == ""
    assert _diff(command, changed).err == ""  # rendered, so that it is remembered what came of which inputs
    edit(changed, Edit(DEV, "name: development", "name: dev"))
    assert command("diff", "--root", changed, "--env", "dev").err == f"{STALE}\n"


def test_inputs_that_do_not_render_are_no_error_of_the_diff(changed: Path, command: Command) -> None:
    edit(changed, Edit(DEV, "name: dev", "name: [dev"))
    outcome = command("diff", "--root", changed, "--env", "dev")
    assert (outcome.code, outcome.out) == (0, "dev, compared with HEAD\nno semantic change\n")
    assert outcome.err == (
        "manifests/dev: warning: its inputs do not render, so it is of earlier ones; "
        "run `python scripts/render.py --env dev`\n"
    )


@pytest.mark.parametrize("case", ["task-rewired", "task-removed", "schedule-cron", "component-code"])
def test_markdown_shows_tables_and_the_pipeline(
    case: str, changed: Path, command: Command, golden: Golden
) -> None:
    edit(changed, *CASES[case])
    outcome = _diff(command, changed, "--format", "markdown")
    golden(f"diff/{case}.md", _masked(outcome.out))


@pytest.mark.parametrize("case", CASES)
def test_json_fits_its_schema(case: str, changed: Path, command: Command) -> None:
    edit(changed, *CASES[case])
    found = json.loads(_diff(command, changed, "--format", "json").out)
    schema = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["environments"][0]["semantic"]


def test_a_pipeline_that_comes_and_one_that_goes(changed: Path, command: Command, golden: Golden) -> None:
    shutil.copytree(changed / "templates/pipelines/hello", changed / "templates/pipelines/welcome")
    for path in (BASE, DEV):
        edit(changed, Edit(path, "  hello:\n", "  welcome:\n"))
    golden("diff/pipeline-replaced.txt", _masked(_diff(command, changed).out))


def test_an_environment_that_comes_and_one_that_goes(changed: Path, command: Command) -> None:
    for folder in ("environments", "manifests"):
        (changed / folder / "prod").rename(changed / folder / "production")
    edit(
        changed, Edit("manifests/production/environment.yaml", "environment: prod", "environment: production")
    )
    outcome = command("diff", "--root", changed, "--all", "--from", NOW)
    assert outcome.code == 1
    came, gone = outcome.out.split("\n\n")[1:]
    assert came.startswith("production, compared with HEAD\n")
    assert "\n+ hello: new pipeline, version sha-" in came
    assert gone.startswith("prod, compared with HEAD\n")
    assert "\n- hello: leaves the manifests" in gone
    assert "! the environment goes, and nothing turns its schedules off: they go on firing" in gone
    assert "its schedules are disabled" not in gone, "nothing is applied for a folder that is gone"


def test_an_environment_that_was_turned_off_may_go(changed: Path, command: Command) -> None:
    edit(changed, Edit(DEV, "follows:", "state: disabled\nfollows:"))
    assert command("render", "--root", changed, "--env", "dev", "--lock").code == 0
    commit(changed, "off")
    for folder in ("environments", "manifests"):
        shutil.rmtree(changed / folder / "dev")
    gone = command("diff", "--root", changed, "--all", "--from", NOW).out
    assert "its schedules are off if its last delivery succeeded" in gone
    assert "go on firing" not in gone


def test_times_are_shown_in_the_team_s_zone_too(changed: Path, command: Command) -> None:
    edit(
        changed,
        Edit(BASE, "follows:", "timeZone: Europe/Berlin\nfollows:"),
        Edit(BASE, "enabled: false", "enabled: true"),
    )
    assert "hello" in (outcome := _diff(command, changed)).out
    assert "Mon 2026-11-30 03:00:00 UTC = Mon 04:00:00 Europe/Berlin" in outcome.out


def test_a_stranger_s_words_are_no_markup(changed: Path, command: Command) -> None:
    evil = "`| <img src=x> @everyone [x](http://evil) ```\\n# title"
    edit(changed, Edit(DEV, "name: dev", f"name: {json.dumps(evil)}"))
    text = _diff(command, changed, "--format", "markdown").out
    row = next(line for line in text.splitlines() if "everyone" in line)
    spans = re.findall(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", row)
    assert "<img" not in re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", row)
    assert any("@everyone" in content for _, content in spans)
    assert row.replace("\\|", "").count("|") == 5


def test_a_stranger_s_characters_hide_nothing(changed: Path, command: Command) -> None:
    evil = "a\x1b[2K\u202eb\u200bc"
    edit(changed, Edit(DEV, "name: dev", f"name: {json.dumps(evil)}"))
    for form in ("text", "markdown", "json"):
        out = _diff(command, changed, "--format", form).out
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
            (changed / f"manifests/{env}/a-name-of-some-length-{number}.yaml").write_text("kind: x\n")
    out = command("diff", "--root", changed, "--all", "--format", "markdown", "--from", NOW).out
    assert len(out) <= 60_001
    assert out.startswith("> Pictures and code are left out")


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
    assert (outcome.code, "passwd" in outcome.out) == (0, False)


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
    outcome = _diff(command, changed, "--schedules")
    assert outcome.code == 0
    golden("diff/calendar.txt", outcome.out)
    found = json.loads(_diff(command, changed, "--schedules", "--format", "json").out)["environments"][0]
    assert [item["schedules"] for item in found["collisions"]] == [["hello-early", "hello-weekly"]]
    assert sum(len(item["firings"]) for item in found["schedules"]) == 7 + 5 * 54 + 1


@pytest.mark.parametrize(
    "trigger", [{"cron": "0 0 3 * * 1"}, {"intervalSeconds": 60}, {"intervalSeconds": 10**18}]
)
def test_no_schedule_fires_after_the_calendar_ends(trigger: dict[str, Any]) -> None:
    schedule = {"enabled": True, "start": "9999-12-31T23:59:59Z", **trigger}
    assert schedules.next_firings(schedule, datetime(2026, 1, 1, tzinfo=UTC)) == []
