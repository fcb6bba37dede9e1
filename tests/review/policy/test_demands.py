"""What a policy wants of changes by how far they reach, over the command and in Git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from gitrepo import init
from project import Outcome

Command = Callable[..., Outcome]
POLICY = """apiVersion: kfp-gitops/v1alpha1
kind: Policy
checks: []
changes:
- categories: [interface]
  environments: {only: [dev]}
  label: breaking-approved
  reason: others run it by name
- categories: [results]
  environments: {only: [prod]}
  reason: prod gets results by promotion alone
"""
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"


@pytest.fixture
def judged(repository: Path, command: Command) -> Callable[..., Outcome]:
    """`judged(old, new, *options)`: dev's template changed so, and judged against the commit before."""
    prod = repository / "environments/prod/values.yaml"
    prod.write_text(f"kfp: {{host: 'http://ml-pipeline.prod.svc:8888'}}\n{prod.read_text('utf-8')}", "utf-8")
    (repository / "environments/policy.yaml").write_text(POLICY, "utf-8")
    command("render", "--root", repository, "--all", "--lock")
    init(repository)

    def run(old: str, new: str, *options: str, path: str = TEMPLATE) -> Outcome:
        file = repository / path
        assert old in file.read_text("utf-8")
        file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
        assert command("render", "--root", repository, "--all", "--lock").code == 0
        return command("policy", "--root", repository, "--base", "HEAD", *options)

    return run


OPTIONAL = "threshold: {type: int, default: {{ values.threshold }}}"


def test_a_change_that_breaks_others_wants_its_label(judged: Callable[..., Outcome]) -> None:
    outcome = judged(OPTIONAL, "threshold: {type: float, default: {{ values.threshold }}}")
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "environments/policy.yaml:5:3: dev/hello: the change is of category interface (threshold: int → float): "
        "others run it by name; give the pull request the label breaking-approved"
    ]
    assert judged("owner: tests", "owner: tests", "--label", "breaking-approved").code == 0


def test_what_is_forbidden_has_no_label(judged: Callable[..., Outcome]) -> None:
    outcome = judged("threshold: 5", "threshold: 6", "--label", "x", path="environments/prod/values.yaml")
    assert outcome.code == 2
    assert (
        "prod/hello: the change is of category results: prod gets results by promotion alone" in outcome.err
    )


def test_a_setting_goes_through(judged: Callable[..., Outcome]) -> None:
    assert judged("description: Greets,", "description: Says hello,").code == 0


def test_who_takes_a_demand_out_needs_what_it_asks_for(
    judged: Callable[..., Outcome], repository: Path
) -> None:
    policy = repository / "environments/policy.yaml"
    policy.write_text(POLICY.partition("changes:")[0], "utf-8")
    outcome = judged(OPTIONAL, "threshold: {type: float, default: {{ values.threshold }}}")
    assert outcome.code == 2
    assert outcome.err.startswith(
        "environments/policy.yaml at HEAD:5:3: dev/hello: the change is of category"
    )


def test_a_label_without_a_base_is_bad_usage(repository: Path, command: Command) -> None:
    assert "--base REV" in command("policy", "--root", repository, "--label", "x").err
