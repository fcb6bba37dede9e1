"""What stands between us and a KFP: overload, broken connections, logins, renewed tokens, certificates."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from delivery.atomic import Volume
from kfp_gitops.base.errors import (
    DeniedError,
    NotFoundError,
    RemoteError,
    TemporaryError,
    UnclearError,
    UsageError,
)
from kfp_gitops.kfpserver.kfpapi import access, transport
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.clock import ServerClock
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfpapi.stub import Answer, Seen, Stub

NO_ONE = Access()
LOGIN = Answer(200, b"<!DOCTYPE html><html><body>Log in</body></html>", "text/html; charset=utf-8")


class Waits:
    """A backoff that remembers how long it was told to wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.backoff = Backoff(tries=5, sleep=self.seconds.append)


def _failing(*statuses: int, **headers: str) -> Stub:
    """Answers these first, then success."""
    left = list(statuses)

    def answer(_request: Seen) -> Answer:
        if not left:
            return Answer()
        return Answer(
            left.pop(0), b'{"message": "busy"}', headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return Stub(answer)


def _api(stub: Stub, who: Access = NO_ONE, waits: Waits | None = None) -> KfpApi:
    return KfpApi(stub.url, "", who, (waits or Waits()).backoff)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_sent_again_after_a_growing_jittered_wait(status: int) -> None:
    waits = Waits()
    with _failing(status, status, status) as stub:
        assert list(_api(stub, waits=waits).schedules()) == []
    assert len(stub.seen) == 4
    assert len(waits.seconds) == 3
    assert all(0 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits.seconds))


def test_the_server_may_say_how_long_to_wait_within_reason() -> None:
    waits = Waits()
    with _failing(429, 503, Retry_After="7") as stub:
        list(_api(stub, waits=waits).schedules())
    assert waits.seconds == [7.0, 7.0]
    with _failing(429, Retry_After="86400") as stub:
        list(_api(stub, waits=waits).schedules())
    assert waits.seconds[-1] == 20.0


def test_it_is_not_sent_again_for_ever() -> None:
    with _failing(*[503] * 50) as stub, pytest.raises(TemporaryError, match="HTTP 503: busy"):
        list(_api(stub).schedules())
    assert len(stub.seen) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 409, 501])
def test_what_will_not_get_better_is_not_sent_again(status: int) -> None:
    with _failing(status) as stub, pytest.raises(RemoteError, match=f"HTTP {status}: busy"):
        list(_api(stub).schedules())
    assert len(stub.seen) == 1


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_TIMEOUT", (1, 1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = KfpApi(f"http://127.0.0.1:{silent.getsockname()[1]}", "", NO_ONE, Backoff(tries=1))
        with pytest.raises(TemporaryError, match="timed out"):
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
                _start(_api(stub))
        else:
            assert _start(_api(stub)) == "r1"
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
        assert _start(_api(stub)) == "r1"


def test_a_time_out_counts_as_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_TIMEOUT", (2, 2))
    given_up = threading.Event()

    def answer(request: Seen) -> Answer:
        if request.method == "POST":
            given_up.wait(60)
        return Answer()

    with Stub(answer) as stub:
        with pytest.raises(UnclearError, match="it is not sent again"):
            _start(_api(stub))
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


@pytest.mark.parametrize(
    "answer",
    [
        LOGIN,
        Answer(302, b"", headers={"Location": "https://dex.example.com/auth?client=kubeflow"}),
        Answer(303, b"Found", "text/plain", headers={"Location": "/login"}),
        Answer(401, LOGIN.body, LOGIN.content_type),
        Answer(403, b"<html>Forbidden</html>", "text/html"),
    ],
)
def test_a_login_page_is_recognised_and_never_followed(answer: Answer) -> None:
    with Stub(lambda _: answer) as stub, pytest.raises(DeniedError, match="login page") as caught:
        list(_api(stub).schedules())
    assert "--token-file" in str(caught.value)
    assert "<html" not in str(caught.value).lower()
    assert len(stub.seen) == 1


def test_the_page_of_a_broken_proxy_is_no_login_and_is_tried_again() -> None:
    with (
        Stub(lambda _: Answer(502, b"<html>Bad Gateway</html>", "text/html")) as stub,
        pytest.raises(TemporaryError, match="HTTP 502: a web page"),
    ):
        list(_api(stub).schedules())
    assert len(stub.seen) == 5


