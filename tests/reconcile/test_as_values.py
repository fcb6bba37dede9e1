"""`plan --as-values` on a development server: what was changed there becomes an edit, and then nothing differs."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
import team_kit
from kfp_gitops.devserver import DevServer
from kfp_gitops.reconcile import valuefind
from project import Outcome
from server_kit import Command, api_of, change, enable_schedule
from ui_kit import cron, every, made_anew, only

Reconcile = Callable[..., Outcome]
VALUES = "environments/dev/values.yaml"


@pytest.fixture
def as_values(command: Command, repository: Path, server: DevServer) -> Callable[..., Outcome]:
    def run(*more: object) -> Outcome:
        options = ("--root", repository, "--env", "dev", "--host", server.url, "--as-values")
        return command("reconcile", "plan", *options, *more)

    return run


def _text(repository: Path, path: str = VALUES) -> str:
    return (repository / path).read_text()


def _replace(repository: Path, path: str, old: str, new: str) -> None:
    text = _text(repository, path)
    assert old in text
    (repository / path).write_text(text.replace(old, new))


def _template(repository: Path, old: str, new: str) -> None:
    _replace(repository, "templates/pipelines/hello/pipeline.yaml.j2", old, new)


def _schema(repository: Path, **properties: object) -> None:
    path = repository / "templates/pipelines/hello/values.schema.json"
    schema = json.loads(path.read_text())
    schema["properties"]["schedule"]["properties"] |= properties
    schema["properties"]["schedule"]["required"] = ["enabled"]
    path.write_text(json.dumps(schema, indent=2) + "\n")


def _added(outcome: Outcome) -> list[str]:
    lines = outcome.out.splitlines()
    return [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]


def test_nothing_that_differs_is_nothing_to_edit(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path
) -> None:
    reconcile("apply")
    found = as_values("--write")
    assert (found.code, found.out) == (0, "")
    assert "no schedule in KFP differs from Git" in found.err


def test_what_is_not_in_kfp_or_not_ours_is_told(
    as_values: Callable[..., Outcome], repository: Path, command: Command, server: DevServer
) -> None:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    absent = as_values()
    assert (absent.code, absent.out) == (1, "")
    assert "hello: it is not in KFP" in absent.err
    urllib.request.urlopen(
        urllib.request.Request(
            f"{server.url}/apis/v2beta1/pipelines", b'{"display_name": "hello"}', method="POST"
        )
    ).close()
    theirs = as_values()
    assert (theirs.code, theirs.out) == (1, "")
    assert "hello: pipeline hello exists and is not marked as ours" in " ".join(theirs.err.split())


def test_a_schedule_that_was_turned_on_is_turned_on_in_the_environments_own_file(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    """The value is base.yaml's, which other environments have in common: there it stays."""
    reconcile("apply")
    api_of(server).enable_schedule(only(server).id)
    before = _text(repository)
    shown = as_values()
    assert (shown.code, _added(shown)) == (1, ["schedule:", "enabled: true"])
    assert shown.out.startswith(f"--- a/{VALUES}\n+++ b/{VALUES}\n")
    assert _text(repository) == before
    assert as_values("--write").code == 0
    assert _text(repository) == f"{before}      schedule:\n        enabled: true\n"
    assert reconcile("plan").code == 0


