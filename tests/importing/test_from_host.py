"""`import.py --host` over HTTP: a KFP that teams used by its UI becomes files, and is taken over as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.compiling.ir import documents
from kfp_gitops.devserver import DevServer, Faults, Features
from kfp_gitops.importing import fromserver
from kfp_gitops.importing.recurring import Terms
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import Listed, Stored
from kfp_gitops.sources import environment
from project import Outcome, snapshot
from team_server import ARGO, OTHERS, a_year, cron, every, given, plain
from ui_server import Ui

Command = Callable[..., Outcome]
VALUES = "environments/dev/values.yaml"


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[Ui]:
    with DevServer(tmp_path / "server", faults=Faults()) as server:
        yield Ui(server)


@pytest.fixture
def bring(command: Command, repository: Path, ui: Ui) -> Callable[..., Outcome]:
    def run(*more: object) -> Outcome:
        return command("import", "--root", repository, "--host", ui.server.url, *more)

    return run


@pytest.fixture
def reconcile(command: Command, repository: Path, ui: Ui) -> Callable[..., Outcome]:
    def run(what: str, *more: object) -> Outcome:
        assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
        return command(
            "reconcile", what, "--root", repository, "--env", "dev", "--host", ui.server.url, *more
        )

    return run


def _values(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((repository / VALUES).read_text())["pipelines"]
    return found


def _by_id(ui: Ui) -> dict[str, dict[str, Any]]:
    return {found["recurring_run_id"]: found for found in ui.recurring_runs()}


def _of_others(ui: Ui) -> dict[str, dict[str, Any]]:
    """But for the small repository's own pipeline."""
    return {key: found for key, found in _by_id(ui).items() if found["display_name"] != "hello-weekly"}


def _actions(planned: Outcome) -> set[str]:
    changes = json.loads(planned.out)["changes"]
    return {change["action"] for change in changes if change["pipeline"] != "hello"}


def test_a_year_of_the_ui_is_imported_and_taken_over_without_one_replacement(
    ui: Ui, bring: Command, reconcile: Command, repository: Path
) -> None:
    teams = a_year(ui)
    assert (teams.pipelines, len(teams.kept) + len(teams.left)) == (50, 80)
    before = _by_id(ui)
    done = bring("--schedules")
    assert (done.code, "45 pipelines and 72 recurring runs imported, 12 left" in done.out) == (1, True)
    told = [line for line in done.err.splitlines() if line.startswith("left: ")]
    assert len(told) == 12
    # The one of a pipeline that others keep is told with it.
    assert {key for key in teams.left if any(key in line for line in told)} == {
        key for key, name in teams.left.items() if name != "kept-by-others-main"
    }
    planned = reconcile("plan", "--format", "json")
    assert (planned.code, _actions(planned)) == (1, {"adopt", "create", "unchanged"})
    created = [
        c for c in json.loads(planned.out)["changes"] if c["action"] == "create" and c["pipeline"] != "hello"
    ]
    assert {change["kind"] for change in created} == {"experiment"}
    assert _by_id(ui) == before
    assert reconcile("apply").code == 0
    assert _of_others(ui) == before
    assert reconcile("plan").code == 0
    again = bring("--schedules")
    assert "0 pipelines and 0 recurring runs imported" in again.out
    assert reconcile("apply").code == 0
    assert _of_others(ui) == before


def test_what_a_schedule_says_is_what_kfp_does(ui: Ui, bring: Command, repository: Path) -> None:
    made = ui.upload("My Pipeline (v2)", plain("churn"))
    version = ui.version_of(made)
    ui.recurring(
        "Nightly ✓", made, version, max_concurrency="3", no_catchup=True, mode="DISABLE", service_account="trainer",
        **cron("0 30 2 1 *", start_time="2027-01-01T00:00:00Z", end_time="2028-01-01T00:00:00Z"),
        **given(times=4, share=2, text="é"),
    )  # fmt: skip
    ui.recurring("churn-hourly", made, version, **every(3600))
    assert bring("--schedules").code == 0
    entry = _values(repository)["churn"]
    assert entry["adopts"] == {
        "pipeline": "My Pipeline (v2)",
        "schedules": {
            "nightly": {"recurringRun": "Nightly ✓", "serviceAccount": "trainer"},
            "hourly": {"recurringRun": "churn-hourly"},
        },
    }
    nightly, hourly = sorted(entry["values"]["schedules"], key=lambda one: one["name"], reverse=True)
    assert nightly == {
        "name": "nightly", "cron": "0 30 2 1 * *", "start": "2027-01-01T00:00:00Z", "end": "2028-01-01T00:00:00Z",
        "enabled": False, "maxConcurrency": 3, "catchup": False,
        "parameters": {"times": 4, "share": 2, "text": "é"},
    }  # fmt: skip
    assert (hourly["intervalSeconds"], hourly["enabled"], hourly["catchup"]) == (3600, True, True)