@pytest.mark.parametrize(
    "body", [b"OK", b"[1]", b'{"pipelines": 3', b'"text"', b'{"recurringRuns": 7}', b"\xff"]
)
def test_what_is_no_reply_of_kfp_is_a_remote_error(body: bytes) -> None:
    with Stub(lambda _: Answer(200, body)) as stub, pytest.raises(RemoteError, match=re.escape(stub.url)):
        list(_api(stub).schedules())


@pytest.mark.parametrize(
    "body",
    [
        b'{"recurringRuns": [{"recurring_run_id": "1", "trigger": {"periodic_schedule": {}}}]}',
        b'{"recurringRuns": [{"recurring_run_id": "1", "created_at": "99999999999999999999"}]}',
        b'{"recurringRuns": [{"recurring_run_id": "1", "max_concurrency": "many"}]}',
        b'{"recurringRuns": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"recurringRuns": [], "next_page_token": "again"}',
    ],
)
def test_an_object_that_makes_no_sense_is_a_remote_error(body: bytes) -> None:
    with Stub(lambda _: Answer(200, body)) as stub, pytest.raises(RemoteError):
        list(_api(stub).schedules())


def test_an_object_that_kfp_itself_cannot_read_stops_nothing() -> None:
    """toApiRecurringRun gives one whose parameters it cannot parse an id and an error alone."""
    body = b'{"recurringRuns": [{"recurring_run_id": "1", "error": {"code": 13, "message": "not parsed"}}]}'
    with Stub(lambda _: Answer(200, body)) as stub:
        (found,) = _api(stub).schedules()
    assert (found.id, found.name, found.owner) == ("1", "", None)


def test_states_that_a_newer_server_has_are_taken() -> None:
    body = json.dumps({"run_id": "1", "display_name": "r", "state": "DREAMING"}).encode()
    with Stub(lambda _: Answer(200, body)) as stub:
        assert _api(stub).run("1").state == "DREAMING"


# credentials


def test_a_token_file_is_read_for_every_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with Stub(lambda _: Answer()) as stub:
        file.write_text("first-token\n")
        api = _api(stub, Access(token_file=file))
        list(api.schedules())
        file.write_text("second-token\n")
        list(api.schedules())
    assert [s.headers["authorization"] for s in stub.seen] == ["Bearer first-token", "Bearer second-token"]


def test_a_token_that_expired_between_reading_and_sending_is_read_again_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old-token")

    def answer(request: Seen) -> Answer:
        if request.headers["authorization"] == "Bearer new-token":
            return Answer()
        file.write_text("new-token")  # rotated while the request was under way
        return Answer(401, b'{"message": "token expired"}')

    with Stub(answer) as stub:
        list(_api(stub, Access(token_file=file)).schedules())
    assert len(stub.seen) == 2


def test_a_refused_token_is_not_tried_again_and_not_repeated_in_the_message(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("quite-secret-7f3a")
    refusal = Answer(401, b'{"message": "no such user: quite-secret-7f3a"}')
    with Stub(lambda _: refusal) as stub, pytest.raises(DeniedError) as caught:
        list(_api(stub, Access(token_file=file)).schedules())
    assert len(stub.seen) == 1
    assert "quite-secret" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_cookies_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "cookies"
    file.write_text("authservice_session=abc123")
    with Stub(lambda _: Answer()) as stub:
        list(_api(stub, Access(cookies_file=file)).schedules())
    assert stub.seen[0].headers["cookie"] == "authservice_session=abc123"
    assert "authorization" not in stub.seen[0].headers


def test_where_credentials_come_from(tmp_path: Path) -> None:
    for name in ("given", "projected", "cookies", "ca"):
        (tmp_path / name).write_text(f"the-{name}")
    environ = {"KF_PIPELINES_SA_TOKEN_PATH": str(tmp_path / "projected")}
    assert access.from_environment({}).headers() == {}
    assert access.from_environment(environ).headers() == {"authorization": "Bearer the-projected"}
    environ["KFP_TOKEN"] = "the-token"
    assert access.from_environment(environ).headers() == {"authorization": "Bearer the-token"}
    found = access.from_environment(environ, token_file=tmp_path / "given", cookies_file=tmp_path / "cookies")
    assert found.headers() == {"authorization": "Bearer the-given", "cookie": "the-cookies"}
    environ |= {"KFP_COOKIES_FILE": str(tmp_path / "cookies"), "KFP_CA_FILE": str(tmp_path / "ca")}
    assert access.from_environment(environ).ca_file == tmp_path / "ca"
    assert "the-token" not in repr(access.from_environment(environ))


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "No such file"), ("", "is empty"), ("two\nlines", "characters"), ("t\u00f6ken", "characters")],
)
def test_credentials_that_cannot_be_sent_are_bad_usage(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        access.from_environment({}, token_file=file)
    assert "two" not in str(caught.value)


def test_the_proxy_of_the_environment_is_used_unless_the_host_is_excepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = json.dumps({"run_id": "1", "display_name": "through the proxy"}).encode()
    with Stub(lambda _: Answer(200, body)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "excepted.example.com")
        api = KfpApi("http://kfp.example.com:8888", "", NO_ONE, Backoff(tries=1))
        assert api.run("1").name == "through the proxy"
        assert access.proxy("http://excepted.example.com:8888") is None
    assert proxy.seen[0].path == "http://kfp.example.com:8888/apis/v2beta1/runs/1"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@pytest.fixture
def secured(certificate: Path) -> Iterator[str]:
    stub = Stub(lambda _: Answer())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "server.pem")
    stub.server.socket = context.wrap_socket(stub.server.socket, server_side=True)
    with stub:
        yield f"https://localhost:{stub.server.server_port}"


