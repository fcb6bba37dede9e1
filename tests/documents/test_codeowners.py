"""CODEOWNERS: everything has an owner, and what decides about the rest is named there."""

from __future__ import annotations

import assembly
import pytest
from pathspec import PathSpec
from project import PROJECT

FILES = sorted(assembly.names(PROJECT))
# What a change would have to change to slip through: checks, builds, locks, what is delivered and how.
GATES = (
    ".ci/", ".gitattributes", ".gitignore", ".github/workflows/", ".github/ci/", ".github/CODEOWNERS",
    ".importlinter", "Makefile", "pyproject.toml", "kustomization.yaml",
    "components/Dockerfile", "components/.dockerignore", "components/pyproject.toml",
    "scripts/Dockerfile", "scripts/Dockerfile.dockerignore",
    "environments/base.yaml", "environments/policy.yaml", "environments/teams.yaml",
    "environments/prod/", "manifests/prod/",
    "templates/argocd/", "templates/delivery/", "argocd/", "tests/",
    *(name for name in FILES if name.endswith((".lock", ".in"))),
)  # fmt: skip


def _rules() -> list[tuple[str, list[str]]]:
    lines = (PROJECT / ".github/CODEOWNERS").read_text("utf-8").splitlines()
    words = [line.partition("#")[0].split() for line in lines]
    return [(pattern, owners) for pattern, *owners in filter(None, words)]


RULES = _rules()


def _matched(pattern: str) -> set[str]:
    """GitHub reads the patterns as git does those of .gitignore."""
    return set(PathSpec.from_lines("gitignore", [pattern]).match_files(FILES))


MATCHED = [(pattern, owners, _matched(pattern)) for pattern, owners in RULES]


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_is_there_and_named_with_an_owner(gate: str) -> None:
    """Named: `*` alone would leave it to whoever changes the default. The last rule that matches decides."""
    files = [name for name in FILES if name == gate or (gate.endswith("/") and name.startswith(gate))]
    assert files
    for name in files:
        pattern, owners, _ = next(rule for rule in reversed(MATCHED) if name in rule[2])
        assert pattern != "*", name
        assert owners, name


def test_the_example_lines_of_a_team_give_it_its_files_and_no_others() -> None:
    """In comments, for there is no such team yet; the last line that matches decides, also among these."""
    text = (PROJECT / ".github/CODEOWNERS").read_text("utf-8")
    lines = [line.removeprefix("#   ").split() for line in text.splitlines() if line.startswith("#   /")]
    files = [
        f"environments/{folder}teams/{team}.yaml"
        for folder in ("", "dev/", "prod/")
        for team in ("churn", "fraud")
    ]
    found = {}
    for pattern, *owners in lines:
        for name in PathSpec.from_lines("gitignore", [pattern]).match_files(
            [*files, "environments/teams.yaml"]
        ):
            found[name] = owners
    team, both = ["@example/churn"], ["@example/churn", "@example/platform"]
    assert found == {
        "environments/teams/churn.yaml": team,
        "environments/dev/teams/churn.yaml": team,
        "environments/prod/teams/churn.yaml": both,
    }


def test_what_no_other_line_names_has_an_owner() -> None:
    pattern, owners = RULES[0]
    assert pattern == "*", "a default that is not the first line takes from those before it"
    assert owners


@pytest.mark.parametrize(("pattern", "owners", "files"), MATCHED, ids=[rule[0] for rule in MATCHED])
def test_each_line_has_owners_and_matches_something(pattern: str, owners: list[str], files: set[str]) -> None:
    assert files
    assert all(owner.startswith("@") or "@" in owner[1:] for owner in owners)
    assert owners
