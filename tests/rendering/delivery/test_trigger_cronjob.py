"""The CronJob of triggers: delivered where something waits for it, with no more rights and ways than it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import delivered
import kubernetes_validate
import pytest
from delivered import Object
from job_kit import Command
from kfp_gitops.rendering import passes
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import environment
from test_delivery_schemas import VERSIONS, _empty, _left_to_the_server
from test_minimal_rights import KFP, granted
from test_network import API, DNS, LEASE, _egress
from tools import kustomize_build

Build = Callable[..., tuple[Object, ...]]
HOST = "http://ml-pipeline.kubeflow.svc:8888"
AFTER = "- {name: after, runOn: {pipeline: stays}}\n"
NEWS = "- {name: news, runOn: {data: {uri: 's3://lake/usage/', changes: newest-key}}}\n"
DATA = """  data:
    env:
      AWS_ENDPOINT_URL_S3: http://minio.lake.svc:9000
      AWS_ACCESS_KEY_ID: {secret: lake, key: accesskey}
    network: {namespace: lake, podLabels: {app: minio}, port: 9000}
"""
TRIGGER = "kfp-gitops-dev-trigger"


@pytest.fixture
def waits(repository: Path) -> Callable[[str], None]:
    """`waits(triggers)`: hello has these triggers, and beside it there is another pipeline, `stays`."""

    def write(triggers: str) -> None:
        folder = repository / "templates/pipelines"
        stays = folder / "stays"
        stays.mkdir()
        for file in (folder / "hello").iterdir():
            (stays / file.name).write_bytes(file.read_bytes())
        values = repository / "environments/dev/values.yaml"
        schedule = "{cron: '0 0 3 * * 1', enabled: false}"
        of_stays = f"  stays: {{values: {{name: x, threshold: 9, items: [a], schedule: {schedule}}}}}\n"
        values.write_text(values.read_text("utf-8").replace("  hello:\n", f"{of_stays}  hello:\n"), "utf-8")
        template = folder / "hello/pipeline.yaml.j2"
        template.write_text(f"{template.read_text('utf-8').rstrip()}\ntriggers:\n{triggers}", "utf-8")

    return write


def _pods(objects: tuple[Object, ...]) -> dict[str, Object]:
    return dict(delivered.pods(objects))


def test_without_a_trigger_nothing_of_it_is_delivered(build: Build) -> None:
    objects = build(HOST, DATA)
    assert not any("trigger" in item["metadata"]["name"] for item in objects)
    assert all("lake" not in str(item) for item in objects)


def test_what_no_pass_looks_after_delivers_none(build: Build, waits: Callable[[str], None]) -> None:
    waits("- {name: x, runOn: change}\n")
    assert not any("trigger" in item["metadata"]["name"] for item in build(HOST))


def test_one_pass_a_minute_never_two_at_once_and_none_goes_on_for_ever(
    build: Build, waits: Callable[[str], None]
) -> None:
    waits(AFTER + NEWS)
    objects = build(HOST, DATA)
    cronjob = delivered.one(objects, "CronJob", TRIGGER)
    assert cronjob["metadata"]["annotations"] == {
        "argocd.argoproj.io/sync-wave": "20",
        "kfp-gitops/for": "hello/after, hello/news",
    }
    spec = cronjob["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("* * * * *", "Forbid")
    job = spec["jobTemplate"]["spec"]
    assert (job["activeDeadlineSeconds"], job["backoffLimit"], spec["startingDeadlineSeconds"]) == (
        300,
        0,
        60,
    )
    (container,) = job["template"]["spec"]["containers"]
    assert container["args"] == [
        "trigger",
        "--env=dev",
        "--manifests=/desired",
        "--lease=kubeflow/kfp-gitops-dev-triggers",
        "--termination-log=/dev/termination-log",
        "--patience=30",
    ]
    desired = delivered.mounted(job["template"]["spec"], objects)
    assert desired == delivered.mounted(_pods(objects)["kfp-gitops-dev"]["spec"], objects)


def test_it_comes_as_often_as_is_said(build: Build, waits: Callable[[str], None]) -> None:
    waits(AFTER)
    objects = build(HOST, "  triggerSchedule: '*/5 6-20 * * 1-5'\n")
    assert delivered.one(objects, "CronJob", TRIGGER)["spec"]["schedule"] == "*/5 6-20 * * 1-5"


def test_it_starts_runs_and_takes_its_own_lease_and_nothing_else(
    build: Build, waits: Callable[[str], None]
) -> None:
    waits(AFTER)
    objects = build(HOST)
    assert {verb for _, verb in granted(objects, TRIGGER, KFP)} <= {"get", "list", "create", "unarchive"}
    assert {resource for resource, verb in granted(objects, TRIGGER, KFP) if verb == "create"} == {
        "runs",
        "experiments",
    }
    rules = {
        item["metadata"]["name"]: item["rules"]
        for item in objects
        if item["kind"] == "Role" and item["metadata"]["name"].endswith("lease")
    }
    for role, lease in (("kfp-gitops-dev-lease", "kfp-gitops-dev"), (f"{TRIGGER}-lease", f"{TRIGGER}s")):
        assert [(rule["verbs"], rule.get("resourceNames")) for rule in rules[role]] == [
            (["create"], None),
            (["get", "update"], [lease]),
        ]
    assert granted(objects, TRIGGER, "coordination.k8s.io") == {
        ("leases", verb) for verb in ("create", "get", "update")
    }
    pod = _pods(objects)[TRIGGER]
    assert pod["spec"]["serviceAccountName"] == TRIGGER
    assert _egress(objects, pod["metadata"]["labels"]) == DNS | API | LEASE


def test_only_its_pod_has_the_keys_of_data_and_reaches_them(
    build: Build, waits: Callable[[str], None]
) -> None:
    waits(NEWS)
    objects = build(HOST, DATA)
    for name, template in _pods(objects).items():
        reaches = "lake/app=minio TCP 9000" in _egress(objects, template["metadata"]["labels"])
        names = {variable["name"] for variable in template["spec"]["containers"][0]["env"]}
        assert reaches == ("AWS_ACCESS_KEY_ID" in names) == (name == TRIGGER), name


def test_a_trigger_after_a_run_has_no_keys_of_data(build: Build, waits: Callable[[str], None]) -> None:
    waits(AFTER)
    pod = _pods(objects := build(HOST, DATA))[TRIGGER]
    assert "lake" not in str(pod)
    assert "lake/app=minio TCP 9000" not in _egress(objects, pod["metadata"]["labels"])


def test_a_role_of_aws_is_given_to_its_account_alone(build: Build, waits: Callable[[str], None]) -> None:
    waits(NEWS)
    role = "arn:aws:iam::123456789012:role/lake"
    objects = build(HOST, f"  data: {{role: '{role}'}}\n")
    accounts = {
        item["metadata"]["name"]: item["metadata"].get("annotations", {}).get("eks.amazonaws.com/role-arn")
        for item in objects
        if item["kind"] == "ServiceAccount"
    }
    assert accounts == {"kfp-gitops-dev": None, "kfp-gitops-dev-drift": None, TRIGGER: role}
    pod = _pods(objects)[TRIGGER]
    assert "0.0.0.0/0 TCP 443" in _egress(objects, pod["metadata"]["labels"])


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_delivered_is_valid_and_leaves_nothing_to_defaults(
    build: Build, waits: Callable[[str], None], version: str
) -> None:
    waits(AFTER + NEWS)
    for item in build(HOST, DATA):
        kubernetes_validate.validate(item, version, strict=True)
        assert list(_left_to_the_server(item)) == list(_empty(item)) == []


OUTPUT = "- {name: after, runOn: {pipeline: stays}, parameters: {threshold: {output: count.words}}}\n"
OFF = "- {name: rests, runOn: {pipeline: stays}, enabled: false}\n"
GATEWAY = "  pushGateway: {url: 'http://push.m.svc:9091', namespace: m, podLabels: {app: push}, port: 9091}\n"


@pytest.fixture
def turned_off(repository: Path) -> Callable[[], None]:
    def write() -> None:
        values = repository / "environments/dev/values.yaml"
        values.write_text(f"state: disabled\n{values.read_text('utf-8')}", "utf-8")

    return write


def test_a_disabled_environment_has_it_to_be_seen_as_off_and_it_may_start_nothing(
    build: Build, waits: Callable[[str], None], repository: Path, turned_off: Callable[[], None]
) -> None:
    waits(OUTPUT + OFF)
    turned_off()
    _hosted(repository, "  metadata: http://metadata-envoy-service.kubeflow.svc:9090\n")
    objects = build(HOST)
    cronjob = delivered.one(objects, "CronJob", TRIGGER)
    assert cronjob["metadata"]["annotations"]["kfp-gitops/for"] == "hello/after (off), hello/rests (off)"
    assert granted(objects, TRIGGER, KFP) == {
        *(("pipelines", verb) for verb in ("get", "list")),
        *(("experiments", verb) for verb in ("list", "create", "unarchive")),
        ("runs", "list"),
    }
    pods = _pods(objects)
    assert set(pods) == {"kfp-gitops-dev", TRIGGER}
    assert _egress(objects, pods[TRIGGER]["metadata"]["labels"]) == DNS | API | LEASE
    assert "pipelines/hello/pipeline.yaml" in delivered.mounted(pods[TRIGGER]["spec"], objects)


def test_a_disabled_environment_looks_at_data_and_tells_prometheus_nothing(
    build: Build, waits: Callable[[str], None], turned_off: Callable[[], None]
) -> None:
    waits(NEWS)
    on = _pods(build(HOST, GATEWAY + DATA))[TRIGGER]["spec"]["containers"][0]["args"]
    turned_off()
    pod = _pods(objects := build(HOST))[TRIGGER]
    assert "lake/app=minio TCP 9000" in _egress(objects, pod["metadata"]["labels"])
    (container,) = pod["spec"]["containers"]
    assert "AWS_ACCESS_KEY_ID" in {variable["name"] for variable in container["env"]}
    assert [*container["args"], "--push-gateway=http://push.m.svc:9091", "--period=60"] == on


def test_a_disabled_environment_takes_previews_down_and_has_no_pass_for_backfills_or_tombstones(
    build: Build, repository: Path, turned_off: Callable[[], None]
) -> None:
    backfill = repository / "environments/dev/backfills/mondays.yaml"
    backfill.parent.mkdir()
    backfill.write_text(
        "{pipeline: hello, from: '2026-02-01', to: '2026-02-10', tickParameter: name, reason: wrong prices}\n"
    )
    turned_off()
    objects = build(HOST)
    assert TRIGGER not in _pods(objects)
    values = repository / "environments/dev/values.yaml"
    values.write_text(f"asides: allowed\n{values.read_text('utf-8')}", "utf-8")
    objects = build(HOST)
    cronjob = delivered.one(objects, "CronJob", TRIGGER)
    assert cronjob["metadata"]["annotations"]["kfp-gitops/for"] == "asides"
    assert {("runs", "delete"), ("pipelines", "delete")} <= granted(objects, TRIGGER, KFP)
    assert ("experiments", "archive") not in granted(objects, TRIGGER, KFP)


def test_a_pipeline_that_is_absent_has_no_pass(
    build: Build, waits: Callable[[str], None], repository: Path
) -> None:
    waits(AFTER)
    values = repository / "environments/dev/values.yaml"
    text = values.read_text("utf-8")
    values.write_text(f"{text[: text.index('  hello:')]}  hello: {{state: absent}}\n", "utf-8")
    assert TRIGGER not in _pods(build(HOST))


def _hosted(repository: Path, more: str) -> None:
    """`more` goes into the section `kfp`, which stands before `delivery`."""
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text("utf-8").replace("delivery:\n", f"{more}delivery:\n", 1), "utf-8")


@pytest.mark.parametrize(
    ("url", "more", "peer"),
    [
        (
            "http://metadata-envoy-service.kubeflow.svc.cluster.local:9090",
            "",
            "kubeflow/component=metadata-envoy TCP 9090",
        ),
        ("http://ml-pipeline-ui.kubeflow.svc", "", "kubeflow/app=ml-pipeline-ui TCP 3000"),
        (
            "https://kfp.example.com",
            "  network: {metadata: {cidr: 192.0.2.0/24, port: 443}}\n",
            "192.0.2.0/24 TCP 443",
        ),
        (HOST, "", ""),
    ],
)
def test_where_outputs_are_handed_on_the_metadata_store_is_reached(
    build: Build, waits: Callable[[str], None], repository: Path, url: str, more: str, peer: str
) -> None:
    waits(OUTPUT)
    _hosted(repository, f"  metadata: {url}\n")
    pods = _pods(objects := build(HOST, more))
    usual = DNS | API | LEASE
    assert _egress(objects, pods[TRIGGER]["metadata"]["labels"]) - usual == ({peer} if peer else set())
    assert _egress(objects, pods["kfp-gitops-dev"]["metadata"]["labels"]) == usual


def test_where_none_are_handed_on_it_is_not_reached(
    build: Build, waits: Callable[[str], None], repository: Path
) -> None:
    waits(AFTER)
    _hosted(repository, "  metadata: http://metadata-envoy-service.kubeflow.svc:9090\n")
    pod = _pods(objects := build(HOST))[TRIGGER]
    assert _egress(objects, pod["metadata"]["labels"]) == DNS | API | LEASE


def test_outputs_that_nobody_can_read_are_warned_of(
    repository: Path, waits: Callable[[str], None], command: Command
) -> None:
    waits(OUTPUT)
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 0
    assert (
        "trigger 'after' of hello hands on outputs of runs, and nothing says where they are read"
        in outcome.err
    )
    assert "set kfp.metadata, such as" in outcome.err


def _refused(repository: Path, command: Command) -> str:
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    return outcome.err


def test_data_that_nobody_can_reach_are_refused(
    repository: Path, waits: Callable[[str], None], command: Command
) -> None:
    waits(NEWS)
    said = _refused(repository, command)
    assert "environments/base.yaml:9:3: trigger 'news' of hello looks at data" in said
    assert "set delivery.data: {env: …, network: …}, or {} for AWS with the pod's own role" in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("data: {env: {AWS_ENDPOINT_URL_S3: 'http://minio.lake.svc:9000'}}", "a Service of namespace lake"),
        ("data: {env: {AWS_ENDPOINT_URL_S3: 'https://s3.example.com:9000'}}", "its endpoint has port 9000"),
        ("data: {env: {SECRET: x}}", "delivery.data.env"),
        ("network: {metadata: {cidr: 192.0.2.0/24}}", "delivery.network.metadata"),
        ("triggerSchedule: '0 0 30 2 *'", "never comes; name a day that exists"),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(
    repository: Path, command: Command, more: str, says: str
) -> None:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text("utf-8").replace("pipelines:\n", f"  {more}\npipelines:\n", 1), "utf-8")
    said = _refused(repository, command)
    assert "environments/base.yaml:10:" in said
    assert says in said


def test_templates_that_know_no_triggers_are_refused_where_there_are_some(
    repository: Path, waits: Callable[[str], None], command: Command
) -> None:
    waits(AFTER)
    (repository / "templates/delivery/trigger-cronjob.yaml.j2").unlink()
    said = _refused(repository, command)
    assert "templates/delivery/trigger-cronjob.yaml.j2:1:1: no CronJob starts what triggers are owed" in said
    assert "there is hello/after; take templates/delivery/ of this version: docs/upgrade.md" in said


def _pipeline(name: str, triggers: str) -> RenderedPipeline:
    return RenderedPipeline(name, "", f"apiVersion: x\ntriggers:\n{triggers}", {})


def test_of_many_triggers_the_first_are_named(repository: Path) -> None:
    env = environment.load(repository, "dev")
    many = [_pipeline(f"p{number}", AFTER if number % 2 else NEWS) for number in range(5)]
    found = passes.found(repository, env, many)
    assert found.reason == "p0/news, p1/after, p2/news, 2 more"
    off = _pipeline("p", AFTER.replace("}}", "}, enabled: false}"))
    found = passes.found(repository, env, [off])
    assert (found.reason, found.after_runs) == ("p/after (off)", ()), "a pass sees until when it was off"


def test_where_previews_or_asides_end_a_pass_takes_them_down(
    build: Build, repository: Path, command: Command
) -> None:
    (repository / "environments/preview").mkdir()
    (repository / "environments/preview/values.yaml").write_text("previewOf: dev\n", "utf-8")
    objects = build(HOST, "")
    cronjob = delivered.one(objects, "CronJob", TRIGGER)
    assert cronjob["metadata"]["annotations"]["kfp-gitops/for"] == "previews"
    deleted = {resource for resource, verb in granted(objects, TRIGGER, KFP) if verb == "delete"}
    assert deleted == {"pipelines", "experiments", "jobs", "runs"}
    values = repository / "environments/dev/values.yaml"
    values.write_text(f"asides: allowed\n{values.read_text('utf-8')}", "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    objects = tuple(kustomize_build(repository / "manifests/dev"))
    cronjob = delivered.one(objects, "CronJob", TRIGGER)
    assert cronjob["metadata"]["annotations"]["kfp-gitops/for"] == "previews, asides"
