"""`delivery.requirePlan`: the rendered Job carries out the plan that was approved in Git, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import delivered
import pytest
import yaml
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.rendering import planfile
from kubelet import Done, Pod
from locking.fake_leases import FakeLeases
from project import Outcome
from server_kit import FAKE, change
from tools import kustomize_build

# An environment of a lock that is new is installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)

Command = Callable[..., Outcome]
APPROVED = "environments/dev/approved-plan.yaml"
AGAIN = count()


class Delivery:
    """The small repository, whose environment requires a plan, and the cluster that it is delivered to."""

    def __init__(
        self, root: Path, work: Path, command: Command, server: DevServer, cluster: FakeLeases
    ) -> None:
        self.root, self.work, self.command, self.server, self.cluster = root, work, command, server, cluster
        base = root / "environments/base.yaml"
        text = base.read_text("utf-8").replace("enabled: false", "enabled: true")
        text = text.replace("http://ml-pipeline.kubeflow.svc.cluster.local:8888", server.url)
        base.write_text(text.replace("delivery:\n", "delivery:\n  requirePlan: true\n"), "utf-8")
        self.render()

    def render(self) -> None:
        assert self.command("render", "--root", self.root, "--env", "dev", "--lock").code == 0

    def approve(self, *more: object) -> Outcome:
        return self.command("reconcile", "plan", "--root", self.root, "--env", "dev", "--approve", *more)

    def job(self) -> dict[str, Any]:
        objects = kustomize_build(self.root / "manifests/dev")
        (found,) = (item for item in objects if item["kind"] == "Job")
        return found

    def sync(self) -> Done:
        """The Job as Argo CD would run it, whether it is new or was deleted."""
        objects = tuple(kustomize_build(self.root / "manifests/dev"))
        template = dict(delivered.pods(objects))["kfp-gitops-dev"]
        tokens = {"pipelines.kubeflow.org": "any", "": "token-of-kubernetes"}
        return Pod(template, objects, self.work / f"pod{next(AGAIN)}", tokens, self.cluster.stub.url).run()

    def writes(self) -> int:
        return len([request for request in self.server.requests if request.method != "GET"])


@pytest.fixture
def delivery(repository: Path, tmp_path: Path, command: Command) -> Iterator[Delivery]:
    with (
        DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as server,
        (cluster := FakeLeases()).stub,
    ):
        yield Delivery(repository, tmp_path, command, server, cluster)


def test_the_job_does_nothing_until_its_plan_is_merged_and_needs_none_once_it_is_done(
    delivery: Delivery,
) -> None:
    refused = delivery.sync()
    assert (refused.code, delivery.writes()) == (5, 0), refused.err
    assert "no plan was approved, and there is something to do" in refused.err
    assert "python -m kfp_gitops reconcile plan --env dev --approve" in refused.err
    before = delivery.job()["metadata"]["name"]
    port = delivery.server.url.rsplit(":", 1)[1]
    approved = delivery.approve("--host", f"http://localhost:{port}")  # another way to the same KFP
    assert approved.code == 1, approved
    assert (delivery.root / "manifests/dev/approved-plan.yaml").is_file()
    assert delivery.job()["metadata"]["name"] != before, "a plan that is approved is a new Job"
    done = delivery.sync()
    assert done.code == 0, done.err
    again = delivery.sync()  # as self-heal does where somebody deletes the Job
    assert again.code == 0, again.err
    assert "is not needed: there is nothing to do" in again.err


def test_what_moved_since_is_refused_and_the_plan_is_renewed_by_one_command(delivery: Delivery) -> None:
    assert delivery.approve().code == 1
    assert delivery.sync().code == 0
    api = KfpApi(delivery.server.url, "")
    (schedule,) = api.schedules()
    api.disable_schedule(schedule.id)
    before = delivery.writes()
    refused = delivery.sync()
    assert (refused.code, delivery.writes()) == (5, before)
    assert "schedule hello-weekly: " in refused.err and "was approved, now it is plan " in refused.err
    assert delivery.approve().code == 1
    assert delivery.sync().code == 0
    assert [found.enabled for found in api.schedules()] == [True]


def test_other_manifests_need_another_approval(delivery: Delivery) -> None:
    assert delivery.approve().code == 1
    change(delivery.root, 7)
    delivery.render()
    refused = delivery.sync()
    assert (refused.code, delivery.writes()) == (5, 0)
    assert "pipeline hello: wanted." in refused.err and "wanted.version: " in refused.err


def test_the_approval_is_not_among_what_it_approves(delivery: Delivery) -> None:
    """So it can be delivered with what it is about, and a second one is the same."""
    first = delivery.approve().out.splitlines()[-1]
    text = (delivery.root / APPROVED).read_text("utf-8")
    assert delivery.approve().out.splitlines()[-1] == first
    assert (delivery.root / APPROVED).read_text("utf-8") == text
    assert yaml.safe_load(text)["plan"].startswith(first.removeprefix("plan "))
    assert delivery.command("render", "--root", delivery.root, "--env", "dev", "--check").code == 0


def test_where_nothing_is_to_do_nothing_is_written(delivery: Delivery) -> None:
    assert delivery.approve().code == 1
    assert delivery.sync().code == 0
    (delivery.root / APPROVED).unlink()
    outcome = delivery.approve()
    assert (outcome.code, "needs no approved plan" in outcome.err) == (0, True)
    assert not (delivery.root / APPROVED).exists()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("environment dev", "environment prod", "it was changed"),
        ('"pipeline hello"', "pipeline hello", "no line of a plan"),
        ("\n- {", "\n- x{", "holds no plan"),
        ("plan: ", "was: ", "holds no plan"),
    ],
)
def test_an_approval_that_was_edited_does_not_render(
    delivery: Delivery, old: str, new: str, why: str
) -> None:
    assert delivery.approve().code == 1
    path = delivery.root / APPROVED
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    outcome = delivery.command("render", "--root", delivery.root, "--env", "dev")
    assert outcome.code == 2
    assert f"{APPROVED}:" in outcome.err and why in outcome.err


def test_the_approval_of_another_environment_does_not_render(delivery: Delivery) -> None:
    assert delivery.approve().code == 1
    values = delivery.root / "environments/prod/values.yaml"
    (delivery.root / "environments/prod/approved-plan.yaml").write_text(
        (delivery.root / APPROVED).read_text("utf-8"), "utf-8"
    )
    assert values.is_file()
    outcome = delivery.command("render", "--root", delivery.root, "--env", "prod")
    assert (outcome.code, "is the plan of another environment" in outcome.err) == (2, True)


def test_where_it_is_not_required_it_is_not_delivered(delivery: Delivery) -> None:
    assert delivery.approve().code == 1
    base = delivery.root / "environments/base.yaml"
    base.write_text(base.read_text("utf-8").replace("  requirePlan: true\n", ""), "utf-8")
    delivery.render()
    assert not (delivery.root / "manifests/dev/approved-plan.yaml").exists()
    assert "plan" not in " ".join(delivery.job()["spec"]["template"]["spec"]["containers"][0]["args"])
    outcome = delivery.approve()
    assert "set `delivery: {requirePlan: true}`" in outcome.err


def test_templates_that_know_of_no_plan_are_refused(delivery: Delivery) -> None:
    template = delivery.root / "templates/delivery/apply-job.yaml.j2"
    text = template.read_text("utf-8")
    assert "['--require-plan']" in text
    template.write_text(text.replace("['--require-plan']", "[]"), "utf-8")
    outcome = delivery.command("render", "--root", delivery.root, "--env", "dev")
    assert (outcome.code, "the Job demands no approved plan" in outcome.err) == (2, True)


def test_a_plan_that_no_configmap_holds_is_told(delivery: Delivery) -> None:
    objects = {"environment dev": {}, **{f"pipeline p{n}": {"live": ["x" * 1000]} for n in range(1100)}}
    (delivery.root / APPROVED).write_text(planfile.to_yaml(planfile.Basis.of(objects), ()), "utf-8")
    outcome = delivery.command("render", "--root", delivery.root, "--env", "dev")
    assert (outcome.code, "a ConfigMap has at most 1048576" in outcome.err) == (2, True)
