"""The rendered pass is run: on KFP over HTTP, on data in Swift, with its own Lease, and with all rights that it has."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import delivered
import gitrepo
import pytest
from delivered import Object
from job_kit import AUDIENCE, Command
from kfp_gitops.devserver import DevServer
from kfp_gitops.devserver.faults import Fault, Logged, Trouble
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kubelet import Done, Pod
from locking.fake_leases import FakeLeases
from servers.swift_server import ACCESS_KEY, SECRET_KEY, SwiftServer, make_bucket, s3_client
from test_minimal_rights import KFP, _rights, granted

# An environment of a lock that is new, and Swift, are installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)
TRIGGER = "kfp-gitops-dev-trigger"
TRIGGERS = """triggers:
- {name: after, runOn: {pipeline: stays}}
- name: news
  runOn: {data: {uri: 's3://lake/usage/', changes: newest-key}}
  parameters: {threshold: 9}
- {name: nowhere, runOn: {data: {uri: 's3://no-lake/usage.csv', changes: etag}}}
"""
DATA = """  data:
    env:
      AWS_ENDPOINT_URL_S3: {url}
      AWS_REGION: us-east-1
      AWS_ACCESS_KEY_ID: {{secret: store, key: accesskey}}
      AWS_SECRET_ACCESS_KEY: {{secret: store, key: secretkey}}
    network: {{cidr: 192.0.2.7/32, port: {port}}}
