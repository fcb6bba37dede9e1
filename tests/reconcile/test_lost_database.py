"""A KFP that lost its database: no trigger starts again, and an apply is careful until one ran through."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from kfp_gitops.devserver import DevServer, Fault, Faults, Trouble
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import Outcome
from server_kit import FAKE, Command
from team_kit import two_teams


def _with_trigger(repository: Path) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text() + "triggers:\n- name: changed\n  runOn: change\n")


def test_a_lost_database_starts_no_trigger_again(
    repository: Path, command: Command, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    _with_trigger(repository)
    first = reconcile("apply")
    assert "start run hello-changed-" in first.out
    assert "start run" not in reconcile("apply").out
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port) as anew:
        again = reconcile("apply")
        assert again.code == 0
        assert "seems to have lost its database" in again.err
        assert "start run" not in again.out
        assert "create version" in again.out
        assert "start run" not in reconcile("apply").out
        assert not KfpApi(anew.url, "").runs_called_like("hello")
    server.start()


def test_a_lost_database_is_remembered_until_an_apply_has_run_through(
    repository: Path, command: Command, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    """KFP comes back slowly: the first apply registers a part of all, and the second must start nothing either."""
    _with_trigger(repository)
    assert "start run hello-changed-" in reconcile("apply").out
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    upload = Fault("POST", "pipelines/upload_version", Trouble.ANSWER, nth=1, status=400)
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port, faults=Faults(upload)) as anew:
        assert reconcile("apply").code == 4
        assert KfpApi(anew.url, "").pipeline("hello") is not None
        again = reconcile("apply")
        assert again.code == 0
        assert "create version" in again.out
        assert "start run" not in again.out
    server.start()


def test_a_lost_database_is_noticed_where_no_apply_ever_ran_through_whole(
    repository: Path, command: Command, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    _with_trigger(repository)
    server.faults.add(Fault("POST", "recurringruns$", Trouble.ANSWER, nth=0, status=400))
    for _ in range(2):
        assert reconcile("apply").code == 4
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port) as anew:
        assert "start run" not in reconcile("apply").out
        assert not KfpApi(anew.url, "").runs_called_like("hello")
    server.start()


def test_an_apply_that_registered_nothing_makes_no_later_one_believe_in_a_loss(
    reconcile: Callable[..., Outcome], repository: Path
) -> None:
    values = repository / "environments/dev/values.yaml"
    whole = values.read_text()
    _with_trigger(repository)
    values.write_text(_without_hello(whole))
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    values.write_text(whole)
    first = reconcile("apply")
    assert "lost its database" not in first.err
    assert "start run hello-changed-" in first.out


def test_a_pipeline_that_left_the_manifests_is_no_lost_database(
    reconcile: Callable[..., Outcome], repository: Path
) -> None:
    values = repository / "environments/dev/values.yaml"
    whole = values.read_text()
    _with_trigger(repository)
    assert "start run hello-changed-" in reconcile("apply").out
    values.write_text(whole + "    state: absent\n")  # its schedules are deleted, all else stays
    assert reconcile("apply", "dev", "--allow-empty").code == 0
    values.write_text(_without_hello(whole))
    for _ in range(2):
        assert "lost its database" not in reconcile("apply", "dev", "--allow-empty").err


def _without_hello(values: str) -> str:
    return values[: values.index("  hello:")] + "  hello: null\n"


def test_two_repositories_have_a_lock_and_a_memory_each_and_one_has_one(
    repository: Path, command: Command, server: DevServer, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    base = other / "environments/base.yaml"
    base.write_text(base.read_text().replace("id: example-repository", "id: another-repository"))
    for root in (repository, other):
        assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    common = ("--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", "--root", repository, *common).code == 0
    assert len(_locks(tmp_path)) == 1
    found = command("reconcile", "apply", "--root", other, *common)
    assert (found.code, "lost its database" in found.err) == (5, False)  # the names are taken
    assert len(_locks(tmp_path)) == 2
    assert command("reconcile", "disable", "--root", repository, *common).code == 0
    assert len(_locks(tmp_path)) == 2


def _locks(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache/kfp-gitops/locks").glob("*.lock"))


def test_a_lost_database_is_remembered_though_a_part_has_run_through(
    repository: Path, tmp_path: Path, reconcile: Callable[..., Outcome], server: DevServer
) -> None:
    """Of the rest no release is really new either, so the apply of the whole that follows starts nothing."""
    two_teams(repository)
    for name in ("hello", "churn-daily"):
        template = repository / f"templates/pipelines/{name}/pipeline.yaml.j2"
        template.write_text(template.read_text() + "triggers:\n- name: changed\n  runOn: change\n")
    assert "start run hello-changed-" in reconcile("apply").out
    port = int(server.url.rsplit(":", 1)[1])
    server.close()
    with DevServer(tmp_path / "anew", executor=FAKE, grace=0.3, port=port) as anew:
        part = reconcile("apply", "dev", "--select", "team=churn")
        assert "seems to have lost its database" in part.err
        assert "start run" not in part.out
        whole = reconcile("apply")
        assert whole.code == 0
        assert "start run" not in whole.out
        assert not KfpApi(anew.url, "").runs_called_like("changed")
        template.write_text(template.read_text().replace("few", "some"))
        assert "start run churn-daily-changed-" in reconcile("apply").out
    server.start()
