"""KFP's own ConfigMap makes its retry void for a step that failed: the steps wait for what passes themselves."""

import itertools
import resource
import time

import pytest
from predictive_scaling.base import web
from predictive_scaling.base.errors import RefusedError, RegistryError, RemoteError
from predictive_scaling.base.web import Server
from predictive_scaling.store import s3 as store_s3
from predictive_scaling.store.opening import open_registry
from predictive_scaling.tell.gauges import Gauge
from predictive_scaling.tell.pushing import push
from predictive_scaling.usage.prometheus import Span, query_range
from servers import misbehaving
from servers.flaky import CUT, DROP, RESET, STALL, FlakyServer
from servers.misbehaving import Misbehaving

MATRIX = b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"a"},"values":[[600,"1.5"]]}]}}'
PASSING = [DROP, RESET, STALL, 408, 425, 429, 500, 502, 503, 504]
FINAL = [400, 401, 403, 404, 501]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """Pauses are short."""
    monkeypatch.setattr(web, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(store_s3, "PAUSES_SECONDS", (0.01, 0.05))
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "10")
    monkeypatch.setenv("PREDICTIVE_SCALING_S3_PATIENCE_SECONDS", "20")


@pytest.fixture
def server():
    """Prometheus' answer to a range query, and the Pushgateway's to a push."""
    with FlakyServer(lambda *_: (200, {"Content-Type": "application/json"}, MATRIX)) as found:
        yield found


@pytest.fixture
def silence_is_short(monkeypatch):
    """A server that says nothing is soon left; elsewhere not, for a busy machine is as slow."""
    monkeypatch.setattr(web, "READ_SECONDS", 0.6)


def _asks(server):
    (series,) = query_range(Server("PROMETHEUS", server.url), "up", Span(600, 1200, 300))
    assert series.samples == [(600, 1.5)]


def _pushes(server):
    push(Server("PUSHGATEWAY", server.url), {"service": "a"}, [Gauge("accuracy", (("service", "a"),), 0.9)])


@pytest.mark.parametrize("fault", [*PASSING, CUT])
@pytest.mark.parametrize("work", [_asks, _pushes])
def test_prometheus_and_the_pushgateway_are_asked_again(server, work, fault, request):
    if fault == STALL:
        request.getfixturevalue("silence_is_short")
    server.faults = [fault] * 6
    work(server)
    assert len(server.asked) == 7


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("work", [lambda server: Server("PROMETHEUS", server.url).call("GET"), _pushes])
def test_what_does_not_pass_is_told_at_once(server, work, status):
    server.faults = [status] * 6
    with pytest.raises(RefusedError, match=str(status)):
        work(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("work", [_asks, _pushes])
def test_patience_has_an_end(server, work, monkeypatch):
    monkeypatch.setattr(web, "READ_SECONDS", 0.2)
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "1")
    server.faults = [STALL, 503] * 100
    began = time.monotonic()
    with pytest.raises(RemoteError):
        work(server)
    assert 0.4 < time.monotonic() - began < 10  # all faults would take 20 s
    assert len(server.asked) > 2


def test_a_server_that_asks_to_be_left_alone_is_left_alone(server, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "60")
    now = [0.0]
    server.retry_after = "7"
    server.faults = [429, 503]
    waited = Server("PROMETHEUS", server.url, sleep=lambda s: now.append(now[-1] + s), clock=lambda: now[-1])
    assert waited.call("GET") == MATRIX
    assert now[1:] == [7.0, 14.0]


class Bucket:
    """The few calls of S3 that the registry makes, kept in memory."""

    def __init__(self):
        self.objects = {}

    def answer(self, method, path, headers, body):
        key = path.partition("?")[0]
        if method == "PUT":
            kept = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
            self.objects[key] = kept, _unchunked(headers, body)
            return 200, {"ETag": '"x"'}, b""
        if method == "DELETE":
            self.objects.pop(key, None)
            return 204, {}, b""
        if key not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        kept, content = self.objects[key]
        return 200, {"ETag": '"x"', **kept}, content


def _unchunked(headers, body):
    assert "aws-chunked" not in headers.get("content-encoding", ""), (
        "no checksums that older servers do not know"
    )
    return body


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setattr(
        store_s3,
        "Config",
        lambda **options: _Config(**{**options, "read_timeout": 0.2, "retries": {"max_attempts": 0}}),
    )
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with FlakyServer(Bucket().answer) as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", found.url)
        yield found


_Config = store_s3.Config