"""


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    server = SwiftServer(tmp_path_factory.mktemp("swift"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def lake(swift: SwiftServer) -> Iterator[Any]:
    """`lake(key, text)` puts an object into the bucket at which the trigger looks."""
    client = s3_client(swift)
    make_bucket(client, "lake")
    yield lambda key, text: client.put_object(Bucket="lake", Key=key, Body=text.encode())
    for item in client.list_objects_v2(Bucket="lake").get("Contents", []):
        client.delete_object(Bucket="lake", Key=item["Key"])


class Cluster:
    """Pods of the delivered objects."""

    def __init__(
        self, objects: tuple[Object, ...], root: Path, server: DevServer, cluster: FakeLeases
    ) -> None:
        self.objects, self.root, self.server, self.cluster = objects, root, server, cluster
        self._numbers = itertools.count()

    def run(self, name: str, *codes: int) -> Done:
        tokens = {AUDIENCE: "any", "": "token-of-kubernetes"}
        secrets = {("store", "accesskey"): ACCESS_KEY, ("store", "secretkey"): SECRET_KEY}
        template = dict(delivered.pods(self.objects))[name]
        number = next(self._numbers)
        pod = Pod(
            template, self.objects, self.root / f"pod{number}", tokens, self.cluster.stub.url, secrets=secrets
        )
        done = pod.run(anew=number < 2)  # one of each kind as Python itself starts it
        assert done.code in (codes or (0,)), done
        return done

    def runs(self) -> list[str]:
        """The names of the runs that passes started."""
        api = KfpApi(self.server.url, "")
        return sorted(run.name for run in api.runs_since(None) if "hello-" in run.name)


@pytest.fixture
def delivered_with(
    repository: Path, tmp_path: Path, server: DevServer, cluster: FakeLeases, build: Callable[..., Any]
) -> Callable[..., Cluster]:
    """`delivered_with(triggers, more)`: hello has them, beside another pipeline, `stays`."""

    def deliver(triggers: str, more: str = "") -> Cluster:
        folder, values = repository / "templates/pipelines", repository / "environments/dev/values.yaml"
        (folder / "stays").mkdir()
        for file in (folder / "hello").iterdir():
            (folder / "stays" / file.name).write_bytes(file.read_bytes())
        schedule = "{cron: '0 0 3 * * 1', enabled: false}"
        stays = f"  stays: {{values: {{name: x, threshold: 9, items: [a], schedule: {schedule}}}}}\n"
        values.write_text(values.read_text("utf-8").replace("  hello:\n", f"{stays}  hello:\n"), "utf-8")
        template = folder / "hello/pipeline.yaml.j2"
        template.write_text(f"{template.read_text('utf-8').rstrip()}\n{triggers}", "utf-8")
        return Cluster(build(server.url, more), tmp_path / "pods", server, cluster)

    return deliver


def _of_stays(server: DevServer) -> None:
    """A run of the other pipeline, which ends well; somebody starts it by hand."""
    api = KfpApi(server.url, "")
    (pipeline,) = (one for one in api.catalogue() if one.name == "stays")
    (version,) = api.versions(pipeline.id).values()
    experiment = api.create_experiment("by-hand", "")
    api.create_run(
        name=f"by-hand-{time.monotonic_ns()}",
        description="",
        pipeline_id=pipeline.id,
        version_id=version.id,
        experiment_id=experiment.id,
        parameters={},
    )
    server.wait_idle()


def test_new_data_and_a_run_that_ended_start_one_run_each_and_what_cannot_be_looked_at_holds_neither(
    delivered_with: Callable[..., Cluster],
    server: DevServer,
    swift: SwiftServer,
    lake: Any,
    cluster: FakeLeases,
) -> None:
    more = DATA.format(url=swift.url, port=urlsplit(swift.url).port)
    there = delivered_with(TRIGGERS, more)
    lake("usage/1.csv", "a")
    there.run("kfp-gitops-dev")
    said = there.run(TRIGGER, 4).err
    assert (
        "hello/nowhere" in said and "NoSuchBucket" in said and "make it, or correct the bucket's name" in said
    )
    before = there.runs()
    assert set(cluster.leases) == {("kubeflow", "kfp-gitops-dev"), ("kubeflow", f"{TRIGGER}s")}
    lake("usage/2.csv", "b")
    _of_stays(server)
    for _ in range(2):
        there.run(TRIGGER, 4)
    new = [name for name in there.runs() if name not in before]
    assert [name.rpartition("-")[0] for name in new] == ["hello-after", "hello-news"]
    lake("usage/1.csv", "a")
    lake("usage/2.csv", "b")
    there.run(TRIGGER, 4)
    assert len(there.runs()) <= len(before) + 3, "the same content is no new state"


def _in_parts(client: Any, key: str) -> None:
    upload = client.create_multipart_upload(Bucket="lake", Key=key)["UploadId"]
    done = []
    for number, part in enumerate((b"x" * (5 << 20), b"rest"), 1):
        sent = client.upload_part(Bucket="lake", Key=key, UploadId=upload, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": sent["ETag"]})
    client.complete_multipart_upload(Bucket="lake", Key=key, UploadId=upload, MultipartUpload={"Parts": done})


def test_each_state_of_data_starts_one_run_and_one_that_comes_back_none(
    delivered_with: Callable[..., Cluster], server: DevServer, swift: SwiftServer, lake: Any
) -> None:
    news = "triggers:\n- {name: news, runOn: {data: {uri: 's3://lake/usage/', changes: newest-key}}}\n"
    there = delivered_with(news, DATA.format(url=swift.url, port=urlsplit(swift.url).port))
    client = s3_client(swift)
    lake("usage/1.csv", "a")
    there.run("kfp-gitops-dev")

    def started(what: Callable[[], object]) -> int:
        time.sleep(1.1)  # times of S3 have whole seconds
        before = len(there.runs())
        what()
        for _ in range(2):
            there.run(TRIGGER)
            server.wait_idle()
        return len(there.runs()) - before

    started(lambda: None)
    third = {"Bucket": "lake", "Key": "usage/3.csv"}
    for what, act, runs in (
        ("overwritten", lambda: lake("usage/1.csv", "b"), 1),
        ("the same content again", lambda: lake("usage/1.csv", "b"), 0),
        ("the content of before", lambda: lake("usage/1.csv", "a"), 0),
        ("in parts", lambda: _in_parts(client, "usage/2.csv"), 1),
        ("deleted", lambda: client.delete_object(Bucket="lake", Key="usage/2.csv"), 0),
        ("restored", lambda: _in_parts(client, "usage/2.csv"), 0),
        ("no list shows it", lambda: swift.lists_late(lambda: lake("usage/3.csv", "c")), 0),
        ("lists do", lambda: client.copy_object(**third, CopySource=third, MetadataDirective="REPLACE"), 1),
        ("they do no more", lambda: swift.lists_late(lambda: client.delete_object(**third)), 0),
    ):
        assert started(act) == runs, what


class _Asked:
    """The rights that passes used."""

    def __init__(self, there: Cluster, server: DevServer) -> None:
        self.there, self.server = there, server
        self.requests: list[Logged] = []

    def look(self, *codes: int) -> None:
        before = len(self.server.faults.requests)
        self.there.run(TRIGGER, *codes)
        self.requests.extend(self.server.faults.requests[before:])

    def compare(self, *unused: tuple[str, str]) -> None:
        assert granted(self.there.objects, TRIGGER, KFP) - {*unused} == _rights(self.requests)


def test_the_pass_is_granted_exactly_what_it_asks_of_kfp(
    delivered_with: Callable[..., Cluster], server: DevServer
) -> None:
    there = delivered_with(
        "triggers:\n- {name: after, runOn: {pipeline: stays}}\n"
        "- {name: output, runOn: {pipeline: stays}, parameters: {threshold: {output: count.words}}}\n"
    )
    there.run("kfp-gitops-dev")
    asked = _Asked(there, server)
    asked.look()
    _of_stays(server)
    server.faults.add(
        Fault("POST", "/runs$", Trouble.HIDDEN)
    )  # what it cannot be sure of it notes on the server
    asked.look(4)
    api = KfpApi(server.url, "")
    (note,) = (one for one in api.experiments_like("kfp-gitops-") if not one.archived)
    api.archive_experiment(note.id)  # somebody settles it, and then it breaks once more
    server.faults.add(Fault("POST", "/runs$", Trouble.HIDDEN))
    asked.look(4)
    assert note.id in {one.id for one in api.experiments_like("kfp-gitops-") if not one.archived}
    _of_stays(server)
    asked.look(0, 4)  # what stands for tasks here leaves no outputs
    assert there.runs() != []
    asked.compare()


def _asks_for_mondays(repository: Path) -> None:
    """A backfill of two firings."""
    backfill = repository / "environments/dev/backfills/mondays.yaml"
    backfill.parent.mkdir()
    backfill.write_text(
        "{pipeline: hello, from: '2026-02-01', to: '2026-02-10', tickParameter: name, reason: wrong prices}\n"
    )


def test_turned_off_it_asks_for_no_more_than_it_is_granted_and_what_ended_meanwhile_is_missed(
    delivered_with: Callable[..., Cluster],
    server: DevServer,
    repository: Path,
    build: Callable[..., tuple[Object, ...]],
) -> None:
    _asks_for_mondays(repository)
    there = delivered_with("triggers: [{name: after, runOn: {pipeline: stays}}]\n")
    there.run("kfp-gitops-dev")
    for _ in range(2):  # of the backfill the last run is begun, and no pass has seen its end
        there.run(TRIGGER)
        server.wait_idle()
    on, values = there.objects, repository / "environments/dev/values.yaml"
    text = values.read_text("utf-8")
    values.write_text(f"state: disabled\n{text}", "utf-8")
    there.objects = build(server.url)
    asked = _Asked(there, server)
    asked.look()
    time.sleep(1.1)  # the second in which it is first seen is not missed
    _of_stays(server)
    time.sleep(1.1)
    asked.look()
    said = there.run(TRIGGER).out
    assert "dev: 0 runs started; " in said and "mondays" not in said
    used = _rights(asked.requests)
    # Of a note, where KFP had broken over a run.
    assert granted(there.objects, TRIGGER, KFP) - used == {
        ("experiments", "create"),
        ("experiments", "unarchive"),
    }
    assert used <= granted(there.objects, TRIGGER, KFP)
    there.objects = on
    assert "backfill mondays: done: is finished: 2/2 done" in there.run(TRIGGER).out
    assert [name.partition("-")[0] for name in there.runs()] == ["backfill"] * 2


def test_with_a_backfill_it_is_granted_what_that_takes(
    delivered_with: Callable[..., Cluster], server: DevServer, repository: Path
) -> None:
    _asks_for_mondays(repository)
    there = delivered_with("triggers: []\n")
    cronjob = delivered.one(there.objects, "CronJob", TRIGGER)
    assert cronjob["metadata"]["annotations"]["kfp-gitops/for"] == "backfills"
    there.run("kfp-gitops-dev")
    asked = _Asked(there, server)
    for _ in range(4):
        asked.look()
        server.wait_idle()
    assert len(there.runs()) == 2
    asked.compare(("experiments", "unarchive"))  # of a note, where KFP breaks over a run a second time


def test_where_previews_end_it_is_granted_what_takes_them_down(
    delivered_with: Callable[..., Cluster], server: DevServer, repository: Path, command: Command
) -> None:
    values = repository / "environments/preview/values.yaml"
    values.parent.mkdir()
    values.write_text("previewOf: dev\npipelines: {hello: {values: {threshold: 2}}}\n", "utf-8")
    there = delivered_with("triggers: []\n")
    there.run("kfp-gitops-dev")
    gitrepo.init(repository)
    values.write_text("previewOf: dev\npipelines: {hello: {values: {threshold: 4}}}\n", "utf-8")
    preview = ("preview", "--root", repository, "up", "--host", server.url, "--pr", 43, "--hours", 0, "--run")
    outcome = command(*preview)
    assert outcome.code == 0, outcome
    asked = _Asked(there, server)
    asked.look()
    assert not [one.name for one in KfpApi(server.url, "").marked() if one.name.startswith("pr-43")]
    used, may = _rights(asked.requests), granted(there.objects, TRIGGER, KFP)
    assert {("pipelines", "delete"), ("experiments", "delete"), ("runs", "delete")} <= used
    # What it need not have: a recurring run that somebody marked as the preview's, and what a trigger starts.
    for_triggers = {("pipelines", "get"), ("experiments", "create"), ("runs", "create")}
    for_triggers.add(("experiments", "unarchive"))
    assert may - used <= {("jobs", "delete"), *for_triggers}
    assert used <= may
