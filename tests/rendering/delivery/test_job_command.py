"""The rendered Jobs are run: their own commands, arguments, environment and mounted files, over HTTP."""

from __future__ import annotations

import copy
import http.client
import itertools
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import delivered
import pytest
from delivered import Object
from kfp_gitops.devserver import DevServer, Faults
from kfpapi.stub import Answer, Seen, Stub
from kubelet import Pod
from locking.fake_leases import FakeLeases
from project import PROJECT, Outcome
from servers.prometheus import PushgatewayServer
from tools import kustomize_build

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
AUDIENCE = "pipelines.kubeflow.org"


class Gate:
    """Stands before KFP as its authentication does, and takes one token at a time; each is good for so many requests.

    KFP asks Kubernetes for a TokenReview of the bearer token; what is not valid is 401. Requests come from several
    threads: the next token lies in the file before the last one is refused, and a request that was refused finds the
    token good that it reads then, as tokens live for minutes.
    """

    def __init__(self, kfp: str, uses: int = 10**9) -> None:
        self.kfp, self.uses, self.refused = kfp, uses, 0
        self._numbers = itertools.count(1)
        self._left = uses
        self._lock, self._again = threading.Lock(), Counter[tuple[str, str]]()
        self.token = self._next()
        self.rotate: Callable[[str], None] = lambda token: None
        self.stub = Stub(self._answer)

    def _next(self) -> str:
        return f"projected-token-{next(self._numbers)}"

    def _answer(self, request: Seen) -> Answer:
        with self._lock:
            if not self._takes(request):
                return Answer(401, b'{"code":16,"message":"Request header error: token is not valid"}')
        return _forward(self.kfp, request)

    def _takes(self, request: Seen) -> bool:
        what = (request.method, request.path)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self.refused += 1
            self._again[what] += 1
            return False
        self._left -= 1
        self._again -= Counter([what])
        if self._left <= 0 and not self._again:
            following = self._next()
            self.rotate(following)
            self.token, self._left = following, self.uses
        return True


def _forward(kfp: str, request: Seen) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(kfp).netloc, timeout=30)
    headers = {
        k: v for k, v in request.headers.items() if k not in ("host", "connection", "transfer-encoding")
    }
    connection.request(request.method, request.path, request.body, headers)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return Answer(reply.status, body, reply.headers.get("Content-Type", ""))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def cluster() -> Iterator[FakeLeases]:
    with (found := FakeLeases()).stub:
        yield found


@pytest.fixture
def build(repository: Path, command: Command) -> Callable[..., tuple[Object, ...]]:
    """`build(kfp, more)`: the small repository whose KFP is at a URL, rendered and built by kustomize.

    `more` goes into the section `delivery` of its base.yaml.
    """

    def run(kfp: str, more: str = "") -> tuple[Object, ...]:
        base = repository / "environments/base.yaml"
        text = base.read_text("utf-8").replace("enabled: false", "enabled: true")
        text = text.replace("pipelines:\n", f"{more}pipelines:\n", 1)
        host = text.split("host: ")[1].split("\n")[0]
        base.write_text(text.replace(host, kfp), "utf-8")
        assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
        return tuple(kustomize_build(repository / "manifests/dev"))

    return run


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

        pod.gate, pod.of = gate, of  # type: ignore[attr-defined]
        yield pod


def test_the_rendered_job_applies_and_the_rendered_drift_check_then_finds_nothing(
    pods: Callable[..., Pod], server: DevServer, cluster: FakeLeases
) -> None:
    before = pods("kfp-gitops-dev-drift").run()
    assert before.code == 1, before.err
    applied = pods("kfp-gitops-dev").run()
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
        item
        for item in pod.objects
        if item["kind"] == "ConfigMap" and "environment" in item["metadata"]["name"]
    )
    data["data"]["environment.yaml"] = data["data"]["environment.yaml"].replace(
        "environment: dev", "environment: ["
    )
    pod.update(pod.objects)
    refused = pod.run()
    assert refused.code == 2
    assert refused.err.startswith("desired/environment.yaml:") and "..2" not in refused.err


def test_a_token_that_rotates_in_the_middle_is_read_again(
    pods: Callable[..., Pod], server: DevServer
) -> None:
    applied = pods("kfp-gitops-dev", uses=2).run()
    assert applied.code == 0, applied.err
    gate: Gate = pods.gate  # type: ignore[attr-defined]
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
    objects, disable = _rendered_again(repository, command)
    assert not [item for item in objects if item["kind"] == "CronJob"], "nothing is as its manifests say"
    for number in range(2):
        done = pods.of(disable, objects, tmp_path / f"disable{number}").run()  # type: ignore[attr-defined]
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
    objects, apply = _rendered_again(repository, command)
    assert pods.of(apply, objects, tmp_path / "apply").run().code == 0  # type: ignore[attr-defined]
    assert [run["status"] for run in _recurring_runs(server)] == ["ENABLED"]


def _rendered_again(repository: Path, command: Command) -> tuple[tuple[Object, ...], Object]:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    objects = tuple(kustomize_build(repository / "manifests/dev"))
    return objects, dict(delivered.pods(objects))["kfp-gitops-dev"]


@pytest.fixture
def push_gateway() -> Iterator[Stub]:
    """A Pushgateway that takes whatever it is told, and keeps it."""
    with Stub(lambda _: Answer(202)) as found:
        yield found


