"""What the reconciler reads, and what it refuses to bring to a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kfp_gitops.base.errors import InputError, RefusedError, UsageError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.reconcile import desired
from kfp_gitops.reconcile.hosts import checked_host
from kfp_gitops.sources import selection
from project import Outcome

Command = Callable[..., Outcome]
PLACEHOLDER = "0" * 64


@pytest.fixture
def manifests(repository: Path, command: Command) -> Path:
    command("render", "--root", repository, "--all", "--lock")
    return repository / "manifests/dev"


def test_desired_state_is_the_locked_version_with_its_schedules(manifests: Path) -> None:
    found = desired.load(manifests, "dev")
    (pipeline,) = found.pipelines
    locked = yaml.safe_load((manifests / "versions.lock.yaml").read_text())["pipelines"]["hello"]
    assert (pipeline.version, pipeline.digest) == (locked["version"], locked["digest"])
    assert [schedule.name for schedule in pipeline.schedules] == ["weekly"]
    assert found.owner.repository == "example-repository"


def test_a_manifest_that_compiles_to_another_digest_than_was_reviewed_is_refused(manifests: Path) -> None:
    manifest = manifests / "pipelines/hello/pipeline.yaml"
    manifest.write_text(manifest.read_text().replace("default: 3", "default: 4"))
    with pytest.raises(RefusedError, match="was reviewed"):
        desired.load(manifests, "dev")


def test_a_pipeline_without_a_lock_entry_is_refused(manifests: Path) -> None:
    lock = manifests / "versions.lock.yaml"
    lock.write_text("apiVersion: kfp-gitops/v1alpha1\nkind: VersionLock\npipelines: {}\n")
    with pytest.raises(RefusedError, match="no entry for pipeline 'hello'"):
        desired.load(manifests, "dev")


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("http://127.0.0.1:8888", False),
        ("http://localhost:1", False),
        ("http://[::1]:8888", False),
        ("http://ml-pipeline.kubeflow.svc.cluster.local:8888", True),
        ("http://127.0.0.1.example.com", True),
        ("http://localhost.example.com", True),
        ("http://10.0.0.1:8888", True),
    ],
)
def test_the_placeholder_image_runs_on_this_machine_only(
    repository: Path, command: Command, host: str, refused: bool
) -> None:
    release = repository / "environments/dev/release.yaml"
    release.write_text(release.read_text().replace("1" * 64, PLACEHOLDER))
    command("render", "--root", repository, "--env", "dev", "--lock")
    folder = repository / "manifests/dev"
    if refused:
        with pytest.raises(RefusedError, match="placeholder digest"):
            desired.load(folder, "dev", host)
    else:
        assert desired.load(folder, "dev", host).host == host


@pytest.mark.parametrize("host", ["http://me:secret@kfp.example.com", "kfp.example.com", "ftp://x", ""])
def test_a_host_that_is_no_plain_url_is_bad_usage_and_its_password_is_not_repeated(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_host(host)
    assert "secret" not in str(caught.value)


def test_the_manifests_of_another_environment_are_not_applied(manifests: Path) -> None:
    with pytest.raises(InputError, match="this is the environment 'dev', not 'prod'"):
        desired.load(manifests, "prod")


def test_an_absent_list_of_pipelines_is_an_error_not_an_empty_list(manifests: Path) -> None:
    path = manifests / "environment.yaml"
    path.write_text(path.read_text().split("pipelines:")[0])
    with pytest.raises(InputError, match="lacks 'pipelines'"):
        desired.load(manifests, "dev")


@pytest.mark.usefixtures("impatient")
def test_refusals_are_exit_5_and_bad_input_is_exit_2(manifests: Path, command: Command) -> None:
    manifest = manifests / "pipelines/hello/pipeline.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("default: 3", "default: 4"))
    arguments = (
        "reconcile",
        "plan",
        "--env",
        "dev",
        "--host",
        "http://127.0.0.1:9",
        "--manifests",
        manifests,
    )
    assert command(*arguments).code == 5
    manifest.write_text(text.replace("owner: tests", "owner: 3"))
    outcome = command(*arguments)
    assert outcome.code == 2
    assert "dev/pipelines/hello/pipeline.yaml:" in outcome.err


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_not_there_is_exit_4(manifests: Path, command: Command) -> None:
    outcome = command(
        "reconcile", "plan", "--env", "dev", "--host", "http://127.0.0.1:9", "--manifests", manifests
    )
    assert outcome.code == 4
    assert "127.0.0.1:9" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("again", ["pipelines", "absent"])
def test_a_pipeline_that_a_merge_left_twice_is_refused(manifests: Path, again: str) -> None:
    path = manifests / "environment.yaml"
    found = yaml.safe_load(path.read_text("utf-8"))
    (entry,) = found["pipelines"]
    more = {**entry, "commit": "a" * 40} if again == "pipelines" else {"name": "hello", "delete": "pipeline"}
    path.write_text(dump({**found, again: [*found.get(again, []), more]}), "utf-8")
    for read in (desired.load, desired.reviewed):
        with pytest.raises(InputError, match="'hello' stands in it twice"):
            read(manifests, "dev")


def test_a_tombstone_that_adopts_what_another_entry_is_in_kfp_is_refused_whatever_is_selected(
    manifests: Path,
) -> None:
    """Each of two branches was well alone; what is ours is told by its name, and would be deleted as `gone`."""
    path = manifests / "environment.yaml"
    found = yaml.safe_load(path.read_text())
    found["absent"] = [{"name": "gone", "delete": "pipeline", "adopts": {"pipeline": "Hello"}}]
    path.write_text(dump(found))
    for part in (selection.ALL, selection.Selection(globs=("gone",))):
        with pytest.raises(InputError, match="'hello' and 'gone' are both the pipeline 'Hello' of KFP"):
            desired.reviewed(manifests, "dev", None, part)