def test_an_authority_that_is_given_is_trusted_and_no_other(secured: str, certificate: Path) -> None:
    trusting = Access(ca_file=certificate / "ca.pem")
    assert list(KfpApi(secured, "", trusting, Backoff(tries=1)).schedules()) == []
    with pytest.raises(RemoteError, match=r"TLS: .*certificate.*--ca-file") as caught:
        list(KfpApi(secured, "", NO_ONE, Backoff(tries=3)).schedules())
    assert not isinstance(caught.value, TemporaryError)


def test_an_authority_that_is_mounted_is_read_again_when_it_rotates(
    secured: str, certificate: Path, tmp_path: Path
) -> None:
    mounted = Volume(tmp_path / "ca")
    mounted.write({"ca.crt": trustme.CA().cert_pem.bytes().decode()})
    api = KfpApi(secured, "", Access(ca_file=mounted.folder / "ca.crt"), Backoff(tries=1))
    with pytest.raises(RemoteError, match="certificate verify failed"):
        list(api.schedules())
    mounted.write({"ca.crt": (certificate / "ca.pem").read_text("utf-8")})
    assert list(api.schedules()) == []


def test_an_authority_that_is_being_replaced_is_looked_for_again(secured: str, tmp_path: Path) -> None:
    gone = Access(ca_file=tmp_path / "ca.crt")
    with pytest.raises(TemporaryError, match="is there no more, or not yet"):
        list(KfpApi(secured, "", gone, Backoff(tries=1)).schedules())


# threads


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
        api = _api(stub)
        assert list(pool.map(lambda _: list(api.schedules()), range(96))) == [[]] * 96
    assert most == transport.CONCURRENCY
    assert len(stub.seen) == 96


def test_a_missing_pipeline_is_none_and_other_missing_things_are_said() -> None:
    with Stub(lambda _: Answer(404, b'{"message": "not found"}')) as stub:
        assert _api(stub).pipeline("x") is None
        with pytest.raises(NotFoundError, match="HTTP 404"):
            _api(stub).run("1")
        _api(stub).delete_schedule("gone already")


def test_a_missing_page_of_another_server_says_nothing_of_a_pipeline() -> None:
    page = Answer(404, b"<html>not found</html>", "text/html")
    with Stub(lambda _: page) as stub, pytest.raises(RemoteError, match="this the address of KFP") as caught:
        _api(stub).pipeline_id("x")
    assert not isinstance(caught.value, NotFoundError)


def test_a_name_that_no_server_has_is_said_in_words() -> None:
    with pytest.raises(RemoteError) as caught:
        list(KfpApi("http://kfp.invalid", "", NO_ONE).schedules())
    assert not isinstance(caught.value, TemporaryError)  # so it ends at once
    assert str(caught.value).startswith("http://kfp.invalid: no address is known for this name; is it right")


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
    clock.hear("Tue, 24 Nov 2026 00:00:07 GMT", asked=3.0)  # the server's clock itself was set back
    assert clock.now() < datetime(2026, 11, 24, 0, 0, 20, tzinfo=UTC)
