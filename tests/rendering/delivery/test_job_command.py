"""The rendered Jobs are run: their own commands, arguments, environment and mounted files, over HTTP."""

from __future__ import annotations

import copy
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import delivered
import pytest
from delivered import Object
from job_kit import AUDIENCE, Command, Gate, rendered_again
from kfp_gitops.devserver import DevServer
from kubelet import Pod
from locking.fake_leases import FakeLeases
from tools import kustomize_build

# An environment of a lock that is new is installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def pods(
    tmp_path: Path, server: DevServer, cluster: FakeLeases, build: Callable[..., tuple[Object, ...]]
) -> Iterator[Callable[..., Pod]]:
    """`pods(name, uses)`: a pod of the rendered manifests, whose KFP takes each token for so many requests."""
    with (gate := Gate(server.url)).stub:
        objects = build(gate.stub.url)
        templates = dict(delivered.pods(objects))
        numbers = itertools.count()

        def pod(name: str, uses: int = 10**9) -> Pod:
            gate.uses = gate._left = uses
            tokens = {AUDIENCE: gate.token, "": "token-of-kubernetes"}
            found = Pod(templates[name], objects, tmp_path / f"pod{next(numbers)}", tokens, cluster.stub.url)
            gate.rotate = lambda token: found.rotate(AUDIENCE, token)
            return found

        def of(template: Object, objects: tuple[Object, ...], root: Path) -> Pod:
            return Pod(
                template, objects, root, {AUDIENCE: gate.token, "": "token-of-kubernetes"}, cluster.stub.url
            )

        pod.gate, pod.of = gate, of  # type: ignore[attr-defined]  # two more things that tests ask for
        yield pod


def test_the_rendered_job_applies_and_the_rendered_drift_check_then_finds_nothing(
    pods: Callable[..., Pod], server: DevServer, cluster: FakeLeases
) -> None:
    before = pods("kfp-gitops-dev-drift").run(anew=True)
    assert before.code == 1, before.err
    applied = pods("kfp-gitops-dev").run(anew=True)
    assert applied.code == 0, applied.err
    assert list(cluster.leases) == [("kubeflow", "kfp-gitops-dev")]
    assert {seen.headers["authorization"] for seen in cluster.stub.seen} == {"Bearer token-of-kubernetes"}
    assert json.loads(applied.message), "the pod's last words, which kubectl and Argo CD show"
    assert len(applied.message.encode()) <= 4096
    after = pods("kfp-gitops-dev-drift").run()
    assert after.code == 0, after.err


def test_the_files_are_the_links_that_a_kubelet_makes(pods: Callable[..., Pod]) -> None:
    found = pods("kfp-gitops-dev")
    desired = found.mounts["/desired"]
    assert (desired / "pipelines").is_symlink() and (desired / "environment.yaml").is_symlink()
    assert (found.mounts["/var/run/secrets/kubeflow/pipelines"] / "token").is_symlink()


def test_the_job_reads_while_the_kubelet_writes(pods: Callable[..., Pod]) -> None:
    pod, stop = pods("kfp-gitops-dev"), threading.Event()

    def update() -> None:
        while not stop.wait(0.02):
            pod.update(pod.objects)

    kubelet = threading.Thread(target=update)
    kubelet.start()
    try:
        applied = pod.run()
    finally:
        stop.set()
        kubelet.join()
    assert applied.code == 0, applied.err


def test_messages_of_a_job_name_the_file_as_it_was_mounted(pods: Callable[..., Pod]) -> None:
    pod = pods("kfp-gitops-dev")
    (data,) = (
        item for item in pod.objects if item["kind"] == "ConfigMap" and "environment.yaml" in item["data"]
    )
    data["data"]["environment.yaml"] = data["data"]["environment.yaml"].replace(
        "environment: dev", "environment: ["
    )
    pod.update(pod.objects)
    refused = pod.run()
    assert refused.code == 2
    place = Path(refused.err.partition(":")[0])
    assert place.is_file() and place.parts[-2:] == ("desired", "environment.yaml"), refused.err
    assert "..2" not in refused.err


