"""What a reviewer reads: each kind of change by its golden, and nothing for what changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from diff_kit import (
    BASE,
    COUNT,
    DEV,
    GREET,
    NOW,
    RELEASE,
    TEMPLATE,
    Command,
    Edit,
    Golden,
    diff,
    edit,
    masked,
)
from gitrepo import commit
from project import PROJECT

TASKS = "    each:\n"
NEW_TASK = "    extra:\n      component: greet\n      arguments: {name: extra}\n"
EVERYTHING = """    extra:
      component: greet
      arguments: {name: extra}
      env: {LEVEL: debug, TOKEN: {secret: registry, key: token}}
      volumes: {/data: {pvc: shared, subPath: a}, /keys: {secret: keys, optional: true}}
      resources: {memory: {limit: 1Gi}, accelerator: {type: nvidia.com/gpu, limit: 1}}
      securityContext: {runAsUser: 1000}
      placement: {tolerations: [{key: gpu, operator: Exists}], nodeSelector: {disk: ssd}}
      pod: {labels: {team: growth}}
      retry: {count: 2}
      cache: false
"""
COMMENT = "# another comment\n"
SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json").read_text("utf-8"))
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
    "task-with-everything-added": [Edit(TEMPLATE, TASKS, EVERYTHING + TASKS)],
    "trigger-added": [
        Edit(
            TEMPLATE,
            "schedules:\n",
            "triggers:\n- {name: first, runOn: change, parameters: {name: all}}\nschedules:\n",
        )
    ],
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
    "accepted-fault": [
        Edit(TEMPLATE, "  tasks:\n", "  acceptedFaults: [retry-lost]\n  tasks:\n"),
        Edit(
            TEMPLATE,
            "      arguments:\n        text:",
            "      retry: {count: 2, factor: 1.5}\n      arguments:\n        text:",
        ),
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
    "default-written-out": [
        Edit(
            TEMPLATE,
            "      arguments:\n        text:",
            "      ignoreUpstreamFailure: false\n      arguments:\n        text:",
        )
    ],
    "delivery-reconciler-image": [Edit(RELEASE, "2" * 64, "4" * 64)],
}
# The release is of the sources, comments and all; what it renders to is not another.
RELEASE_WORDS = "only the release differs: what it renders to here is the same"
ONLY_THE_RELEASE = {
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
    "sdk-version-of-a-component": [Edit(GREET, "sdkVersion: kfp-2.17.0", "sdkVersion: kfp-2.17.9")],
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_in_words(case: str, changed: Path, command: Command, golden: Golden) -> None:
    edit(changed, *CASES[case])
    outcome = diff(command, changed)
    assert outcome.code == 1, outcome.err
    golden(f"diff/{case}.txt", masked(outcome.out))


@pytest.mark.parametrize("case", ONLY_THE_RELEASE)
def test_a_release_that_renders_to_the_same_is_told_as_that(
    case: str, changed: Path, command: Command
) -> None:
    edit(changed, *ONLY_THE_RELEASE[case])
    outcome = diff(command, changed)
    assert outcome.code == 1
    lines = masked(outcome.out).splitlines()
    _, headline, warning, change, *rest = [
        line for line in lines if not line.startswith("category settings: ")
    ]
    assert headline == "~ hello: same version sha-…1"
    assert warning == f"  ! {RELEASE_WORDS}"
    assert change == "  ~ pipeline hello: release: sha256:…2 → sha256:…3"
    assert all(line.startswith(("  (folded: ", "  cache: ")) for line in rest[:-1])
    assert rest[-1] == "nothing that runs changes"


def test_a_comment_in_the_values_is_no_semantic_change(changed: Path, command: Command) -> None:
    edit(changed, Edit(DEV, "follows:", COMMENT + "follows:"))
    outcome = diff(command, changed)
    assert (outcome.code, outcome.out.rstrip().endswith("no semantic change")) == (0, True)


def test_nothing_at_all_is_no_semantic_change(changed: Path, command: Command) -> None:
    outcome = diff(command, changed)
    assert (outcome.code, outcome.out) == (0, "dev, compared with HEAD\nno semantic change\n")


@pytest.mark.parametrize(
    "case",
    ["task-rewired", "task-removed", "task-added", "schedule-cron", "component-code", "delivery-namespace"],
)
def test_markdown_shows_tables_and_the_pipeline(
    case: str, changed: Path, command: Command, golden: Golden
) -> None:
    edit(changed, *CASES[case])
    outcome = diff(command, changed, "--format", "markdown")
    golden(f"diff/{case}.md", masked(outcome.out))


@pytest.mark.parametrize("case", CASES)
def test_json_fits_its_schema(case: str, changed: Path, command: Command) -> None:
    edit(changed, *CASES[case])
    found = json.loads(diff(command, changed, "--format", "json").out)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["environments"][0]["semantic"]


def test_a_pipeline_that_comes_and_one_that_goes(changed: Path, command: Command, golden: Golden) -> None:
    shutil.copytree(changed / "templates/pipelines/hello", changed / "templates/pipelines/welcome")
    for path in (BASE, DEV):
        edit(changed, Edit(path, "  hello:\n", "  welcome:\n"))
    golden("diff/pipeline-replaced.txt", masked(diff(command, changed).out))
    golden("diff/pipeline-replaced.md", masked(diff(command, changed, "--format", "markdown").out))
    found = json.loads(diff(command, changed, "--format", "json").out)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_a_pipeline_that_comes_with_accepted_faults_is_a_warning(changed: Path, command: Command) -> None:
    shutil.copytree(changed / "templates/pipelines/hello", changed / "templates/pipelines/welcome")
    for path in (BASE, DEV):
        edit(changed, Edit(path, "  hello:\n", "  welcome:\n"))
    template = TEMPLATE.replace("hello", "welcome")
    edits = [Edit(one.path.replace("hello", "welcome"), one.old, one.new) for one in CASES["accepted-fault"]]
    assert edits[0].path == template
    edit(changed, *edits)
    assert "  ! it accepts the fault retry-lost: a retry that is never made" in diff(command, changed).out


def test_an_environment_that_comes_and_one_that_goes(changed: Path, command: Command) -> None:
    for folder in ("environments", "manifests"):
        (changed / folder / "prod").rename(changed / folder / "production")
    assert command("render", "--root", changed, "--all", "--lock").code == 0
    outcome = command("diff", "--root", changed, "--all", "--from", NOW)
    assert outcome.code == 1
    shared, _, came, gone = outcome.out.split("\n\n")
    assert "+ file environments/production/release.yaml" in shared
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


def test_a_tombstone_that_goes_is_a_warning_and_one_that_lives_again_is_none(
    changed: Path, command: Command
) -> None:
    edit(changed, Edit(DEV, "pipelines:\n", "pipelines:\n  old: {state: absent}\n"))
    assert "tombstone" not in diff(command, changed).out
    commit(changed, "old goes")
    edit(changed, Edit(DEV, "  old: {state: absent}\n", ""))
    told = (
        "! the tombstone of old goes: what is left of it in KFP is not deleted any more, only its schedules"
    )
    assert told in diff(command, changed).out
    values = "{name: x, items: [a], threshold: 1, schedule: {cron: '0 0 4 * * 1', enabled: false}}"
    back = f"pipelines:\n  old: {{template: hello, values: {values}}}\n"
    edit(changed, Edit(DEV, "pipelines:\n", back))
    assert "tombstone" not in diff(command, changed).out


def test_times_are_shown_in_the_team_s_zone_too(changed: Path, command: Command) -> None:
    edit(
        changed,
        Edit(BASE, "follows:", "timeZone: Europe/Berlin\nfollows:"),
        Edit(BASE, "enabled: false", "enabled: true"),
    )
    assert "hello" in (outcome := diff(command, changed)).out
    assert "Mon 2026-11-30 03:00:00 UTC = Mon 04:00:00 Europe/Berlin" in outcome.out
