"""No right more than is used: what the reconciler asks is recorded, and compared with what it is granted."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import delivered
import pytest
from delivered import ENVIRONMENTS, Object
from kfp_gitops.devserver.faults import Fault, Faults, Logged, Trouble
from kfp_gitops.devserver.server import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.features import Features
from kfp_gitops.language.manifest import Schedule
from project import Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]
Right = tuple[str, str]
KFP = "pipelines.kubeflow.org"
# KFP's resource for each collection of its API (backend/src/apiserver/common/const.go). Versions have none of their
# own: pipeline_server.go and pipeline_upload_server.go ask for the right on `pipelines`.
RESOURCES = {"pipelines": "pipelines", "experiments": "experiments", "recurringruns": "jobs", "runs": "runs"}
VERBS = {"POST": "create", "DELETE": "delete", "PATCH": "update"}


def right(request: Logged) -> Right | None:
    """The right that KFP checks for a request (the Verb in each *_server.go); None where it checks none."""
    found = re.fullmatch(r"/apis/v2beta1/(\w+)(/.*?)?(?::(\w+))?", request.path)
    if found is None or found[1] not in RESOURCES:
        return None
    collection, rest, custom = found.groups()
    listed = rest is None or rest.endswith("/versions")
    verb = custom or VERBS.get(request.method) or ("list" if listed else "get")
    return RESOURCES[collection], verb


def _rights(requests: Iterable[Logged]) -> set[Right]:
    return {found for request in requests if (found := right(request))}


def granted(objects: Iterable[Object], account: str, group: str) -> set[Right]:
    """(resource, verb) of an API group that the RoleBindings give to a service account."""
    roles = {
        item["roleRef"]["name"]
        for item in objects
        if item["kind"] == "RoleBinding" and account in {subject["name"] for subject in item["subjects"]}
    }
    rules = [
        rule
        for item in objects
        if item["kind"] == "Role" and item["metadata"]["name"] in roles
        for rule in item["rules"]
        if group in rule["apiGroups"]
    ]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock remembers, by the server's address, what was applied; another test's server may have had that port."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", faults=Faults()) as found:
        yield found


class Life:
    """Everything that happens to a pipeline in its life, each step rendered and applied."""

    def __init__(self, repository: Path, command: Command, server: DevServer) -> None:
        self.repository, self.command, self.server = repository, command, server

    def reconcile(self, what: str, *codes: int) -> None:
        assert self.command("render", "--root", self.repository, "--env", "dev", "--lock").code == 0
        arguments = [what, "--root", self.repository, "--env", "dev", "--host", self.server.url]
        outcome = self.command("reconcile", *arguments)
        assert outcome.code in (codes or (0,)), outcome.err

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.repository / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def run(self) -> None:
        base, values = "environments/base.yaml", "environments/dev/values.yaml"
        # Another one that stays: an environment without a pipeline is refused.
        shutil.copytree(
            self.repository / "templates/pipelines/hello", self.repository / "templates/pipelines/stays"
        )
        schedule = "{cron: '0 0 3 * * 1', enabled: false}"
        stays = f"  stays: {{values: {{name: x, threshold: 9, items: [a], schedule: {schedule}}}}}\n"
        self.edit(values, "  hello:\n", f"{stays}  hello:\n")
        self.reconcile("apply")
        self.edit(base, "enabled: false", "enabled: true")
        self.reconcile("apply")
        # A new version, whose release starts a run; the old one is no longer kept.
        template = self.repository / "templates/pipelines/hello/pipeline.yaml.j2"
        trigger = "triggers:\n- {name: on-change, runOn: change}\n"
        template.write_text(template.read_text("utf-8") + trigger, "utf-8")
        self.edit(base, "pipelines:\n", "versions: {keep: 0}\npipelines:\n")
        self.reconcile("apply")
        self.edit(base, "threshold: 3", "threshold: 4")
        self.reconcile("apply")
        self.edit(base, "enabled: true", "enabled: false")
        self.reconcile("apply")
        # Gone by a tombstone, and back: its experiment was archived meanwhile.
        self.edit(values, "  hello:\n", "  hello:\n    state: absent\n    delete: pipeline\n")
        self.reconcile("apply")
        self.edit(values, "    state: absent\n    delete: pipeline\n", "")
        self.reconcile("apply")
        self.reconcile("disable")


def test_apply_is_granted_exactly_what_it_asks_of_kfp(
    repository: Path, command: Command, server: DevServer
) -> None:
    # A reply that is lost makes it look again: those reads are rights, too.
    for written in (
        "/pipelines$",
        "/upload_version",
        "/experiments$",
        "/recurringruns$",
        "/runs$",
        ":archive$",
        ":enable$",
    ):
        server.faults.add(Fault("POST", written, Trouble.DROP_AFTER))
    server.faults.add(Fault("DELETE", "/", Trouble.DROP_AFTER))
    Life(repository, command, server).run()
    asked = _rights(server.faults.requests)
    objects = kustomize_build(repository / "manifests/dev")
    assert granted(objects, "kfp-gitops-dev", KFP) == asked


IR = """
components: {comp-a: {executorLabel: exec-a}}
deploymentSpec: {executors: {exec-a: {container: {image: x, command: [echo]}}}}
pipelineInfo: {name: p}
root: {dag: {tasks: {a: {componentRef: {name: comp-a}, taskInfo: {name: a}}}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""


def somebody_pins_a_version(url: str) -> None:
    api = KfpApi(url, "")
    pipeline = api.create_pipeline("theirs", "")
    api.create_schedule(
        name="by-hand",
        description="",
        pipeline_id=pipeline.id,
        version_id=api.upload_version(pipeline.id, "v", IR, "").id,
        experiment_id=api.create_experiment("theirs", "").id,
        schedule=Schedule("s", "0 0 3 * * 1", None, True, {}, None, None, 1, False, ()),
    )


def _of_a_newer_one(features: Callable[[KfpApi], Features]) -> Callable[[KfpApi], Features]:
    return lambda api: replace(features(api), version="2.99.0")


def test_the_checks_are_granted_exactly_what_they_ask_of_kfp(
    repository: Path, command: Command, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, asked = Life(repository, command, server), []

    def plan(code: int) -> None:
        server.faults.clear()
        life.reconcile("plan", code)
        life.reconcile("status", 0, 1)
        asked.extend(server.faults.requests)

    plan(1)
    life.edit("environments/base.yaml", "enabled: false", "enabled: true")
    life.reconcile("apply")
    plan(0)
    # A schedule that would be replaced, and one that would go: what is in flight is shown.
    life.edit("environments/base.yaml", "threshold: 3", "threshold: 4")
    plan(1)
    life.edit(
        "environments/dev/values.yaml", "  hello:\n", "  hello:\n    state: absent\n    delete: pipeline\n"
    )
    plan(5)
    # After an upgrade: what others pin, and is no version of ours, may be what stopped KFP from compiling anew.
    somebody_pins_a_version(server.url)
    life.edit("environments/dev/values.yaml", "    state: absent\n    delete: pipeline\n", "")
    monkeypatch.setattr(KfpApi, "features", _of_a_newer_one(KfpApi.features))
    plan(1)
    objects = kustomize_build(repository / "manifests/dev")
    assert {request.method for request in asked} == {"GET"}
    assert granted(objects, "kfp-gitops-dev-drift", KFP) == _rights(asked)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_of_kubernetes_only_their_lease_is_granted_and_only_to_what_locks(env: str) -> None:
    objects = delivered.of(env)
    name = f"kfp-gitops-{env}"
    passes = any(
        item["kind"] == "CronJob" and item["metadata"]["name"] == f"{name}-trigger" for item in objects
    )
    assert granted(objects, name, "coordination.k8s.io") == {
        ("leases", verb) for verb in ("create", "get", "update")
    }
    assert granted(objects, f"{name}-drift", "coordination.k8s.io") == set()
    groups = {
        group
        for item in objects
        if item["kind"] == "Role"
        for rule in item["rules"]
        for group in rule["apiGroups"]
    }
    assert groups == {KFP, "coordination.k8s.io"}
    by_name = [
        rule
        for item in objects
        if item["kind"] == "Role"
        for rule in item["rules"]
        if {"get", "update"} & set(rule["verbs"]) and "leases" in rule["resources"]
    ]
    assert [rule["resourceNames"] for rule in by_name] == [
        [name],
        *([[f"{name}-triggers"]] if passes else []),
    ]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_drift_check_has_no_token_of_the_kubernetes_api(env: str) -> None:
    for name, template in delivered.pods(delivered.of(env)):
        audiences = [
            source["serviceAccountToken"].get("audience", "the API's own")
            for volume in template["spec"]["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            if "serviceAccountToken" in source
        ]
        locks = any("--lease=" in argument for argument in template["spec"]["containers"][0]["args"])
        assert audiences == ["pipelines.kubeflow.org", *(["the API's own"] if locks else [])], name
        assert template["spec"]["serviceAccountName"] == name
        assert locks == (name != f"kfp-gitops-{env}-drift")


def test_status_reads_the_lease_and_nothing_else_where_it_tells_anybody(
    repository: Path, command: Command
) -> None:
    """By what the lock keeps it tells a database that was lost; it has the token and the way for that, drift not."""
    base = repository / "environments/base.yaml"
    gateway = (
        "  pushGateway:\n    url: http://push.monitoring.svc:9091\n    namespace: monitoring\n"
        "    podLabels: {app: pushgateway}\n    port: 9091\n"
    )
    base.write_text(base.read_text("utf-8").replace("pipelines:\n", gateway + "pipelines:\n", 1), "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    objects = kustomize_build(repository / "manifests/dev")
    assert granted(objects, "kfp-gitops-dev-drift", "coordination.k8s.io") == {("leases", "get")}
    for name, template in delivered.pods(objects):
        leases = [a for a in template["spec"]["containers"][0]["args"] if a.startswith("--lease=")]
        mounts = [mount["name"] for mount in template["spec"]["containers"][0]["volumeMounts"]]
        looks = not name.endswith("-drift")
        assert (bool(leases), "kubernetes-token" in mounts) == (looks, looks), name
    selected = {
        item["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        for item in objects
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"].startswith("kfp-gitops-dev-lease")
    }
    assert selected == {"apply", "status"}
