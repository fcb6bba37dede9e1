"""What a plan compiles: all that KFP does not have yet, and nothing that it has digest for digest."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.compiling.compiler import compiled
from kfp_gitops.devserver import DevServer
from project import Outcome
from server_kit import Command
from shared_specs import edit_spec

Reconcile = Callable[..., Outcome]
COMPILES = "compiles to sha256:"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pipelines that are compiled, one process and no other."""
    found: list[str] = []
    original = compiled.identify_pipeline

    def counting(pipeline: compiled.RenderedPipeline, folder: str) -> compiled.Identity:
        found.append(pipeline.name)
        return original(pipeline, folder)

    monkeypatch.setattr(compiled, "identify_pipeline", counting)
    return found


@pytest.fixture
def plan(command: Command, repository: Path, server: DevServer) -> Reconcile:
    """`plan` of what stands in manifests/, whatever its inputs are."""

    def run(*more: str) -> Outcome:
        where = ("--root", repository, "--env", "dev", "--host", server.url)
        return command("reconcile", "plan", *where, *more)

    return run


def _edit(repository: Path, name: str, pattern: str, new: str) -> None:
    path = repository / "manifests/dev" / name
    text, count = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    assert count == 1
    path.write_text(text, "utf-8")


def test_what_kfp_has_is_not_compiled_again(
    reconcile: Reconcile, plan: Reconcile, counted: list[str]
) -> None:
    reconcile("plan")
    counted.clear()
    assert plan().code == 1
    assert counted == ["hello"]
    reconcile("apply")
    counted.clear()
    assert plan().code == 0
    assert counted == []


@pytest.mark.parametrize(
    ("file", "pattern", "new"),
    [
        ("pipelines/hello/pipeline.yaml", "name: many", "name: more"),
        ("components/greet", "@sha256:1111", "@sha256:abcd"),
        ("versions.lock.yaml", r"manifest: sha256:....", "manifest: sha256:0000"),
        ("versions.lock.yaml", r"(?<!manifest:)  digest: sha256:....", "  digest: sha256:0000"),
        ("versions.lock.yaml", r"version: sha-....", "version: sha-0000"),
    ],
)
def test_what_differs_in_anything_is_compiled(
    file: str,
    pattern: str,
    new: str,
    reconcile: Reconcile,
    plan: Reconcile,
    counted: list[str],
    repository: Path,
) -> None:
    reconcile("apply")
    counted.clear()
    if file == "components/greet":
        edit_spec(repository, "dev", "greet", pattern, new)
    else:
        _edit(repository, file, pattern, new)
    outcome = plan()
    assert counted == ["hello"]
    assert outcome.code == (0 if new.startswith("manifest:") else 5)
    assert (COMPILES in outcome.err) is (outcome.code == 5)


def test_an_apply_compiles_what_kfp_has(reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a lock that lies about files which are as they were is refused there, whatever a plan said."""
    reconcile("apply")
    found: list[str] = []
    original = compiled.compile_pipeline

    def counting(pipeline: compiled.RenderedPipeline, folder: str) -> compiled.Compiled:
        found.append(pipeline.name)
        return original(pipeline, folder)

    monkeypatch.setattr(compiled, "compile_pipeline", counting)
    assert reconcile("apply").code == 0
    assert found == ["hello"]


def test_nothing_is_trusted_while_kfp_does_not_answer(
    reconcile: Reconcile, plan: Reconcile, counted: list[str], server: DevServer
) -> None:
    reconcile("apply")
    counted.clear()
    server.close()
    assert plan("--patience", "0").code == 4
    assert counted == ["hello"]
