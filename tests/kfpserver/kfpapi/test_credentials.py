"""Tokens, cookies, proxies and certificates: read for every request, renewed, never repeated."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from delivery.atomic import Volume
from kfp_gitops.base.errors import (
    DeniedError,
    RemoteError,
    TemporaryError,
    UsageError,
)
from kfp_gitops.kfpserver.kfpapi import access
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfpapi.stub import Answer, Seen, Stub
from transport_kit import NO_ONE, api_of


def test_a_token_file_is_read_for_every_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with Stub(lambda _: Answer()) as stub:
        file.write_text("first-token\n")
        api = api_of(stub, Access(token_file=file))
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
        list(api_of(stub, Access(token_file=file)).schedules())
    assert len(stub.seen) == 2


def test_a_refused_token_is_not_tried_again_and_not_repeated_in_the_message(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("quite-secret-7f3a")
    refusal = Answer(401, b'{"message": "no such user: quite-secret-7f3a"}')
    with Stub(lambda _: refusal) as stub, pytest.raises(DeniedError) as caught:
        list(api_of(stub, Access(token_file=file)).schedules())
    assert len(stub.seen) == 1
    assert "quite-secret" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_cookies_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "cookies"
    file.write_text("authservice_session=abc123")
    with Stub(lambda _: Answer()) as stub:
        list(api_of(stub, Access(cookies_file=file)).schedules())
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
