"""Pushed to a real registry and pulled from it; and what a registry that lies, or wants a login, is told."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from kfp_gitops.base.errors import DeniedError, GarbledError, InputError, RemoteError, UsageError
from kfp_gitops.base.oci import Image
from kfp_gitops.operate.registry import Registry, tag
from servers.registry import PASSWORD, USER, RegistryServer

IMAGE = Image({"environment.yaml": "a: ä\n", "pipelines/p/pipeline.yaml": "b\n"})
BYTES = {path: text.encode() for path, text in IMAGE.texts.items()}


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def _log_in(tmp_path: Path, host: str, user: str = USER, password: str = PASSWORD) -> None:
    (tmp_path / "docker").mkdir()
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {host: {"auth": secret}}}))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    found = RegistryServer(tmp_path / "server").start()
    yield found
    found.kill()


def test_what_is_pushed_is_pulled_by_its_digest_and_has_a_tag(server: RegistryServer) -> None:
    registry = Registry(server.host, "team/prod")
    assert not registry.has(IMAGE.digest)
    registry.push(IMAGE)
    assert registry.has(IMAGE.digest)
    assert Registry(server.host, "team/prod").pull(IMAGE.digest) == BYTES
    listed = requests.get(f"http://{server.host}/v2/team/prod/tags/list", timeout=60).json()
    assert listed["tags"] == [tag(IMAGE.digest)]
    registry.push(IMAGE)  # what is there already is sent again by nobody


def test_what_was_never_pushed_is_told(server: RegistryServer) -> None:
    with pytest.raises(RemoteError, match="HTTP 404"):
        Registry(server.host, "team/prod").pull(IMAGE.digest)


def test_a_registry_with_a_login(tmp_path: Path) -> None:
    server = RegistryServer(tmp_path / "server", login=True).start()
    try:
        with pytest.raises(DeniedError, match="docker login"):
            Registry(server.host, "team/prod").push(IMAGE)
        _log_in(tmp_path, server.host)
        Registry(server.host, "team/prod").push(IMAGE)
        assert Registry(server.host, "team/prod").pull(IMAGE.digest) == BYTES
    finally:
        server.kill()


def test_one_that_is_away_is_told() -> None:
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:1: "):
        Registry("127.0.0.1:1", "team/prod").push(IMAGE)


@pytest.mark.parametrize("text", ["", "a/b", "a/b:1", f"a/b@sha256:{'0' * 63}", f"a@sha256:{'0' * 64}"])
def test_what_is_no_reference_by_digest(text: str) -> None:
    with pytest.raises(UsageError, match="is no REGISTRY/NAME"):
        Registry.of(text)


Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def _fake(answer: Callable[[str, str, dict[str, str]], Answer]) -> Iterator[str]:
    """A server that answers as a function of (method, path, headers); yields its host and port."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answer(self.command, self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    for method in ("GET", "HEAD", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler._answer)
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{found.server_port}"
    finally:
        found.shutdown()
        found.server_close()


def _kept() -> dict[str, bytes]:
    """Path below the repository → content, as a registry has it after a push."""
    found = {f"blobs/{blob.digest}": blob.content for blob in IMAGE.blobs()}
    manifests = (*IMAGE.manifests.values(), IMAGE.index)
    return found | {f"manifests/{blob.digest}": blob.content for blob in manifests}


