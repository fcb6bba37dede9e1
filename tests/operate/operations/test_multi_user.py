"""The whole life of an environment on a multi-user KFP that wants a token, next to another team's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer, Faults, Features, Rights
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))


def test_everything_works_in_a_namespace_with_a_rotating_token(
    repository: Path, command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base, token, rights = repository / "environments/base.yaml", tmp_path / "token", Rights(tokens={"one"})
    text = base.read_text().replace("enabled: false", "enabled: true")
    assert "namespace: ''" in text
    base.write_text(text.replace("namespace: ''", "namespace: team-a", 1))
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    token.write_text("one")
    with DevServer(
        tmp_path / "server", executor=FAKE, faults=Faults(), features=Features(multi_user=True), rights=rights
    ) as server:
        common = ("--root", repository, "--env", "dev", "--host", server.url, "--token-file", token)
        theirs = KfpApi(server.url, "team-b", Access(token="one"))
        theirs.create_pipeline("hello", "of another team")
        assert (
            command("reconcile", "plan", "--root", repository, "--env", "dev", "--host", server.url).code == 4
        )
        for words, code in (
            (("doctor",), 0), (("reconcile", "plan"), 1), (("reconcile", "apply"), 0), (("reconcile", "plan"), 0),
            (("reconcile", "status"), 0), (("reconcile", "pause", "--until", "8h"), 0), (("reconcile", "plan"), 0),
            (("reconcile", "resume"), 0), (("run", "--pipeline", "hello", "--wait"), 0),
            (("run", "--pipeline", "hello", "--backfill", "2026-01-01..2026-01-08"), 0), (("reconcile", "disable"), 0),
        ):  # fmt: skip
            # The token expires after each command, and the file holds the next one by then.
            following = f"after-{token.read_text()[-20:]}"
            rights.set(tokens={following})
            token.write_text(following)
            outcome = command(words[0], *words[1:], *common)
            assert outcome.code == code, f"{words}: {outcome.out}{outcome.err}"
        assert {pipeline.namespace for pipeline in server._store.pipelines.where("1 = 1")} == {
            "team-a",
            "team-b",
        }
        assert {run.namespace for run in server._store.runs.where("1 = 1")} == {"team-a"}