def test_afterwards_a_change_in_git_makes_it_anew_once_and_under_our_name(
    ui: Ui, bring: Command, reconcile: Command, repository: Path
) -> None:
    made = ui.upload("My Pipeline (v2)", plain("churn"))
    old = ui.recurring("Nightly", made, ui.version_of(made), service_account="trainer")
    stranger = ui.recurring("by hand", made, None)
    assert bring("--schedules").code == 1
    assert reconcile("apply").code == 0
    path = repository / VALUES
    path.write_text(path.read_text().replace("0 0 3 * * *", "0 0 4 * * *"))
    planned = reconcile("plan")
    assert "~ replace   schedule   churn-nightly  (cron differs)" in planned.out
    assert reconcile("apply").code == 0
    found = _of_others(ui)
    assert old not in found
    assert stranger in found
    (new,) = [one for one in found.values() if one["display_name"] == "churn-nightly"]
    assert (new["status"], new["service_account"]) == ("ENABLED", "trainer")
    assert new["pipeline_version_reference"]["pipeline_id"] == made
    assert reconcile("plan").code == 0


def test_a_new_release_is_uploaded_into_the_pipeline_that_was_made_by_hand(
    ui: Ui, bring: Command, reconcile: Command, repository: Path
) -> None:
    made = ui.upload("My Pipeline (v2)", plain("churn"))
    ui.recurring("Nightly", made, ui.version_of(made))
    ui.recurring("whatever is new", made, None)
    bring("--schedules")
    reconcile("apply")
    path = repository / VALUES
    path.write_text(path.read_text().replace("text: hello", "text: hello again"))
    planned = reconcile("plan")
    assert (
        "recurring run 'whatever is new', which is not ours, runs whatever version is the newest"
        in " ".join(planned.out.split())
    )
    assert reconcile("apply").code == 0
    versions = ui.get(f"pipelines/{made}/versions")["pipeline_versions"]
    assert len(versions) == 2
    assert reconcile("plan").code == 0


def test_what_was_changed_in_kfp_between_import_and_apply_is_told_and_left_alone(
    ui: Ui, bring: Command, reconcile: Command
) -> None:
    made = ui.upload("churn", plain("churn"))
    ui.recurring("Nightly", made, ui.version_of(made))
    assert bring("--schedules").code == 0
    (old,) = _by_id(ui)
    ui.recurring("Nightly", made, ui.version_of(made), **cron("0 0 5 * * *"))
    ui.delete(f"recurringruns/{old}")
    before = _by_id(ui)
    refused = reconcile("apply")
    assert refused.code == 5
    assert "'Nightly' is not marked as ours, and not what Git says (cron)" in " ".join(refused.out.split())
    assert _of_others(ui) == before
    assert reconcile("apply", "--adopt", "churn").code == 0
    assert [one["display_name"] for one in _of_others(ui).values()] == ["churn-nightly"]


def test_as_values_writes_what_was_changed_since_and_then_it_is_taken_over(
    ui: Ui, bring: Command, reconcile: Command, repository: Path
) -> None:
    made = ui.upload("churn", plain("churn"))
    old = ui.recurring("Nightly", made, ui.version_of(made))
    assert bring("--schedules").code == 0
    new = ui.recurring("Nightly", made, ui.version_of(made), mode="DISABLE", **cron("0 0 5 * * *"))
    ui.delete(f"recurringruns/{old}")
    done = reconcile("plan", "--as-values", "--write")
    assert "0 0 5 * * *" in done.out
    planned = reconcile("plan")
    assert "+ adopt     schedule   churn-nightly" in planned.out
    assert reconcile("apply").code == 0
    assert list(_of_others(ui)) == [new]


