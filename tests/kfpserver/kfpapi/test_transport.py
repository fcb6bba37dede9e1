"""What stands between us and a KFP: overload, broken connections, logins, renewed tokens, certificates."""

from __future__ import annotations

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from kfp_gitops.base.errors import (
    RemoteError,
    TemporaryError,
    UnclearError,
)
from kfp_gitops.kfpserver.kfpapi import failures, transport
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.clock import ServerClock
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfpapi.stub import Answer, Seen, Stub
from transport_kit import NO_ONE, Waits, api_of, failing
from urllib3.util import Retry


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_sent_again_after_a_growing_jittered_wait(status: int) -> None:
    waits = Waits()
    with failing(status, status, status) as stub:
        assert list(api_of(stub, waits=waits).schedules()) == []
    assert len(stub.seen) == 4
    assert len(waits.seconds) == 3
    assert all(0 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits.seconds))


def test_the_server_may_say_how_long_to_wait_within_reason() -> None:
    waits = Waits()
    with failing(429, 503, Retry_After="7") as stub:
        list(api_of(stub, waits=waits).schedules())
    assert waits.seconds == [7.0, 7.0]
    with failing(429, Retry_After="86400") as stub:
        list(api_of(stub, waits=waits).schedules())
    assert waits.seconds[-1] == 20.0


def test_the_server_may_say_when_to_come_back_as_a_date() -> None:
    """Of RFC 9110, 10.2.3; what is no such header leaves the wait to us."""
    waits = Waits()
    with failing(429, Retry_After=formatdate(time.time() + 15, usegmt=True)) as stub:
        list(api_of(stub, waits=waits).schedules())
    assert 5 < waits.seconds[-1] <= 15
    for said in ("soon", "-1", "Thu, 99 Foo 9999 00:00:00"):
        with failing(429, Retry_After=said) as stub:
            list(api_of(stub, waits=waits).schedules())
        assert waits.seconds[-1] <= 0.5


@pytest.mark.parametrize("status", range(400, 600))
def test_what_urllib3_would_send_again_we_do_too(status: int) -> None:
    """But for 413: a request that is too large stays so."""
    waits = Retry(status_forcelist=[500, 502, 503, 504]).is_retry("GET", status, has_retry_after=True)
    error = failures.of_reply(status, "", "busy", None, "nobody")
    assert isinstance(error, TemporaryError) or not waits or status == 413


def test_it_is_not_sent_again_for_ever() -> None:
    with failing(*[503] * 50) as stub, pytest.raises(TemporaryError, match="HTTP 503: busy"):
        list(api_of(stub).schedules())
    assert len(stub.seen) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 409, 501])
def test_what_will_not_get_better_is_not_sent_again(status: int) -> None:
    with failing(status) as stub, pytest.raises(RemoteError, match=f"HTTP {status}: busy"):
        list(api_of(stub).schedules())
    assert len(stub.seen) == 1


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_REQUEST", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = KfpApi(f"http://127.0.0.1:{silent.getsockname()[1]}", "", NO_ONE, Backoff(tries=1))
        with pytest.raises(TemporaryError, match="not here whole after 1 s"):
            list(api.schedules())


def _start(api: KfpApi) -> str:
    return api.create_run(
        name="p-changed-1", pipeline_id="p", version_id="v", experiment_id="e", parameters={}
    )


@pytest.mark.parametrize("looks", [1, 3, 99], ids=["soon", "late", "never"])
def test_a_run_that_a_gateway_gave_up_is_looked_for_and_never_asked_for_twice(looks: int) -> None:
    """KFP is still at work on it: asked for again, it would come twice."""

    def answer(request: Seen) -> Answer:
        if request.method == "POST":
            return Answer(504, b"upstream request timeout", "text/plain")
        there = len(stub.seen) > looks
        return Answer(body=b'{"runs": [{"run_id": "r1", "display_name": "p-changed-1"}]}' if there else b"{}")

    with Stub(answer) as stub:
        if looks == 99:
            with pytest.raises(UnclearError, match="it is not sent again"):
                _start(api_of(stub))
        else:
            assert _start(api_of(stub)) == "r1"
    assert [request.method for request in stub.seen].count("POST") == 1


@pytest.mark.parametrize(
    "busy",
    [
        Answer(429, b'{"message": "too many requests"}'),
        Answer(503, b"no healthy upstream", "text/plain"),
        Answer(503, b"<html><h1>503 Service Temporarily Unavailable</h1></html>", "text/html"),
        Answer(
            503,
            b"upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        ),
    ],
)
def test_a_run_that_never_reached_kfp_is_asked_for_again(busy: Answer) -> None:
    def answer(request: Seen) -> Answer:
        posts = [seen for seen in stub.seen if seen.method == "POST"]
        if request.method == "POST":
            return busy if len(posts) == 1 else Answer(body=b'{"run_id": "r1"}')
        return Answer()

    with Stub(answer) as stub:
        assert _start(api_of(stub)) == "r1"


def test_a_time_out_counts_as_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_REQUEST", 2.0)
    given_up = threading.Event()

    def answer(request: Seen) -> Answer:
        if request.method == "POST":
            given_up.wait(60)
        return Answer()

    with Stub(answer) as stub:
        with pytest.raises(UnclearError, match="it is not sent again"):
            _start(api_of(stub))
        given_up.set()
    assert [request.method for request in stub.seen].count("POST") == 1


def test_nobody_listening_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TemporaryError) as caught:
        list(KfpApi(f"http://127.0.0.1:{port}", "", NO_ONE, Backoff(tries=1)).schedules())
    assert re.fullmatch(
        rf"http://127.0.0.1:{port}: cannot be reached \(connection refused\); is it running .*",
        str(caught.value),
    )


def test_threads_share_one_api_and_no_more_than_the_limit_are_under_way() -> None:
    lock, now, most = threading.Lock(), 0, 0
    barrier = threading.Barrier(transport.CONCURRENCY)

    def answer(_request: Seen) -> Answer:
        nonlocal now, most
        with lock:
            now, most = now + 1, max(most, now + 1)
        barrier.wait(60)  # opens when as many as are allowed have come
        with lock:
            now -= 1
        return Answer()

    with Stub(answer) as stub, ThreadPoolExecutor(96) as pool:
        api = api_of(stub)
        assert list(pool.map(lambda _: list(api.schedules()), range(96))) == [[]] * 96
    assert most == transport.CONCURRENCY
    assert len(stub.seen) == 96


def test_each_keeps_the_order_and_stops_at_the_first_failure() -> None:
    assert transport.each(lambda n: n * 2, range(100)) == [n * 2 for n in range(100)]
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.01)
        raise TemporaryError(str(number))

    with pytest.raises(TemporaryError, match=r"^0$"):
        transport.each(work, range(1000))
    assert len(begun) < 500


def test_a_reply_that_was_overtaken_does_not_set_the_servers_clock_back() -> None:
    clock = ServerClock()
    clock.hear("Tue, 24 Nov 2026 00:00:20 GMT", asked=2.0)
    clock.hear("Tue, 24 Nov 2026 00:00:05 GMT", asked=1.0)
    assert clock.now() >= datetime(2026, 11, 24, 0, 0, 20, tzinfo=UTC)
    clock.hear(
        "Tue, 24 Nov 2026 00:00:07 GMT", asked=3.0
    )  # the server's clock itself was set back: it stands still
    assert clock.now() <= datetime(2026, 11, 24, 0, 0, 25, tzinfo=UTC)