def test_a_token_that_rotates_in_the_middle_is_read_again(
    pods: Callable[..., Pod], server: DevServer
) -> None:
    applied = pods("kfp-gitops-dev", uses=2).run()
    assert applied.code == 0, applied.err
    gate: Gate = pods.gate  # type: ignore[attr-defined]  # as `pods` gives it
    assert gate.token != "projected-token-1"
    assert pods("kfp-gitops-dev-drift", uses=1).run().code == 0
    assert "projected-token" not in applied.out + applied.err + applied.message


@pytest.mark.parametrize("promoted_at", ["a1" * 20, f"{'a1' * 20}+changes"])
def test_a_job_registers_the_commit_whose_sources_were_promoted(
    tmp_path: Path,
    cluster: FakeLeases,
    server: DevServer,
    repository: Path,
    command: Command,
    promoted_at: str,
) -> None:
    """It has no git, and what is rendered cannot know its own commit."""
    release = repository / "environments/prod/release.yaml"
    text = release.read_text("utf-8")
    release.write_text(
        text.replace("    from: dev\n", f"    from: dev\n    commit: {promoted_at}\n"), "utf-8"
    )
    assert command("render", "--root", repository, "--env", "prod", "--lock").code == 0
    objects = tuple(kustomize_build(repository / "manifests/prod"))
    template = copy.deepcopy(dict(delivered.pods(objects))["kfp-gitops-prod"])
    template["spec"]["containers"][0]["args"].append(f"--host={server.url}")
    tokens = {AUDIENCE: "any", "": "token-of-kubernetes"}
    done = Pod(template, objects, tmp_path / "pod", tokens, cluster.stub.url).run()
    assert done.code == 0, done.err
    registered = [version["description"] for version in _versions(server)]
    assert registered and all(f"commit={promoted_at}" in text.split() for text in registered)


def test_a_token_that_is_not_valid_fails_the_job_without_showing_it(pods: Callable[..., Pod]) -> None:
    pod = pods("kfp-gitops-dev")
    pod.rotate(AUDIENCE, "a-stolen-token")
    refused = pod.run()
    assert refused.code == 4
    assert "Traceback" not in refused.err
    assert "a-stolen-token" not in refused.out + refused.err + refused.message


def test_a_disabled_environment_has_its_schedules_there_and_turned_off(
    pods: Callable[..., Pod], server: DevServer, repository: Path, command: Command, tmp_path: Path
) -> None:
    """Turned off as often as it is delivered, and on again by taking the statement back."""
    assert pods("kfp-gitops-dev").run().code == 0
    assert [run["status"] for run in _recurring_runs(server)] == ["ENABLED"]
    values = repository / "environments/dev/values.yaml"
    text = values.read_text("utf-8")
    values.write_text(f"state: disabled\n{text}", "utf-8")
    objects, disable = rendered_again(repository, command)
    assert not [item for item in objects if item["kind"] == "CronJob"], "nothing is as its manifests say"
    for number in range(2):
        pod = pods.of(disable, objects, tmp_path / f"disable{number}")  # type: ignore[attr-defined]  # as `pods` gives it
        done = pod.run()
        assert done.code == 0, done.err
        assert [run["status"] for run in _recurring_runs(server)] == ["DISABLED"]
    by_hand = ("--root", repository, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *by_hand).code == 0
    assert {run["status"] for run in _recurring_runs(server)} == {"DISABLED"}, "an apply by hand keeps to it"
    plan = command("reconcile", "plan", *by_hand)
    assert plan.code == 0
    assert "note: dev is turned off (`state: disabled`): no schedule is on" in plan.out
    assert "9999" not in plan.out
    values.write_text(text, "utf-8")
    objects, apply = rendered_again(repository, command)
    pod = pods.of(apply, objects, tmp_path / "apply")  # type: ignore[attr-defined]  # as `pods` gives it
    assert pod.run().code == 0
    assert [run["status"] for run in _recurring_runs(server)] == ["ENABLED"]


def _recurring_runs(server: DevServer) -> list[Object]:
    with urlopen(f"{server.url}/apis/v2beta1/recurringruns") as reply:
        return list(json.load(reply).get("recurringRuns") or [])


def _versions(server: DevServer) -> Iterator[Object]:
    with urlopen(f"{server.url}/apis/v2beta1/pipelines") as reply:
        pipelines = json.load(reply)["pipelines"]
    for pipeline in pipelines:
        with urlopen(f"{server.url}/apis/v2beta1/pipelines/{pipeline['pipeline_id']}/versions") as reply:
            yield from json.load(reply)["pipeline_versions"]