def test_pin_takes_also_those_that_follow_the_newest_version_and_plan_says_that_they_are_made_anew(
    ui: Ui, bring: Command, reconcile: Command
) -> None:
    made = ui.upload("churn", plain("churn"))
    ui.recurring("Nightly", made, None)
    assert bring("--schedules", "--pin").code == 0
    refused = reconcile("plan")
    assert (refused.code, "not what Git says (version)" in " ".join(refused.out.split())) == (5, True)
    planned = reconcile("plan", "--adopt", "churn")
    assert "~ replace   schedule   churn-nightly" in planned.out
    assert reconcile("apply", "--adopt", "churn").code == 0
    (found,) = _of_others(ui).values()
    assert found["pipeline_version_reference"]["pipeline_version_id"] == ui.version_of(made)
    assert reconcile("plan").code == 0


def test_globs_choose_and_one_that_matches_nothing_is_refused(
    ui: Ui, bring: Command, repository: Path
) -> None:
    for name in ("churn-a", "churn-b", "other"):
        ui.upload(f"Team {name}", plain(name), display_name=f"shown {name}")
    before = snapshot(repository)
    refused = bring("--pipeline", "nothing*")
    assert (refused.code, "'Team churn-a', 'Team churn-b', 'Team other'" in refused.err) == (2, True)
    only = bring("--pipeline", "*churn*", "--check")
    assert (only.code, "2 pipelines and 0 recurring runs can be imported" in only.out) == (0, True)
    assert snapshot(repository) == before
    assert bring("--pipeline", "shown other", "--pipeline", "Team churn-a").code == 0
    assert {"other", "churn-a"} <= set(_values(repository))
    assert "churn-b" not in _values(repository)


def test_an_older_version_is_imported_by_its_name(ui: Ui, bring: Command, reconcile: Command) -> None:
    made = ui.upload("churn", plain("churn"))
    old = ui.version_of(made)
    ui.upload_version(made, "v2", plain("churn", "hello again"))
    ui.recurring("Nightly", made, old)
    assert bring("--schedules", "--pipeline", "churn", "--pipeline-version", "no such").code == 1
    assert bring("--schedules", "--pipeline", "churn", "--pipeline-version", "churn").code == 0
    assert "+ adopt     schedule   churn-nightly" in reconcile("plan").out


def test_recurring_runs_of_no_pipeline_are_told(ui: Ui, bring: Command) -> None:
    made = ui.upload("churn", plain("churn"))
    lost = ui.recurring("of a pipeline that is gone", made, ui.version_of(made))
    own = ui.recurring(
        "with an IR of its own", made, None, pipeline_version_reference=None,
        pipeline_spec=yaml.safe_load(plain("own")),
    )  # fmt: skip
    ui.delete(f"pipelines/{made}?cascade=true")
    done = bring("--schedules")
    assert done.code == 1
    assert f"({lost}): the pipeline that it runs is there no more" in done.err
    assert f"({own}): it has an IR of its own, and no registered pipeline" in done.err


def test_a_schedule_that_no_manifest_takes_is_left_and_the_rest_is_imported(
    ui: Ui, bring: Command, repository: Path
) -> None:
    made = ui.upload("churn", plain("churn"))
    ui.recurring("fine", made, ui.version_of(made))
    ui.recurring("half", made, ui.version_of(made), **given(times=1.5))
    done = bring("--schedules")
    assert (done.code, "1 pipeline and 1 recurring run imported, 1 left" in done.out) == (1, True)
    assert "recurring run 'half' of 'churn'" in done.err
    assert [one["name"] for one in _values(repository)["churn"]["values"]["schedules"]] == ["fine"]


def test_nothing_is_left_behind_when_it_fails(
    ui: Ui, bring: Command, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ui.upload("churn", plain("churn"))
    before = snapshot(repository)
    from kfp_gitops.commands import begun

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(begun, "render", fails)
    assert bring().code == 130
    assert snapshot(repository) == before


def test_a_server_that_does_not_answer_ends_it_in_time_and_nothing_is_written(
    ui: Ui, bring: Command, repository: Path
) -> None:
    before = snapshot(repository)
    ui.server.__exit__(None, None, None)
    failed = bring("--timeout", "2", "--patience", "1")
    assert failed.code == 4
    assert snapshot(repository) == before


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--schedules"], "--schedules goes with --host"),
        (["--pipeline", "a", "--pin"], "--pipeline, --pin goes with --host"),
        (["a.yaml", "--host", "http://127.0.0.1:1"], "takes no FILE"),
        (["--host", "http://127.0.0.1:1", "--into", "templates/pipelines/x"], "takes no --into"),
        (["--host", "http://127.0.0.1:1", "--name", "x"], "--name is of one pipeline"),
        (
            ["--host", "http://127.0.0.1:1", "--pipeline-version", "x"],
            "--pipeline-version is of one pipeline",
        ),
    ],
)
def test_options_that_do_not_go_together(
    command: Command, repository: Path, words: list[str], what: str
) -> None:
    refused = command("import", "--root", repository, *words)
    assert (refused.code, what in refused.err) == (2, True)


