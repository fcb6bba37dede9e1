"""What is too much to do without being told so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kfp_gitops.base.errors import RefusedError
from kfp_gitops.kfpserver.kfpapi.actual import (
    ActualExperiment,
)
from kfp_gitops.reconcile import guard
from kfp_gitops.reconcile.change import Kind
from kfp_gitops.reconcile.guard import Limits
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent
from plan_kit import DESIRED, EMPTY, LIVE, OWNER, actual_of, releasing


def test_removals_are_counted_and_replacements_are_not() -> None:
    swaps = plan(DESIRED, actual_of(replace(LIVE, version_id="v0")))
    guard.check(swaps, Limits(max_delete=0), desired_pipelines=1)
    removals = plan(releasing(), actual_of(LIVE))
    with pytest.raises(RefusedError, match="1 removals, more than 0: schedule p-weekly"):
        guard.check(removals, Limits(max_delete=0), desired_pipelines=1)
    guard.check(removals, Limits(max_delete=1), desired_pipelines=1)


def test_protected_pipelines_lose_nothing() -> None:
    with pytest.raises(RefusedError, match="protected: schedule p-weekly"):
        guard.check(plan(releasing(), actual_of(LIVE)), Limits(protect=frozenset({"p"})), desired_pipelines=1)
    vanished = plan(replace(DESIRED, pipelines=()), replace(actual_of(LIVE), pipelines={}))
    with pytest.raises(RefusedError, match="protected"):
        guard.check(vanished, Limits(protect=frozenset({"p"}), allow_empty=True), desired_pipelines=0)


def test_a_protected_pipeline_keeps_its_versions_even_when_nothing_else_of_it_is_left() -> None:
    desired = replace(DESIRED, pipelines=(), absent=(Absent("p", "versions"),))
    archived = {"p-dev": ActualExperiment("e1", "p-dev", OWNER, archived=True)}
    found = plan(desired, actual_of(experiments=archived))
    assert {change.kind for change in found.to_do} == {Kind.VERSION}
    with pytest.raises(RefusedError, match="protected: version sha-0, version sha-1"):
        guard.check(found, Limits(protect=frozenset({"p"}), allow_empty=True), desired_pipelines=0)


def test_an_empty_environment_is_refused_unless_it_is_meant() -> None:
    found = plan(replace(DESIRED, pipelines=()), EMPTY)
    with pytest.raises(RefusedError, match="--allow-empty"):
        guard.check(found, Limits(), desired_pipelines=0)
    guard.check(found, Limits(allow_empty=True), desired_pipelines=0)
