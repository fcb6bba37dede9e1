"""`prometheus_rules`: a fork's alerts link to its own pages by one command, and a check finds those that do not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kfp_gitops.sources import pages
from project import PROJECT, Outcome, snapshot

Command = Callable[..., Outcome]


@pytest.fixture
def fork(repository: Path) -> Path:
    shutil.copytree(PROJECT / "docs/prometheus", repository / "docs/prometheus")
    return repository


def _addresses(root: Path) -> set[str]:
    """What stands before docs/ in all forms of the rules."""
    texts = [path.read_text("utf-8") for path in (root / "docs/prometheus").rglob("*.yaml")]
    return {found for text in texts for found in re.findall(r"runbook_url: (\S*?)/docs/\S+\.md", text)}


def _rules(root: Path) -> str:
    return (root / "docs/prometheus/kfp-gitops-rules.yaml").read_text("utf-8")


def test_a_fork_gets_its_own_addresses_by_one_command_and_a_check_finds_old_ones(
    fork: Path, command: Command
) -> None:
    before = snapshot(fork)
    stale = command("prometheus_rules", "--root", fork, "--check")
    assert (stale.code, snapshot(fork)) == (1, before)
    assert "would change docs/prometheus/kfp-gitops-rules.yaml" in stale.out
    assert "run `python scripts/prometheus_rules.py`" in stale.err
    assert command("prometheus_rules", "--root", fork).code == 0
    assert _addresses(fork) == {"https://git.example.com/example/repository/blob/main"}
    again = command("prometheus_rules", "--root", fork, "--check")
    assert (again.code, again.out) == (0, "")


def test_only_addresses_change_and_back_they_are_what_ships(fork: Path, command: Command) -> None:
    base = fork / "environments/base.yaml"
    shipped = snapshot(fork / "docs/prometheus")
    for web in ("https://forge.example.com/docs/runbook/src/branch/main", "https://x.example.com/\\1"):
        base.write_text(f"repository: {{id: example-repository, url: /srv/x.git, web: '{web}'}}\n")
        assert command("prometheus_rules", "--root", fork).code == 0
        assert f"runbook_url: {web}/docs/runbook/KfpGitopsDrift.md\n" in _rules(fork)
    ours = (PROJECT / "environments/base.yaml").read_text("utf-8")
    base.write_text(ours)
    assert command("prometheus_rules", "--root", fork).code == 0
    assert snapshot(fork / "docs/prometheus") == shipped


def test_the_operator_s_form_has_all_groups_of_what_commands_tell() -> None:
    folder = PROJECT / "docs/prometheus"
    made = yaml.safe_load((folder / "operator/kfp-gitops/rules.yaml").read_text("utf-8"))
    assert (made["kind"], made["metadata"]) == ("PrometheusRule", {"name": "kfp-gitops"})
    assert made["spec"] == yaml.safe_load((folder / "kfp-gitops-rules.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("url", "web"),
    [
        ("https://github.com/team/pipelines.git", "https://github.com/team/pipelines"),
        ("https://gitlab.example.com/a/b/pipelines", "https://gitlab.example.com/a/b/pipelines"),
        ("git@github.com:team/pipelines.git", "https://github.com/team/pipelines"),
        ("ssh://git@git.example.com/team/pipelines.git", "https://git.example.com/team/pipelines"),
        ("ssh://git@git.example.com:7999/team/pipelines.git", "https://git.example.com/team/pipelines"),
        ("https://git.example.com:8443/team/pipelines.git/", "https://git.example.com:8443/team/pipelines"),
    ],
)
def test_people_read_files_where_the_repository_is_cloned_from(url: str, web: str) -> None:
    assert pages.of({"url": url, "branch": "trunk"}) == f"{web}/blob/trunk"


def test_where_a_forge_has_other_addresses_the_values_say_so() -> None:
    web = "https://codeberg.example.com/team/pipelines/src/branch/main/"
    assert pages.of({"url": "git@x:y.git", "branch": "main", "web": web}) == web.rstrip("/")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("repository: [a]\n", "environments/base.yaml:1:13: no map of texts"),
        ("x: 1\n", "environments/base.yaml:1:1: no map of texts"),
        ("repository:\n  id: example-repository\n", "environments/base.yaml:2:3: no `url`"),
        ("repository: {", "environments/base.yaml:1:14: not YAML"),
    ],
)
def test_a_base_that_says_no_address_is_told_at_its_place(
    fork: Path, command: Command, base: str, said: str
) -> None:
    (fork / "environments/base.yaml").write_text(base)
    outcome = command("prometheus_rules", "--root", fork)
    assert outcome.code == 2
    assert said in outcome.err


def test_a_repository_without_rules_is_told(repository: Path, command: Command) -> None:
    outcome = command("prometheus_rules", "--root", repository)
    assert outcome.code == 2
    assert "docs/prometheus" in outcome.err
