"""What tests of `reconcile` on a server have in common: its API, and changes of the small repository."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))


def api_of(server: DevServer) -> KfpApi:
    return KfpApi(server.url, "")


def enable_schedule(repository: Path) -> None:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))


def change(repository: Path, threshold: int) -> None:
    base = repository / "environments/base.yaml"
    text = base.read_text()
    before = text.split("threshold: ")[1].split("\n")[0]
    base.write_text(text.replace(f"threshold: {before}", f"threshold: {threshold}"))