@pytest.fixture
def telling(
    tmp_path: Path,
    server: DevServer,
    cluster: FakeLeases,
    push_gateway: Stub,
    build: Callable[..., tuple[Object, ...]],
) -> Callable[[str], Pod]:
    """`telling(name)`: a pod of the rendered manifests, which tells the Pushgateway."""
    return _telling(tmp_path, server, cluster, build, push_gateway.url)


def _telling(
    tmp_path: Path, server: DevServer, cluster: FakeLeases, build: Callable[..., tuple[Object, ...]], url: str
) -> Callable[[str], Pod]:
    where = f"{{url: '{url}', namespace: monitoring, podLabels: {{app: gateway}}, port: 9091}}"
    objects = build(server.url, f"  pushGateway: {where}\n")
    templates = dict(delivered.pods(objects))
    tokens = {AUDIENCE: "any", "": "token-of-kubernetes"}

    def pod(name: str) -> Pod:
        return Pod(templates[name], objects, tmp_path / name, tokens, cluster.stub.url)

    pod.names = list(templates)  # type: ignore[attr-defined]
    return pod


def test_apply_and_both_checks_tell_the_pushgateway(
    push_gateway: Stub, telling: Callable[[str], Pod]
) -> None:
    for name in ("kfp-gitops-dev", "kfp-gitops-dev-drift", "kfp-gitops-dev-status"):
        before = len(push_gateway.seen)
        done = telling(name).run()
        assert done.code == 0, done.err
        assert len(push_gateway.seen) > before, f"{name} told nothing"
    assert {seen.path.split("/")[1] for seen in push_gateway.seen} == {"metrics"}
    told = b"".join(seen.body for seen in push_gateway.seen)
    assert b"kfp_gitops_missed_firings" in told and b"kfp_gitops_last_run_failed" in told


def _every_command(telling: Callable[[str], Pod]) -> None:
    """Of every Job and CronJob, in the order in which they do their work."""
    named = {name.removeprefix("kfp-gitops-dev"): name for name in telling.names}  # type: ignore[attr-defined]
    assert set(named) == {"", "-drift", "-status"}
    for suffix in ("", "-drift", "-status"):
        done = telling(named[suffix]).run()
        assert done.code == 0, done.err
        assert "could not be pushed" not in done.err, done.err


def test_every_rendered_command_runs_in_the_image_and_tells_a_pushgateway(
    push_gateway: Stub, telling: Callable[[str], Pod]
) -> None:
    _every_command(telling)
    told = {found[1] for seen in push_gateway.seen if (found := re.search(r"/command/([a-z]+)", seen.path))}
    assert {"apply", "plan", "status"} <= told


def test_a_disabled_environment_takes_back_what_its_checks_told(
    push_gateway: Stub, repository: Path, telling: Callable[[str], Pod], tmp_path: Path, command: Command
) -> None:
    """Else what was found last would be an alarm for ever, and that no check runs another one."""
    apply = telling("kfp-gitops-dev")
    assert apply.run().code == 0
    values = repository / "environments/dev/values.yaml"
    values.write_text(f"state: disabled\n{values.read_text('utf-8')}", "utf-8")
    objects, disable = _rendered_again(repository, command)
    done = Pod(disable, objects, tmp_path / "disable", apply.tokens, apply.kubernetes).run()
    assert done.code == 0, done.err
    deleted = [seen.path for seen in push_gateway.seen if seen.method == "DELETE"]
    assert {path.split("/command/")[1] for path in deleted} == {
        f"{what}/environment/dev" for what in ("plan", "status", "apply")
    }


def test_every_rendered_command_tells_a_real_pushgateway(
    tmp_path: Path, server: DevServer, cluster: FakeLeases, build: Callable[..., tuple[Object, ...]]
) -> None:
    gateway = PushgatewayServer(tmp_path / "pushgateway")
    gateway.start()
    try:
        _every_command(_telling(tmp_path, server, cluster, build, gateway.url))
        with urlopen(f"{gateway.url}/metrics") as reply:
            kept = reply.read().decode()
    finally:
        gateway.kill()
    for command in ("apply", "plan", "status"):
        assert re.search(rf'kfp_gitops_exit_code{{[^}}]*command="{command}"[^}}]*}} 0', kept), kept[:2000]


def test_an_unhealthy_environment_is_prometheus_alarm_and_no_failed_check(
    push_gateway: Stub, telling: Callable[[str], Pod]
) -> None:
    nothing_applied = telling("kfp-gitops-dev-status").run()
    assert nothing_applied.code == 0, nothing_applied.err
    assert b"kfp_gitops_drift_objects" in b"".join(seen.body for seen in push_gateway.seen)


def test_without_a_pushgateway_nobody_would_hear_the_status_check(
    server: DevServer, build: Callable[..., tuple[Object, ...]]
) -> None:
    assert not [name for name, _ in delivered.pods(build(server.url, "")) if name.endswith("-status")]


def _recurring_runs(server: DevServer) -> list[Object]:
    with urlopen(f"{server.url}/apis/v2beta1/recurringruns") as reply:
        return list(json.load(reply).get("recurringRuns") or [])


def _versions(server: DevServer) -> Iterator[Object]:
    with urlopen(f"{server.url}/apis/v2beta1/pipelines") as reply:
        pipelines = json.load(reply)["pipelines"]
    for pipeline in pipelines:
        with urlopen(f"{server.url}/apis/v2beta1/pipelines/{pipeline['pipeline_id']}/versions") as reply:
            yield from json.load(reply)["pipeline_versions"]
