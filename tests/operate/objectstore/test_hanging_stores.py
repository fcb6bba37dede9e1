"""Stores that accept and never answer, send a byte now and then, list without end, or are something else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.language.manifest.triggers import OnData
from kfp_gitops.operate.objectstore import states
from kfp_gitops.operate.objectstore.states import ObjectStates
from servers.misbehaving import Misbehaving, reply, slow_body

OBJECT, BELOW = OnData("s3://lake/usage.csv", "etag"), OnData("s3://lake/days/", "newest-key")
HEAD = (
    'HTTP/1.1 200 OK\r\nETag: "abc"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n'
)
Answer = Callable[[str], Iterable[bytes]]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "some-1")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[[Answer], Misbehaving]:
    """`store(answer)`: a server at which the settings point, until the test ends."""

    def begin(answer: Answer) -> Misbehaving:
        found = Misbehaving(answer).__enter__()
        request.addfinalizer(lambda: found.__exit__(None, None, None))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", found.url)
        return found

    return begin


def _well(line: str) -> Iterable[bytes]:
    return [f"{HEAD}Connection: close\r\n\r\n".encode()] if line.startswith("HEAD") else []


@pytest.mark.parametrize("hangs", [lambda: slow_body(0.05), lambda: [b"HTTP/1.1 200 OK\r\n", *_waits()]])
def test_a_store_that_trickles_holds_no_other_trigger(
    store: Callable[[Answer], Misbehaving], hangs: Callable[[], Iterable[bytes]]
) -> None:
    store(lambda line: _well(line) if line.startswith("HEAD") else hangs())
    looked, began = ObjectStates(seconds=3), time.monotonic()
    with ThreadPoolExecutor() as pool:
        hanging, well = (pool.submit(looked.now, on) for on in (BELOW, OBJECT))
        found = well.result()
        assert found is not None and found.etag == "abc"
        with pytest.raises(
            RemoteError, match=r"cannot look at s3://lake/days/: no whole answer within 3 s; see"
        ):
            hanging.result()
    assert time.monotonic() - began < 6


def _waits() -> Iterable[bytes]:
    time.sleep(5)
    yield b""


def test_many_that_hang_cost_the_time_of_one(store: Callable[[Answer], Misbehaving]) -> None:
    store(lambda _: slow_body(0.05))
    places = [OnData(f"s3://lake/{number}/", "newest-key") for number in range(100)]
    looked, began = ObjectStates(seconds=2), time.monotonic()
    for on in places:
        with pytest.raises(RemoteError, match="no whole answer within 2 s"):
            looked.now(on)
    assert time.monotonic() - began < 5


def test_what_was_asked_once_is_asked_once(store: Callable[[Answer], Misbehaving]) -> None:
    server, looked = store(_well), ObjectStates()
    assert looked.now(OBJECT) == looked.now(OnData("s3://lake/usage.csv", "etag"))
    assert len(server.asked) == 1


def _list(*keys: str, more: str = "") -> bytes:
    of_keys = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    return f"<ListBucketResult><Name>lake</Name>{of_keys}{more}</ListBucketResult>".encode()


def test_a_list_without_end_is_left_after_so_many_pages(store: Callable[[Answer], Misbehaving]) -> None:
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"
    server = store(lambda _: reply(_list("days/1", more=more)))
    with pytest.raises(RemoteError, match="more than 20,000 objects"):
        ObjectStates().now(BELOW)
    assert len(server.asked) == states._MOST_PAGES


def test_a_list_that_names_no_next_page_goes_on_after_its_last_key(
    store: Callable[[Answer], Misbehaving],
) -> None:
    def answer(line: str) -> Iterable[bytes]:
        if line.startswith("HEAD"):
            return _well(line)
        after = "start-after=days%2F1" in line
        more = "" if after else "<IsTruncated>true</IsTruncated>"
        return reply(_list("days/2" if after else "days/1", more=more))

    store(answer)
    found = ObjectStates().now(BELOW)
    assert found is not None and found.key == "days/2"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda _: reply(b"<html>log in</html>", status="200 OK"), "days/: what answers speaks no S3"),
        (lambda _: reply(b"no", status="404 Not Found"), "is AWS_ENDPOINT_URL_S3 an S3 service"),
        (lambda _: reply(b"no", status="405 Method Not Allowed"), "is AWS_ENDPOINT_URL_S3 an S3 service"),
        (
            lambda _: reply(b"not XML", status="503 Service Unavailable"),
            "it is asked again later|speaks no S3",
        ),
    ],
)
def test_what_is_no_s3_service_is_told(
    store: Callable[[Answer], Misbehaving], answer: Answer, says: str
) -> None:
    store(answer)
    with pytest.raises(RemoteError, match=says):
        ObjectStates().now(BELOW)


def test_what_may_not_be_read_is_told_with_the_rights_that_it_takes(
    store: Callable[[Answer], Misbehaving],
) -> None:
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    store(lambda line: reply(b"" if line.startswith("HEAD") else denied, status="403 Forbidden"))
    for on in (OBJECT, BELOW):
        with pytest.raises(
            RemoteError, match=r"AccessDenied: .*; let these keys do it: s3:GetObject .*s3:ListBucket"
        ):
            ObjectStates().now(on)


def test_what_is_not_there_is_no_refusal_where_the_bucket_may_not_be_listed(
    store: Callable[[Answer], Misbehaving],
) -> None:
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    store(
        lambda line: (
            reply(b"", status="404 Not Found") if line.startswith("HEAD") else reply(denied, status="403 F")
        )
    )
    assert ObjectStates().now(OBJECT) is None


def test_an_object_without_an_etag_is_told(store: Callable[[Answer], Misbehaving]) -> None:
    found: Any = HEAD.replace('ETag: "abc"\r\n', "")
    store(lambda _: [f"{found}Connection: close\r\n\r\n".encode()])
    with pytest.raises(RemoteError, match="has no etag"):
        ObjectStates().now(OBJECT)


def test_of_the_same_second_the_greatest_key_is_the_newest(store: Callable[[Answer], Misbehaving]) -> None:
    store(lambda line: _well(line) if line.startswith("HEAD") else reply(_list("days/2", "days/3", "days/1")))
    found = ObjectStates().now(BELOW)
    assert found is not None and found.key == "days/3"


_ITEM = "<Contents>{}</Contents>"
_KEY, _CHANGED = "<Key>{}</Key>", "<LastModified>2026-01-01T00:00:00Z</LastModified>"


@pytest.mark.parametrize(
    "item",
    [
        _KEY.format("days/a"),
        _CHANGED,
        _KEY.format("../elsewhere/a") + _CHANGED,
        _KEY.format("days/" + "x" * 1024) + _CHANGED,
    ],
)
def test_a_list_of_what_was_not_asked_for_is_no_list(
    store: Callable[[Answer], Misbehaving], item: str
) -> None:
    listed = f"<ListBucketResult><Name>lake</Name>{_ITEM.format(item)}</ListBucketResult>"
    store(lambda line: _well(line) if line.startswith("HEAD") else reply(listed.encode()))
    with pytest.raises(RemoteError, match="speaks no S3"):
        ObjectStates(seconds=30).now(BELOW)


def test_of_an_object_that_no_store_dates_the_etag_is_known(store: Callable[[Answer], Misbehaving]) -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: "abc"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    store(lambda line: [head] if line.startswith("HEAD") else [])
    found = ObjectStates(seconds=30).now(OBJECT)
    assert found is not None and (found.etag, found.modified) == ("abc", None)


def test_an_etag_that_is_longer_than_any_is_none(store: Callable[[Answer], Misbehaving]) -> None:
    head = HEAD.replace("abc", "x" * 5000)
    store(lambda line: [f"{head}Connection: close\r\n\r\n".encode()] if line.startswith("HEAD") else [])
    with pytest.raises(RemoteError, match="no etag"):
        ObjectStates(seconds=30).now(OBJECT)
