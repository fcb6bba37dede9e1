"""The status page that the CronJob writes: what is rendered for it, and what the rendered pod puts into a bucket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import delivered
import pytest
from delivered import Object
from job_kit import AUDIENCE, Command
from kfp_gitops.devserver import DevServer
from kubelet import Pod
from project import PROJECT
from servers.swift_server import ACCESS_KEY, SECRET_KEY, SwiftServer, make_bucket, s3_client
from test_minimal_rights import KFP, granted
from test_network import _egress

# An environment of a lock that is new, and Swift, are installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)
PAGE = """  statusPage:
    url: s3://status/kfp
    env:
      AWS_ENDPOINT_URL_S3: {url}
      AWS_REGION: us-east-1
      AWS_ACCESS_KEY_ID: {{secret: store, key: accesskey}}
      AWS_SECRET_ACCESS_KEY: {{secret: store, key: secretkey}}
    network: {{cidr: 192.0.2.7/32, port: {port}}}
"""
Build = Callable[..., tuple[Object, ...]]


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    server = SwiftServer(tmp_path_factory.mktemp("swift"))
    server.start()
    make_bucket(s3_client(server), "status")
    yield server
    server.kill()


def _page(url: str = "http://store.example.com:9000") -> str:
    return PAGE.format(url=url, port=urlsplit(url).port)


def _container(objects: tuple[Object, ...], name: str) -> Object:
    (found,) = dict(delivered.pods(objects))[name]["spec"]["containers"]
    return dict(found)


def test_the_rendered_pod_writes_its_page_also_when_kfp_is_away(
    build: Build, server: DevServer, swift: SwiftServer, tmp_path: Path
) -> None:
    objects = build(server.url, _page(swift.url))
    template = dict(delivered.pods(objects))["kfp-gitops-dev-status"]
    secrets = {("store", "accesskey"): ACCESS_KEY, ("store", "secretkey"): SECRET_KEY}
    pod = Pod(
        template, objects, tmp_path / "pod", {AUDIENCE: "any", "": "nobody asks for it"}, secrets=secrets
    )
    assert pod.run(anew=True).code == 0
    client = s3_client(swift)
    seen = json.loads(client.get_object(Bucket="status", Key="kfp/dev/status.json")["Body"].read())
    page = client.get_object(Bucket="status", Key="kfp/dev/index.html")["Body"].read().decode()
    (dev,) = seen["environments"]
    assert (dev["name"], dev["unseen"], dev["seen"]["period"]) == ("dev", None, 600)
    assert "not registered" in page
    assert "python scripts/reconcile.py plan --env dev" in page
    server.close()
    container = pod.container
    container["args"] = [word.replace("--patience=240", "--patience=0") for word in container["args"]]
    done = pod.run(anew=True)
    assert done.code == 4
    seen = json.loads(client.get_object(Bucket="status", Key="kfp/dev/status.json")["Body"].read())
    (away,) = seen["environments"]
    assert away["seen"] == dev["seen"]
    assert away["unseen"]


def test_only_the_pod_of_the_page_has_its_keys_and_reaches_its_bucket(build: Build) -> None:
    objects = build("http://ml-pipeline.kubeflow.svc:8888", _page())
    for name, template in delivered.pods(objects):
        reaches = "192.0.2.7/32 TCP 9000" in _egress(objects, template["metadata"]["labels"])
        names = {variable["name"] for variable in _container(objects, name)["env"]}
        assert reaches == ("AWS_SECRET_ACCESS_KEY" in names) == name.endswith("-status"), name
    account = dict(delivered.pods(objects))["kfp-gitops-dev-status"]["spec"]["serviceAccountName"]
    assert account == "kfp-gitops-dev-status"
    assert granted(objects, account, KFP) == granted(objects, "kfp-gitops-dev-drift", KFP)


def test_a_role_is_given_to_that_service_account_alone(build: Build) -> None:
    role = "arn:aws:iam::123456789012:role/status-page"
    objects = build(
        "http://ml-pipeline.kubeflow.svc:8888", f"  statusPage: {{url: 's3://status', role: '{role}'}}\n"
    )
    accounts = {
        item["metadata"]["name"]: item["metadata"].get("annotations", {}).get("eks.amazonaws.com/role-arn")
        for item in objects
        if item["kind"] == "ServiceAccount"
    }
    assert accounts == {"kfp-gitops-dev": None, "kfp-gitops-dev-drift": None, "kfp-gitops-dev-status": role}
    assert "--html=s3://status/dev" in _container(objects, "kfp-gitops-dev-status")["args"]


@pytest.mark.parametrize(
    ("schedule", "seconds"), [("*/10 * * * *", 600), ("5 * * * *", 3600), ("0 6 * * 1-5", 259_200)]
)
def test_the_page_says_how_often_it_is_made(build: Build, schedule: str, seconds: int) -> None:
    objects = build("http://ml-pipeline.kubeflow.svc:8888", f"  statusSchedule: '{schedule}'\n{_page()}")
    assert f"--every={seconds}" in _container(objects, "kfp-gitops-dev-status")["args"]


def test_without_a_page_nothing_of_it_is_rendered(build: Build) -> None:
    objects = build("http://ml-pipeline.kubeflow.svc:8888")
    assert not any("status" in item["metadata"]["name"] for item in objects)


def test_templates_that_know_no_page_are_refused_where_one_is_wanted(
    repository: Path, command: Command
) -> None:
    template = repository / "templates/delivery/status-cronjob.yaml.j2"
    template.write_text(template.read_text("utf-8").replace("--html=", "--nothing="), "utf-8")
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text("utf-8").replace("pipelines:\n", f"{_page()}pipelines:\n", 1), "utf-8")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "no CronJob writes a status page, and `delivery.statusPage` is set" in outcome.err
    assert (PROJECT / "docs/upgrade.md").is_file()
