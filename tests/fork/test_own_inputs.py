"""What a fork checks of its own inputs, whatever they are; `make test` runs it in every repository."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import ROOT, Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]
ENVIRONMENTS = sorted(path.parent.name for path in (ROOT / "environments").glob("*/release.yaml"))


def _passes(done: Outcome) -> None:
    assert done.code == 0, f"\n{done.out}{done.err}"


def test_what_is_committed_is_what_the_inputs_render_and_compile_to(command: Command) -> None:
    """manifests/ with the digest of each compiled pipeline, and argocd/."""
    _passes(command("render", "--root", ROOT, "--all", "--check"))


def test_each_component_is_what_its_source_compiles_to(command: Command) -> None:
    _passes(command("components", "--root", ROOT, "--check"))


def test_the_teams_policy_is_kept(command: Command) -> None:
    _passes(command("policy", "--root", ROOT))


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_argo_cd_can_build_what_it_delivers(env: str) -> None:
    assert kustomize_build(ROOT / "manifests" / env)


def test_what_bootstraps_argo_cd_can_be_built() -> None:
    assert {item["kind"] for item in kustomize_build(ROOT)} >= {"AppProject", "ApplicationSet"}
