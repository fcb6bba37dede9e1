"""In which state data are, on Swift with its S3 API: overwritten, in parts, deleted and restored, listed late."""

from __future__ import annotations

import time
from typing import Any

import pytest
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.language.manifest.triggers import OnData
from kfp_gitops.operate.objectstore import states
from kfp_gitops.operate.objectstore.states import ObjectStates
from kfp_gitops.reconcile.causes.seams import DataState
from servers.swift_server import SwiftServer

pytestmark = pytest.mark.timeout(1800)  # Swift is installed first, once
Lake = tuple[Any, str]


def _now(on: OnData) -> DataState | None:
    return ObjectStates().now(on)


def _there(on: OnData) -> DataState:
    found = _now(on)
    assert found is not None
    return found


def _object(bucket: str, key: str = "usage.csv") -> OnData:
    return OnData(f"s3://{bucket}/{key}", "etag")


def _below(bucket: str, prefix: str = "days/") -> OnData:
    return OnData(f"s3://{bucket}/{prefix}", "newest-key")


def _put(lake: Lake, key: str, text: str) -> str:
    client, bucket = lake
    return str(client.put_object(Bucket=bucket, Key=key, Body=text.encode())["ETag"]).strip('"')


def _a_second_later() -> None:
    """Times of S3 have whole seconds."""
    time.sleep(1.1)


def test_what_is_not_there_has_no_state(lake: Lake) -> None:
    assert _now(_object(lake[1])) is None
    assert _now(_below(lake[1])) is None
    assert _now(_below(lake[1], "")) is None


def test_an_object_s_state_is_its_etag_wherever_its_key_has_special_characters(lake: Lake) -> None:
    key = "x y/é+ü%20/#1 ?&.csv"
    etag = _put(lake, key, "1")
    found = _there(_object(lake[1], key))
    assert (found.key, found.etag, found.identity) == (key, etag, f"s3://{lake[1]}/{key} {etag}")
    assert _there(_below(lake[1], "x y/é+")) == found
    assert found.modified and abs(found.modified.timestamp() - time.time()) < 60


def test_overwriting_is_a_new_state_and_the_content_of_before_the_one_of_before(lake: Lake) -> None:
    seen = []
    for text in ("a", "b", "a"):
        _put(lake, "usage.csv", text)
        seen.append(_there(_object(lake[1])).identity)
    assert seen[0] == seen[2] != seen[1]


def _in_parts(lake: Lake, key: str, parts: list[bytes]) -> None:
    client, bucket = lake
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        sent = client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": sent["ETag"]})
    assert _now(_object(bucket, key)) is None, "half of it is none"
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done})


def test_an_upload_in_parts_is_a_state_once_it_is_whole(lake: Lake) -> None:
    large = b"x" * (5 << 20)
    _in_parts(lake, "days/large.csv", [large, b"rest"])
    found = _there(_object(lake[1], "days/large.csv"))
    assert found.etag.endswith("-2")
    assert _there(_below(lake[1])) == found
    client, bucket = lake
    client.delete_object(Bucket=bucket, Key="days/large.csv")
    _in_parts(lake, "days/large.csv", [large, b"rest"])
    assert _there(_object(lake[1], "days/large.csv")).identity == found.identity


def test_deleted_it_has_no_state_and_restored_the_one_of_before(lake: Lake) -> None:
    client, bucket = lake
    _put(lake, "usage.csv", "a")
    before = _there(_object(bucket))
    client.delete_object(Bucket=bucket, Key="usage.csv")
    assert _now(_object(bucket)) is None
    _a_second_later()
    _put(lake, "usage.csv", "a")
    after = _there(_object(bucket))
    assert after.identity == before.identity
    assert before.modified and after.modified and before.modified < after.modified


def test_in_a_bucket_with_versions_a_marker_is_no_object_and_without_it_it_is_the_one_of_before(
    lake: Lake,
) -> None:
    client, bucket = lake
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _put(lake, "days/1.csv", "a")
    _put(lake, "days/1.csv", "b")
    before = _there(_object(bucket, "days/1.csv"))
    marker = client.delete_object(Bucket=bucket, Key="days/1.csv")
    assert marker["DeleteMarker"]
    assert _now(_object(bucket, "days/1.csv")) is None
    assert _now(_below(bucket)) is None
    client.delete_object(Bucket=bucket, Key="days/1.csv", VersionId=marker["VersionId"])
    assert _there(_object(bucket, "days/1.csv")) == before
    assert _there(_below(bucket)) == before