def test_names_and_marks_of_others_and_kfp_1(ui: Ui, bring: Command) -> None:
    ui.upload("old", ARGO)
    ui.upload("theirs", plain("theirs"), OTHERS)
    done = bring()
    assert done.code == 1
    assert "pipeline 'old': this is an Argo Workflow" in done.err
    assert "pipeline 'theirs': the repository another-repository, environment prod keeps it" in done.err


@pytest.fixture
def shared(tmp_path: Path, repository: Path) -> Iterator[Ui]:
    """A KFP with profiles, of which the environment is one."""
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("namespace: ''", "namespace: team-a", 1))
    with DevServer(tmp_path / "shared", faults=Faults(), features=Features(multi_user=True)) as server:
        yield Ui(server)


def test_of_a_kfp_with_profiles_one_is_read(shared: Ui, command: Command, repository: Path) -> None:
    for namespace in ("team-a", "team-b"):
        made = shared.upload("churn", plain("churn"), namespace=namespace)
        experiment = shared.experiment("Default", namespace=namespace)
        shared.recurring(
            "Nightly", made, shared.version_of(made), experiment_id=experiment, namespace=namespace
        )
    before = {
        one["recurring_run_id"]: one for ns in ("team-a", "team-b") for one in shared.recurring_runs(ns)
    }
    where = ("--root", repository, "--host", shared.server.url)
    other = command("import", *where, "--schedules", "--namespace", "team-b", "--check")
    assert (other.code, "dev is of the user namespace 'team-a'" in other.err) == (0, True)
    assert command("import", *where, "--schedules", "--namespace", "").code == 5
    done = command("import", *where, "--schedules")
    assert (done.code, "1 pipeline and 1 recurring run imported, 0 left" in done.out) == (0, True)
    assert command("reconcile", "apply", *where, "--env", "dev").code == 0
    assert command("reconcile", "plan", *where, "--env", "dev").code == 0
    after = {one["recurring_run_id"]: one for ns in ("team-a", "team-b") for one in shared.recurring_runs(ns)}
    assert {key: after[key] for key in before} == before


def test_a_server_without_tags_can_mark_nothing_and_says_so(
    tmp_path: Path, command: Command, repository: Path
) -> None:
    with DevServer(tmp_path / "old", faults=Faults(), features=Features(tags=False)) as server:
        ui = Ui(server)
        made = ui.upload("churn", plain("churn"))
        ui.recurring("Nightly", made, ui.version_of(made))
        before = _by_id(ui)
        where = ("--root", repository, "--host", server.url)
        assert command("import", *where, "--schedules").code == 0
        failed = command("reconcile", "apply", *where, "--env", "dev")
        assert (failed.code, "keeps no tags (KFP before 2.17)" in failed.err + failed.out) == (4, True)
        assert _of_others(ui) == before


@pytest.mark.parametrize("name", ["", "x" * 300, "a\ud800"])
def test_a_name_that_no_file_can_hold_leaves_that_one_and_not_all(repository: Path, name: str) -> None:
    env = environment.load(repository, "dev")
    place, now = fromserver.Place(env, frozenset(), {}), datetime.now(UTC)
    version = Stored("v1", "one", now, documents(plain("churn"))[0])
    found = ActualSchedule("r1", name, "p1", "v1", True, now, cron="0 0 3 * * *")
    odd = fromserver.OnServer(Listed("p1", name, name, None, {}), version)
    assert "no file can hold its name" in str(fromserver.brought(odd, place, frozenset(), Terms())[1][0])
    with_odd = fromserver.OnServer(Listed("p1", "churn", "churn", None, {}), version, [found])
    brought, left = fromserver.brought(with_odd, place, frozenset(), Terms())
    assert brought
    assert "no file can hold its name" in str(left[0])
