"""A pass takes down what has no time left, and asks for it nothing more than what it has read anyway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.catalogue import Catalogue
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from previews.preview_kit import PREVIEW, edit, everything
from project import Outcome

Command = Callable[..., Outcome]


def test_what_is_over_goes_with_the_next_pass(
    dev: Path,
    preview: Command,
    api: KfpApi,
    command: Command,
    server: DevServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = everything(api)
    edit(dev, PREVIEW, "items: [one]", "items: [two]")
    assert preview("up", "--pr", 42).code == 0
    assert preview("up", "--pr", 43, "--hours", 0).code == 0
    trigger = ("reconcile", "trigger", "--root", dev, "--env", "dev", "--host", server.url)
    done = command(*trigger)
    assert done.code == 0, done.err
    assert "pr-43" in done.out + done.err
    assert {one.owner.environment for one in api.marked()} == {"dev", "pr-42"}
    monkeypatch.delattr(Catalogue, "marked")
    assert command(*trigger).code == 0
    monkeypatch.undo()
    assert preview("down", "--pr", 42).code == 0
    assert everything(api) == before