def test_the_newest_key_is_the_one_modified_last(lake: Lake) -> None:
    for key in ("days/2.csv", "days/1.csv", "other/9.csv"):
        _a_second_later()
        _put(lake, key, key)
    assert _there(_below(lake[1])).key == "days/1.csv"
    _put(lake, "days/", "")
    _a_second_later()
    assert _there(_below(lake[1])).key == "days/1.csv", "a folder is no data"


def test_the_newest_key_that_is_overwritten_is_a_new_state(lake: Lake) -> None:
    _put(lake, "days/1.csv", "a")
    before = _there(_below(lake[1]))
    _put(lake, "days/1.csv", "b")
    assert _there(_below(lake[1])).identity != before.identity


def test_what_a_late_list_still_shows_is_asked_for_itself(lake: Lake, swift: SwiftServer) -> None:
    client, bucket = lake
    _put(lake, "days/1.csv", "a")
    _a_second_later()
    _put(lake, "days/2.csv", "b")

    swift.lists_late(lambda: _put(lake, "days/2.csv", "c"))
    listed = client.list_objects_v2(Bucket=bucket, Prefix="days/2")["Contents"][0]
    found = _there(_below(bucket))
    assert (found.key, f'"{found.etag}"' != listed["ETag"]) == ("days/2.csv", True)
    assert found == _there(_object(bucket, "days/2.csv"))
    swift.lists_late(lambda: client.delete_object(Bucket=bucket, Key="days/2.csv"))
    assert [one["Key"] for one in client.list_objects_v2(Bucket=bucket)["Contents"]][-1] == "days/2.csv"
    assert _there(_below(bucket)).key == "days/1.csv"


def test_what_a_late_list_does_not_show_yet_is_none_and_later_it_is(lake: Lake, swift: SwiftServer) -> None:
    client, bucket = lake
    _put(lake, "days/1.csv", "a")
    _a_second_later()
    swift.lists_late(lambda: _put(lake, "days/2.csv", "b"))
    assert _there(_below(bucket)).key == "days/1.csv"
    assert _there(_object(bucket, "days/2.csv")), "an object itself is there at once"
    client.copy_object(Bucket=bucket, Key="days/2.csv", CopySource={"Bucket": bucket, "Key": "days/2.csv"},
                       MetadataDirective="REPLACE")  # fmt: skip
    assert _there(_below(bucket)).key == "days/2.csv"


def test_many_keys_are_read_page_by_page_and_too_many_are_told(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "_PAGE", 3)
    monkeypatch.setattr(states, "_MOST_PAGES", 3)
    for number in range(9):
        _put(lake, f"days/{number}.csv", "x")
    _a_second_later()
    _put(lake, "days/4.csv", "y")
    assert _there(_below(lake[1])).key == "days/4.csv"
    _put(lake, "days/9.csv", "x")
    with pytest.raises(RemoteError, match=r"more than 9 objects; write a longer prefix"):
        _now(_below(lake[1]))
    assert _there(_below(lake[1], "days/4")).key == "days/4.csv"


def test_a_bucket_that_is_none_is_told_and_others_are_looked_at(lake: Lake) -> None:
    _put(lake, "usage.csv", "a")
    looked = ObjectStates()
    for on in (_object("no-such-lake"), _below("no-such-lake")):
        with pytest.raises(RemoteError, match=r"NoSuchBucket: .*; make it, or correct the bucket's name"):
            looked.now(on)
    assert looked.now(_object(lake[1]))


@pytest.mark.parametrize("changes", ["etag", "newest-key"])
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "SignatureDoesNotMatch: .*; correct AWS_ACCESS_KEY_ID"),
        ("AWS_ACCESS_KEY_ID", "test:nobody", "correct AWS_ACCESS_KEY_ID|let these keys do it: s3:GetObject"),
        ("AWS_ACCESS_KEY_ID", "", "no credentials: give AWS_ACCESS_KEY_ID"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", "correct AWS_ENDPOINT_URL_S3, or let it be reached"),
        ("AWS_ENDPOINT_URL_S3", "minio:9000", "AWS_ENDPOINT_URL_S3 is no URL"),
        ("AWS_ENDPOINT_URL_S3", "s3://x", "AWS_ENDPOINT_URL_S3 is no URL of a service; write it as http://"),
        ("AWS_PROFILE", "nobody", "nobody.*; correct what the variables AWS_… of this process say"),
    ],
)
def test_what_keeps_data_from_being_looked_at_says_what_to_do(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str, changes: Any
) -> None:
    monkeypatch.setenv(variable, value)
    if not value:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(RemoteError, match=f"cannot .*{says}"):
        _now(OnData(f"s3://{lake[1]}/usage.csv", changes))


def test_the_region_that_the_server_names_is_the_one_that_counts(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(lake, "usage.csv", "a")
    before = _there(_object(lake[1]))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert _there(_object(lake[1])) == before