@pytest.mark.parametrize("fault", [fault for fault in PASSING if fault not in (408, 425)])
def test_a_store_is_asked_again(bucket, tmp_path, fault):
    store = open_registry("s3://bucket/x")
    (tmp_path / "in").write_bytes(b"content")
    for work in (
        lambda: store.put("a.json", b"{}"),
        lambda: store.get("a.json"),
        lambda: store.put_file("b", tmp_path / "in"),
        lambda: store.get_file("b", tmp_path / "out"),
        lambda: store.delete("a.json"),
    ):
        bucket.asked.clear()
        bucket.faults = [fault] * 6
        work()
        assert len(bucket.asked) > 6
    assert (tmp_path / "out").read_bytes() == b"content"


def test_an_object_that_comes_in_part_is_asked_for_again(bucket, tmp_path):
    store = open_registry("s3://bucket/x")
    store.put("a.json", b"{}")
    bucket.faults = [CUT] * 6
    assert store.get("a.json") == b"{}"
    store.put("b", b"content")
    bucket.faults = [CUT] * 14
    store.get_file("b", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"content"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 501])
def test_a_store_that_refuses_is_asked_once(bucket, status):
    store = open_registry("s3://bucket/x")
    bucket.faults = [status] * 6
    with pytest.raises(RegistryError):
        store.get("a.json")
    assert [each for each in bucket.asked if each[1].endswith("a.json")] == [("GET", "/bucket/x/a.json")]
    assert len(bucket.asked) <= 2  # where the answer says no more than its number, a list says why


def test_patience_with_a_store_has_an_end(bucket, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_S3_PATIENCE_SECONDS", "1")
    bucket.faults = [503] * 1000
    began = time.monotonic()
    with pytest.raises(RegistryError):
        open_registry("s3://bucket/x").put("a.json", b"{}")
    assert time.monotonic() - began < 20  # all faults would take 50 s


SLOW = [misbehaving.slow_body, misbehaving.slow_headers, misbehaving.slow_chunks, misbehaving.slow_interim]


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("work", [_asks, _pushes])
def test_an_answer_that_trickles_is_not_waited_for_longer_than_others(monkeypatch, work, slow):
    monkeypatch.setattr(web, "WHOLE_SECONDS", 0.6)
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "0.1")
    with Misbehaving(lambda _: slow()) as server:
        began = time.monotonic()
        with pytest.raises(RemoteError, match="did not answer"):
            work(server)
    assert time.monotonic() - began < 5


def test_an_answer_that_takes_less_than_that_is_taken(monkeypatch):
    monkeypatch.setattr(web, "WHOLE_SECONDS", 30)

    def slowly(_):
        yield misbehaving.head(len(MATRIX))
        for byte in MATRIX:
            time.sleep(0.002)
            yield bytes([byte])

    with Misbehaving(slowly) as server:
        _asks(server)


def test_an_answer_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(web, "MAX_ANSWER_BYTES", 1_000_000)
    packed = misbehaving.bomb(200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Misbehaving(lambda _: packed) as server, pytest.raises(RemoteError, match="more than 1000000 bytes"):
        _asks(server)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 100


def test_a_web_page_in_the_place_of_a_pushgateway_took_nothing():
    page = misbehaving.reply(b"<!DOCTYPE html><html>Log in</html>")
    with Misbehaving(lambda _: page) as server, pytest.raises(RemoteError, match="nothing was pushed"):
        _pushes(server)


@pytest.mark.parametrize(
    "body", [{"error": "late", "code": 4}, {}, {"status": "error", "error": "x"}, b"<html>", b"OK"]
)
def test_an_error_with_the_status_of_a_success_is_no_usage(body):
    with (
        Misbehaving(lambda _: misbehaving.reply(body)) as server,
        pytest.raises(RemoteError, match="not the result"),
    ):
        _asks(server)


def test_a_refusal_that_repeats_the_token_is_told_without_it(monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_TOKEN", "plainlooking0815words")
    refusal = misbehaving.reply(b"no such user: plainlooking0815words", status="403 Forbidden")
    with Misbehaving(lambda _: refusal) as server, pytest.raises(RemoteError) as caught:
        _asks(server)
    assert "no such user: [hidden]" in str(caught.value)


def test_a_list_of_a_bucket_without_an_end_is_given_up(monkeypatch):
    monkeypatch.setattr(store_s3, "MOST_PAGES", 10)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    numbers = itertools.count()

    def page(_):
        body = (
            "<ListBucketResult><IsTruncated>true</IsTruncated>"
            f"<NextContinuationToken>{next(numbers)}</NextContinuationToken></ListBucketResult>"
        )
        return misbehaving.reply(body.encode())

    with Misbehaving(page) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        with pytest.raises(RegistryError, match="10 pages and no last one"):
            open_registry("s3://bucket/models").objects_under("runs")
