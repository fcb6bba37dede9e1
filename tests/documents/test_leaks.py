"""Secrets are planted wherever one may come from; none may come out: not on a screen, not in a file, not in a log."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from kfp_gitops.base import redact
from kfp_gitops.devserver import DevServer, Faults, Rights
from kfpapi.stub import Answer, Seen, Stub
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))
TOKEN = "tok-3b9f1c7e2d"
COOKIE = "authservice_session=MTY5-cookie-5f2a"
PASSWORD = "hunter2-pass-9c1e"
OTHERS = "AKIA-secret-77d0"
PLANTED = (TOKEN, COOKIE.split("=")[1], PASSWORD, OTHERS)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the environment, in files, and in a proxy's address."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "cookies").write_text(COOKIE)
    monkeypatch.setenv("KFP_TOKEN", TOKEN)
    monkeypatch.setenv("KFP_COOKIES_FILE", str(tmp_path / "cookies"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OTHERS)
    monkeypatch.setenv("https_proxy", f"http://proxy:{PASSWORD}@127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def rendered(repository: Path, command: Callable[..., Outcome]) -> Path:
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


def _clean(outcome: Outcome, *folders: Path) -> None:
    texts = {"stdout": outcome.out, "stderr": outcome.err}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in ("token", "cookies"):
                texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    found = [(place, secret) for place, text in texts.items() for secret in PLANTED if secret in text]
    assert found == []


def _echo(request: Seen) -> Answer:
    """A server or proxy that tells in its error whatever it was told, and what it knows itself."""
    said = (
        f"cannot authenticate {json.dumps(dict(request.headers))} with password={PASSWORD} at "
        f"postgres://kfp:{PASSWORD}@db/kfp; aws_secret_access_key: {OTHERS}"
    )
    return Answer(500, json.dumps({"message": said}).encode())


COMMANDS = [
    ("reconcile", "plan"), ("reconcile", "apply"), ("reconcile", "status"), ("reconcile", "status", "--json"),
    ("reconcile", "disable"), ("reconcile", "pause", "--until", "8h"), ("reconcile", "resume"), ("doctor",),
    ("doctor", "--json"), ("run", "--pipeline", "hello"), ("run", "--pipeline", "hello", "--list"),
    ("run", "--status", "x"), ("run", "--rerun", "x"),
    ("run", "--pipeline", "hello", "--backfill", "2026-01-05..2026-01-05"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.usefixtures("impatient")
def test_a_server_that_echoes_everything_makes_nobody_tell(
    planted: Path, rendered: Path, command: Callable[..., Outcome], words: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    name, *arguments = words
    with Stub(_echo) as stub:
        outcome = command(name, *arguments, "--root", rendered, "--env", "dev", "--host", stub.url)
        assert stub.seen, "nothing was asked"
    assert outcome.code == 4
    assert "[hidden]" in outcome.out + outcome.err
    assert "Traceback" not in outcome.err
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("kfp_gitops"))
    assert [secret for secret in PLANTED if secret in ours] == []
    _clean(outcome, rendered, planted / "cache")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(
        tmp_path / "server", executor=FAKE, faults=Faults(), rights=Rights(tokens={TOKEN})
    ) as found:
        yield found


def test_what_goes_well_tells_nothing_either(
    planted: Path, rendered: Path, command: Callable[..., Outcome], server: DevServer, tmp_path: Path
) -> None:
    common = ("--root", rendered, "--env", "dev", "--host", server.url)
    out = tmp_path / "out"
    out.mkdir()
    for words in (
        ("reconcile", "plan"), ("reconcile", "apply", "--termination-log", out / "termination"),
        ("reconcile", "status"),
        ("reconcile", "status", "--json"), ("doctor", "--json"), ("run", "--pipeline", "hello", "--wait"),
    ):  # fmt: skip
        outcome = command(words[0], *words[1:], *common)
        assert outcome.code in (0, 1), outcome.err
        _clean(outcome, rendered, out, server.data_dir, planted / "cache")


def test_a_url_with_a_password_is_refused_without_repeating_it(
    rendered: Path, command: Callable[..., Outcome]
) -> None:
    for option, port in product(("--host", "--push-gateway"), ("9", "port", "888888")):
        url = f"http://me:{PASSWORD}@127.0.0.1:{port}"
        outcome = command("reconcile", "plan", "--root", rendered, "--env", "dev", option, url)
        assert outcome.code == 2
        _clean(outcome)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {TOKEN}", f'{{"authorization": "Basic {OTHERS}"}}', f"password={PASSWORD}&x=1",
        f"Set-Cookie: session={OTHERS}; Path=/", f"https://me:{PASSWORD}@host/x", f"'token': '{TOKEN}'",
        f"AWS_SECRET_ACCESS_KEY={OTHERS}", f"api_key: {OTHERS}, next", f"bearer {TOKEN}.",
        f"DB_PASSWORD: \"{PASSWORD} with spaces\"",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    shown = redact.text(text)
    assert "[hidden]" in shown
    assert [secret for secret in PLANTED if secret in shown] == []


@pytest.mark.parametrize(
    "text",
    [
        "pipeline hello was not found", "Failed to create a pipeline version", "http://ml-pipeline:8888/apis: HTTP 503",
        "the token has expired", "invalid page token", "release sha256:0123456789abcdef",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact.text(text) == text