def test_a_new_cron_replaces_the_line_and_leaves_its_comment(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    text = "      # when\n      schedule: {cron: '0 0 4 * * *'}  # by night\n# the end\n"
    (repository / VALUES).write_text(_text(repository) + text)
    enable_schedule(repository)
    reconcile("apply")
    made_anew(server, **cron("0 30 4 * * *"))
    assert as_values("--write").code == 0
    assert _text(repository).endswith(text.replace("0 0 4", "0 30 4"))
    assert reconcile("plan").code == 0


def test_an_interval_in_place_of_a_cron_and_what_the_schema_alone_knows(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    _template(
        repository,
        "  cron: {{ values.schedule.cron | tojson }}\n",
        "{% if values.schedule.every is defined %}\n  intervalSeconds: {{ values.schedule.every }}\n{% else %}\n"
        "  cron: {{ values.schedule.cron | tojson }}\n{% endif %}\n",
    )
    _template(
        repository,
        "  maxConcurrency: 1\n  catchup: false\n",
        "  maxConcurrency: {{ values.schedule.concurrency | default(1) }}\n"
        "  catchup: {{ values.schedule.catchup | default(false) }}\n",
    )
    kinds = {"every": "integer", "concurrency": "integer", "catchup": "boolean"}
    _schema(repository, **{name: {"type": kind} for name, kind in kinds.items()})
    reconcile("apply")
    made_anew(server, **every(3600), max_concurrency="3", no_catchup=False)
    done = as_values("--write")
    assert (done.code, _added(done)) == (
        0,
        ["schedule:", "cron: null", "every: 3600", "concurrency: 3", "catchup: true"],
    )
    assert reconcile("plan").code == 0


def test_parameters_are_set_added_and_taken_out(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    _template(
        repository,
        "  catchup: false\n",
        "  catchup: false\n  parameters: {{ values.schedule.given | tojson }}\n",
    )
    _schema(repository, given={"type": "object"})
    text = "      schedule:\n        given:\n          name: one  # whom\n"
    (repository / VALUES).write_text(_text(repository) + text)
    reconcile("apply")
    made_anew(server, runtime_config={"parameters": {"name": "two", "threshold": 7}})
    assert as_values("--write").code == 0
    assert _text(repository).endswith("          name: two  # whom\n          threshold: 7\n")
    assert reconcile("plan").code == 0
    made_anew(server, runtime_config={"parameters": {"threshold": 7}})
    assert as_values("--write").code == 0
    assert _text(repository).endswith("        given:\n          threshold: 7\n")
    assert reconcile("plan").code == 0


def test_a_part_of_a_text_that_is_rendered(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    _template(repository, "{{ values.schedule.cron | tojson }}", "'0 {{ values.schedule.minute }} 3 * * *'")
    _schema(repository, minute={"type": "integer"})
    (repository / VALUES).write_text(_text(repository) + "      schedule: {minute: 5}\n")
    reconcile("apply")
    made_anew(server, **cron("0 45 3 * * *"))
    assert as_values("--write").code == 0
    assert _text(repository).endswith("      schedule: {minute: 45}\n")
    assert reconcile("plan").code == 0


def test_an_item_of_a_list_of_base_yaml_is_said_again_with_the_list(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    _template(repository, "values.schedule.cron", "values.schedule.all[0].cron")
    _schema(repository, all={"type": "array"})
    _replace(repository, "environments/base.yaml", "cron: '0 0 3 * * 1'", "all: [{cron: '0 0 3 * * 1'}]")
    reconcile("apply")
    made_anew(server, **cron("0 0 6 * * 1"))
    assert as_values("--write").code == 0
    assert _text(repository).endswith("      schedule:\n        all: [{cron: '0 0 6 * * 1'}]\n")
    assert reconcile("plan").code == 0


def test_what_is_a_literal_is_told_with_its_line_and_the_rest_is_written(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    made_anew(server, **cron("0 0 6 * * 1"), max_concurrency="4")
    done = as_values("--write")
    assert (done.code, _added(done)) == (
        1,
        ["schedule:", "cron: 0 0 6 * * 1".replace("0 0 6 * * 1", "'0 0 6 * * 1'")],
    )
    told = " ".join(done.err.split())
    assert "hello-weekly, maxConcurrency: no value says it alone" in told
    line = 1 + [*_text(repository, "templates/pipelines/hello/pipeline.yaml.j2").splitlines()].index(
        "  maxConcurrency: 1"
    )
    assert f"templates/pipelines/hello/pipeline.yaml.j2:{line}:3" in told


def test_two_of_one_name_one_more_and_one_that_is_gone_are_told(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    made_anew(server, keep=True, **cron("0 0 6 * * 1"))
    twice = as_values("--write")
    assert (twice.code, twice.out) == (1, "")
    assert "2 recurring runs have this name" in " ".join(twice.err.split())
    for found in api_of(server).schedules():
        api_of(server).delete_schedule(found.id)
    gone = as_values("--write")
    assert (gone.code, gone.out) == (1, "")
    assert "hello-weekly: it is not in KFP" in " ".join(gone.err.split())


def test_one_made_by_hand_under_our_name_is_wanted_and_one_of_another_name_is_told(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    made_anew(server, keep=True, description="mine", display_name="by hand")
    other = as_values()
    assert other.code == 1
    assert "by hand: nobody marked it" in " ".join(other.err.split())
    for found in [one for one in api_of(server).schedules() if one.name == "by hand"]:
        api_of(server).delete_schedule(found.id)
    made_anew(server, description="mine", **cron("0 0 6 * * 1"))
    assert reconcile("plan").code == 5
    done = as_values("--write")
    assert done.code == 0
    assert "`apply --adopt hello` takes it over" in " ".join(done.err.split())
    taken = reconcile("apply", "dev", "--adopt", "hello")
    assert (taken.code, "+ adopt     schedule   hello-weekly" in taken.out) == (0, True)
    assert reconcile("plan").code == 0


def test_a_pause_that_somebody_ended_in_kfp_leaves_the_values(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    enable_schedule(repository)
    before = _text(repository)
    (repository / VALUES).write_text(f"{before}    state: paused\n    until: '2999-01-01T00:00:00Z'\n")
    reconcile("apply")
    assert as_values().code == 0
    api_of(server).enable_schedule(only(server).id)
    assert as_values("--write").code == 0
    assert _text(repository) == before
    assert reconcile("plan").code == 0


def test_a_value_that_stands_for_more_than_the_schedule_is_not_touched(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    """The threshold is a default of the pipeline, too: another one would be another version."""
    _template(repository, "maxConcurrency: 1", "maxConcurrency: {{ values.threshold }}")
    reconcile("apply")
    made_anew(server, max_concurrency="5")
    done = as_values("--write")
    assert (done.code, done.out) == (1, "")
    assert "no value says it alone" in " ".join(done.err.split())


def test_manifests_that_are_not_of_the_sources_are_refused(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    api_of(server).enable_schedule(only(server).id)
    _replace(repository, "environments/base.yaml", "0 0 3", "0 0 4")
    refused = as_values("--write")
    assert refused.code == 5
    assert "render.py --env dev --lock" in refused.err


@pytest.mark.parametrize(
    "more",
    [["--format", "json"], ["--approve"], ["--manifests", "x"], ["--push-gateway", "http://127.0.0.1:1"]],
)
def test_options_that_mean_nothing_beside_it_are_refused(
    as_values: Callable[..., Outcome], more: list[str]
) -> None:
    assert as_values(*more).code == 2


def test_without_it_its_options_are_refused(command: Command, repository: Path) -> None:
    for option in ("--write", "--open-pr"):
        found = command("reconcile", "plan", "--root", repository, "--env", "dev", option)
        assert (found.code, "are of --as-values" in found.err) == (2, True)


def test_open_pr_commits_the_edit_with_its_rendering_on_a_branch_and_prints_the_rest(
    reconcile: Reconcile,
    as_values: Callable[..., Outcome],
    repository: Path,
    server: DevServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Tests")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "tests@example.com")
    reconcile("apply")
    api_of(server).enable_schedule(only(server).id)
    gitrepo.init(repository)
    (repository / "stray.txt").write_text("x")
    unclean = as_values("--open-pr")
    assert (unclean.code, "the work tree has changes" in unclean.err) == (5, True)
    (repository / "stray.txt").unlink()
    done = as_values("--open-pr")
    assert done.code == 0, done.err
    branch = gitrepo.git(repository, "branch", "--show-current")
    assert branch.startswith("drift/dev/")
    assert gitrepo.git(repository, "status", "--porcelain") == ""
    assert f"git push --set-upstream origin {branch}" in done.out
    assert f"gh pr create --head={branch}" in done.out
    assert "hello-weekly enabled: false → true" in done.out
    touched = gitrepo.git(repository, "show", "--name-only", "--format=", "HEAD").splitlines()
    assert VALUES in touched
    assert "manifests/dev/pipelines/hello/pipeline.yaml" in touched
    assert reconcile("plan").code == 0
    assert gitrepo.git(repository, "status", "--porcelain") == ""


def test_what_is_of_a_team_is_edited_in_its_own_file(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    """One value stands in the team's file, the other in what is reviewed as a whole: there it stays."""
    team_kit.reviewed(
        repository, {"churn": {"defaults": {"schedule": {"cron": "0 0 4 * * *", "enabled": True}}}}
    )
    team_kit.team(repository, "churn", "churn-daily")
    path = "environments/dev/teams/churn.yaml"
    team_kit.write(
        repository,
        path,
        {"pipelines": {"churn-daily": {"values": {"name": "x", "threshold": 1, "items": ["a"]}}}},
    )
    reconcile("apply")
    for found in api_of(server).schedules():
        if found.name == "churn-daily-weekly":
            api_of(server).disable_schedule(found.id)
    before = _text(repository), _text(repository, "environments/teams.yaml")
    done = as_values("--write", "--select", "team=churn")
    assert (done.code, _added(done)) == (0, ["schedule:", "enabled: false"])
    assert (_text(repository), _text(repository, "environments/teams.yaml")) == before
    assert reconcile("plan").code == 0


def test_a_value_of_the_schedule_that_a_task_is_given_too_is_edited_and_what_follows_is_told(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    """As in the templates that ship: a task is told how often it runs."""
    _template(
        repository,
        "{name: many}",
        "{name: {{ 'few' if values.schedule.enabled else 'many' }}}",
    )
    reconcile("apply")
    api_of(server).enable_schedule(only(server).id)
    done = as_values("--write")
    assert (done.code, _added(done)) == (0, ["schedule:", "enabled: true"])
    assert (
        "values.schedule.enabled is rendered at spec.tasks.if-many.tasks.greet-many.arguments.name"
        in " ".join(done.err.split())
    )
    assert "registers another version" in " ".join(done.err.split())
    assert reconcile("apply").code == 0
    assert as_values().code == 0
    assert only(server).enabled


def test_a_pause_by_a_note_and_an_environment_that_is_off_are_told(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    enable_schedule(repository)
    reconcile("apply")
    assert reconcile("pause", "dev", "--until", "8h", "--reason", "a test").code == 0
    assert as_values().code == 0
    api_of(server).enable_schedule(only(server).id)
    noted = as_values("--write")
    assert (noted.code, noted.out) == (1, "")
    assert "`reconcile.py resume --env dev`" in " ".join(noted.err.split())
    assert reconcile("resume").code == 0
    (repository / VALUES).write_text(f"state: disabled\n{_text(repository)}")
    assert reconcile("plan").code == 1
    off = as_values("--write")
    assert (off.code, off.out) == (1, "")
    assert "`state: disabled` in its values" in " ".join(off.err.split())


def test_another_version_is_told_and_the_rest_is_written(
    reconcile: Reconcile, as_values: Callable[..., Outcome], repository: Path, server: DevServer
) -> None:
    reconcile("apply")
    old = only(server)
    assert old.version_id
    change(repository, 4)
    reconcile("apply")
    reference = {"pipeline_id": old.pipeline_id, "pipeline_version_id": old.version_id}
    made_anew(server, pipeline_version_reference=reference, **cron("0 0 6 * * 1"))
    done = as_values("--write")
    assert (done.code, _added(done)) == (1, ["schedule:", "cron: '0 0 6 * * 1'"])
    assert "hello-weekly, version: it runs another version" in " ".join(done.err.split())


def test_an_edit_with_which_something_would_still_differ_is_refused(
    reconcile: Reconcile,
    as_values: Callable[..., Outcome],
    repository: Path,
    server: DevServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is proved by planning with it, whoever found it."""
    reconcile("apply")
    api_of(server).enable_schedule(only(server).id)
    before = _text(repository)
    edit = (("values", "schedule", "cron"), "0 0 5 * * 1")
    monkeypatch.setattr(valuefind, "found", lambda *_: valuefind.Found((edit,), (), ()))
    refused = as_values("--write")
    assert (refused.code, refused.out, _text(repository)) == (5, "", before)
    assert "with the edit a plan would still change schedules: hello-weekly" in refused.err
