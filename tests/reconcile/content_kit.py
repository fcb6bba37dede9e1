"""Who owns what on the server, what is wanted there, and whether anything was written to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.desired import load
from kfp_gitops.reconcile.records import DesiredPipeline

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")


def wanted_pipeline(repository: Path, server: DevServer) -> DesiredPipeline:
    """With its IR as a text, whatever it is kept as."""
    found = load(repository / "manifests/dev", "dev", server.url).pipelines[0]
    return replace(found, ir=str(found.ir))


def writes(server: DevServer) -> list[str]:
    return [f"{r.method} {r.path}" for r in server.faults.requests if r.method != "GET"]


@contextmanager
def nothing_is_written(server: DevServer) -> Iterator[None]:
    before = writes(server)
    yield
    assert writes(server) == before
