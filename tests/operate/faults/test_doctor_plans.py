"""The doctor finds what a plan and status find: nothing is well before an environment that cannot be applied."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Features
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.ownership import Owner
from lost_kit import Kfp, Told
from project import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def doctor(root: Path, command: Run, kfp: Kfp) -> Callable[..., Told]:
    """The checks by name, and its exit code."""

    def run(*more: object) -> Told:
        outcome = command("doctor", "--root", root, "--env", "dev", "--host", kfp.server.url, "--json", *more)
        found: Told = {check["name"]: check for check in json.loads(outcome.out)["checks"]}
        return {**found, "exit": {"status": str(outcome.code)}}

    return run


def _missing(found: Told) -> list[str]:
    return [name for name, check in found.items() if check["status"] == "missing"]


def test_before_and_after_the_first_apply_all_is_well(doctor: Callable[..., Told], reconcile: Run) -> None:
    found = doctor()
    assert (_missing(found), found["exit"]["status"]) == ([], "0")
    assert found["plan"]["found"] == "4 differences that an apply makes good"
    assert reconcile("apply").code == 0
    found = doctor()
    assert (_missing(found), found["exit"]["status"]) == ([], "0")
    assert found["plan"]["found"] == "nothing to do"
    assert {"compiled", "names", "removals", "database", "pause", "schedule controller"} <= set(found)


def test_a_name_that_is_somebody_elses_is_found(
    doctor: Callable[..., Told], reconcile: Run, kfp: Kfp
) -> None:
    kfp.api.create_pipeline("hello", ownership.describe(Owner("another", "prod")))
    assert reconcile("apply").code == 5
    found = doctor()
    assert (_missing(found), found["exit"]["status"]) == (["names"], "1")
    assert "pipeline hello" in found["names"]["found"]
    assert shlex.split(found["names"]["mend"])[1:3] == ["scripts/reconcile.py", "plan"]


def test_a_lost_database_and_a_lost_pause_are_found(
    doctor: Callable[..., Told], reconcile: Run, faults: Callable[..., Told], kfp: Kfp
) -> None:
    assert reconcile("apply").code == 0
    assert reconcile("pause", "--until", "2099-01-01T00:00:00Z", "--by", "kim").code == 0
    kfp.lose()
    found = doctor()
    assert _missing(found) == ["database", "pause"]
    for name, told in faults().items():
        assert found[name]["found"] == told["cause"], "status and doctor say the same"
        assert found[name]["mend"] == told["command"]


def test_an_environment_that_would_stop_everything_is_found(
    doctor: Callable[..., Told], reconcile: Run, root: Path, command: Run
) -> None:
    assert reconcile("apply").code == 0
    values = root / "environments/dev/values.yaml"
    text = values.read_text()
    values.write_text(text[: text.index("  hello:")] + "  hello: null\n")
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    found = doctor()
    assert _missing(found) == ["removals"]
    assert "--allow-empty" in found["removals"]["found"]


def test_what_compiles_to_something_else_than_the_lock_says_is_found(
    doctor: Callable[..., Told], root: Path, reconcile: Run
) -> None:
    """Though the lock fits the files: somebody wrote it by hand, or another version of the compiler made it."""
    lock = root / "manifests/dev/versions.lock.yaml"
    text = lock.read_text()
    digest = text.split("digest: ")[1].split("\n")[0]
    other = "sha256:" + "0" * 64
    lock.write_text(text.replace(digest, other).replace(digest[7:27], "0" * 20))
    assert reconcile("apply").code == 5
    assert _missing(doctor()) == ["compiled"]


@pytest.mark.parametrize("multi_user", [False, True])
def test_a_namespace_that_goes_not_with_the_server(
    doctor: Callable[..., Told], reconcile: Run, root: Path, command: Run, tmp_path: Path, multi_user: bool
) -> None:
    if not multi_user:
        base = root / "environments/base.yaml"
        assert "namespace: ''" in base.read_text()
        base.write_text(base.read_text().replace("namespace: ''", "namespace: team"))
        assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    with DevServer(tmp_path / "other", features=Features(multi_user=multi_user)) as server:
        found = doctor("--host", server.url)
        assert _missing(found) == ["namespace"]
        assert found["plan"]["status"] == "unknown"
        status = reconcile("status", "--json", "--host", server.url)
        planned = reconcile("plan", "--host", server.url)
    assert planned.code == 5
    if multi_user:  # it tells nobody anything
        assert (status.code, "set kfp.namespace" in status.err) == (5, True)
        return
    (fault,) = json.loads(status.out)["faults"]
    assert fault["name"] == "namespace" and fault["cause"] == found["namespace"]["found"]
    assert status.code == 1