def test_a_token_is_asked_for_with_the_credentials_and_handed_to_the_registry_alone(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def answer(method: str, path: str, headers: dict[str, str]) -> Answer:
        who = headers.get("Authorization", "")
        asked.append((path.partition("?")[0], who.partition(" ")[0]))
        if path.startswith("/token"):
            assert "scope=repository%3Ateam%2Fprod%3Apull%2Cpush" in path
            return 200, {}, json.dumps({"token": "of-tests"}).encode()
        if who != "Bearer of-tests":
            realm = f'Bearer realm="http://{headers["Host"]}/token",service="s",scope="x"'
            return 401, {"WWW-Authenticate": realm}, b""
        return 200, {}, _kept()[path.removeprefix("/v2/team/prod/")]

    with _fake(answer) as host:
        _log_in(tmp_path, host)
        assert Registry(host, "team/prod").pull(IMAGE.digest) == BYTES
    assert asked[0][1] == ""
    assert [kind for path, kind in asked if path == "/token"] == ["Basic"]
    assert {kind for path, kind in asked[2:]} == {"Bearer"}


def test_credentials_go_to_no_place_that_is_not_safe(tmp_path: Path) -> None:
    def answer(*_: object) -> Answer:
        return 401, {"WWW-Authenticate": 'Bearer realm="http://elsewhere.example.com/token"'}, b""

    with _fake(answer) as host:
        _log_in(tmp_path, host)
        with pytest.raises(GarbledError, match="no safe place to log in"):
            Registry(host, "team/prod").pull(IMAGE.digest)


def test_an_upload_goes_nowhere_else() -> None:
    def answer(method: str, *_: object) -> Answer:
        return (
            (202, {"Location": "http://elsewhere.example.com/upload"}, b"")
            if method == "POST"
            else (404, {}, b"")
        )

    with _fake(answer) as host, pytest.raises(GarbledError, match=r"wants the upload elsewhere"):
        Registry(host, "team/prod").push(IMAGE)


def test_an_upload_stays_on_the_way_that_was_begun() -> None:
    """Of an https registry `http://` there would send the password for all to read; this machine's is the reverse."""

    def answer(method: str, _: str, headers: dict[str, str]) -> Answer:
        if method == "POST":
            return 202, {"Location": f"https://{headers['Host']}/upload"}, b""
        return 404, {}, b""

    with _fake(answer) as host, pytest.raises(GarbledError, match=r"wants the upload elsewhere: https://"):
        Registry(host, "team/prod").push(IMAGE)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_content_of_another_digest_is_believed_by_nobody(which: int) -> None:
    kept = _kept()
    path = [
        f"manifests/{IMAGE.digest}",
        f"manifests/{IMAGE.manifests['amd64'].digest}",
        f"blobs/{IMAGE.layer.digest}",
    ][which]
    kept[path] = kept[path].replace(b"a", b"b")

    def answer(_: str, asked: str, __: dict[str, str]) -> Answer:
        return 200, {}, kept[asked.removeprefix("/v2/team/prod/")]

    with _fake(answer) as host, pytest.raises(GarbledError, match="gives sha256:"):
        Registry(host, "team/prod").pull(IMAGE.digest)


def test_a_blob_may_be_stored_elsewhere_and_no_credentials_go_there(tmp_path: Path) -> None:
    kept, seen = _kept(), []

    def store(_: str, path: str, headers: dict[str, str]) -> Answer:
        seen.append(headers.get("Authorization"))
        return 200, {}, kept[path.lstrip("/")]

    with _fake(store) as elsewhere:

        def answer(_: str, path: str, headers: dict[str, str]) -> Answer:
            if "Authorization" not in headers:
                return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
            name = path.removeprefix("/v2/team/prod/")
            if name.startswith("blobs/"):
                return 307, {"Location": f"http://{elsewhere}/{name}"}, b""
            return 200, {}, kept[name]

        with _fake(answer) as host:
            _log_in(tmp_path, host)
            assert Registry(host, "team/prod").pull(IMAGE.digest) == BYTES
    assert seen == [None]


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b'{"manifests": [1]}', b'{"manifests": [{"digest": 1}]}', b"no"]
)
def test_an_image_of_somebody_else_is_refused(content: bytes) -> None:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with _fake(lambda *_: (200, {}, content)) as host, pytest.raises(InputError, match="push it again"):
        Registry(host, "team/prod").pull(digest)


def test_a_reply_without_end_is_not_read() -> None:
    with _fake(lambda *_: (200, {}, bytes(2 << 20))) as host, pytest.raises(GarbledError, match="more than"):
        Registry(host, "team/prod").pull(IMAGE.digest)
