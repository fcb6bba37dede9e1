"""A status page in a bucket: against Swift, which checks signatures, and without what it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from board_kit import board
from kfp_gitops.base.errors import InputError, RemoteError, UsageError
from kfp_gitops.operate.statuspage import places
from kfp_gitops.operate.statuspage.bucket import Bucket
from servers.swift_server import ACCESS_KEY, SECRET_KEY, SwiftServer, make_bucket, s3_client

pytestmark = pytest.mark.timeout(1800)  # Swift is installed first, once
BUCKET = "status"


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    server = SwiftServer(tmp_path_factory.mktemp("swift"))
    server.start()
    make_bucket(s3_client(server), BUCKET)
    yield server
    server.kill()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


def test_the_page_and_its_data_are_put_below_the_prefix_and_read_back(
    swift: SwiftServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", swift.url)
    for name in ("dev", "prod"):
        place = places.at(f"s3://{BUCKET}/kfp/{name}")
        assert places.before(place) is None
        places.publish(place, board(2, [name]))
        assert places.before(place) == board(2, [name])
    page = s3_client(swift).get_object(Bucket=BUCKET, Key="kfp/dev/index.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    assert page["CacheControl"] == "no-cache"
    assert page["Body"].read().startswith(b"<!doctype html>")
    found = list(places.boards(f"s3://{BUCKET}/kfp", ["dev", "lab", "prod"]))
    assert found == [board(2, ["dev"]), board(2, ["prod"])]
    with pytest.raises(InputError, match=r"s3://status/none: no status\.json in it"):
        list(places.boards(f"s3://{BUCKET}/none", ["dev"]))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        (
            "AWS_SECRET_ACCESS_KEY",
            "wrong",
            r"cannot write s3://status/x/a\.json: the object store says SignatureDoesNotMatch",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            "",
            "no credentials: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role",
        ),
    ],
)
def test_a_bucket_that_refuses_says_what_to_do(
    swift: SwiftServer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", swift.url)
    monkeypatch.setenv(variable, value)
    if not value:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert places.before(Bucket.at(f"s3://{BUCKET}/x")) is None
    with pytest.raises(RemoteError, match=says):
        Bucket.at(f"s3://{BUCKET}/x").write("a.json", "{}")


def test_an_endpoint_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "minio:9000")
    with pytest.raises(RemoteError, match="AWS_ENDPOINT_URL_S3 is no URL"):
        Bucket.at("s3://status/x")


@pytest.mark.parametrize("url", ["s3://", "s3:/bucket", "s3://B", "s3://bucket/a b", "s3://bucket?x"])
def test_what_is_no_place_in_a_bucket_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="write s3://BUCKET/PREFIX"):
        places.at(url)
