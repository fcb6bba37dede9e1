"""What is refused of many pipelines of one template for one reason is told once, and of how many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fleet_kit import TEMPLATE, fleet, replace
from gitrepo import init
from project import PROJECT, Outcome

Command = Callable[..., Outcome]


@pytest.fixture
def customers(repository: Path, command: Command) -> Path:
    fleet(repository, 5)
    policy = (PROJECT / "environments/policy.yaml").read_text("utf-8")
    (repository / "environments/policy.yaml").write_text(policy, "utf-8")
    assert command("render", "--root", repository, "--env", "dev").code == 0
    return repository


def test_an_object_that_all_of_them_have_is_refused_once(customers: Path, command: Command) -> None:
    outcome = command("policy", "--root", customers, "--env", "dev")
    assert outcome.code == 2
    limits = [line for line in outcome.err.splitlines() if "policy resource-limits: " in line]
    said = {line.split("resource-limits: ")[1].split(": ")[0]: line for line in limits}
    assert set(said) == {
        f"dev/acme/{task}" for task in ("greet", "count", "greet-many", "greet-few", "greet-item")
    }
    assert all("(and of 5 more pipelines: birch, cedar, customer-0000, …)" in line for line in limits)


def test_one_that_is_excused_is_none_of_them(customers: Path, command: Command) -> None:
    path = customers / "environments/policy.yaml"
    waiver = (
        "- {check: resource-limits, object: dev/acme/greet, reason: measured first, until: '2099-01-01'}\n"
    )
    path.write_text(path.read_text("utf-8") + f"waivers:\n{waiver}", "utf-8")
    said = command("policy", "--root", customers, "--env", "dev").err
    assert "dev/birch/greet: " in said
    assert "dev/acme/greet: " not in said


def test_a_label_that_the_changes_of_many_want_is_asked_for_once(customers: Path, command: Command) -> None:
    (customers / "environments/policy.yaml").write_text(
        "apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks: []\nchanges:\n"
        "- {categories: [results], label: reviewed, reason: somebody has to look}\n",
        "utf-8",
    )
    init(customers)
    replace(customers, TEMPLATE, "maxConcurrency: 1", "maxConcurrency: 2")
    assert command("render", "--root", customers, "--env", "dev").code == 0
    outcome = command("policy", "--root", customers, "--env", "dev", "--base", "HEAD")
    assert outcome.code == 2
    (said,) = (line for line in outcome.err.splitlines() if "category" in line)
    assert (
        "dev/acme: the change is of category results: somebody has to look (and of 5 more pipelines: birch,"
        in said
    )
