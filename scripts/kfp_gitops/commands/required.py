"""What environments require of releases, for a diff: by their inputs as they are, and as they were at its base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import git
from kfp_gitops.review.diff import gated, revision
from kfp_gitops.review.diff.model import EnvironmentDiff
from kfp_gitops.sources import environment, teams
from kfp_gitops.sources.environment import Environment


def with_gates(
    root: Path, commit: str, found: Sequence[EnvironmentDiff], readable: Sequence[Environment]
) -> list[EnvironmentDiff]:
    """The same with what each requires of the releases that come; inputs that do not read are told otherwise."""
    inputs = {env.name: env for env in readable}
    return [
        gated.with_gates(one, env, _before(root, commit, env))
        if (env := inputs.get(one.environment))
        else one
        for one in found
    ]


def _before(root: Path, commit: str, env: Environment) -> Environment:
    """The environment with the values that it had at a commit; where they do not read, as it is."""
    if env.follows_sources:
        return env
    folders, single = (
        teams.folders(env.name),
        (environment.BASE, environment.values_path(env.name), teams.TEAMS),
    )
    if git.call(root, "diff", "--quiet", commit, "--", *single, *folders).returncode == 0:
        return env
    texts = {
        f"{one}/{name}": text for one in folders for name, text in revision.at(root, commit, one).items()
    }
    shown = {path: git.call(root, "show", f"{commit}:./{path}") for path in single}
    texts |= {
        path: done.stdout.decode(errors="replace") for path, done in shown.items() if done.returncode == 0
    }
    was = environment.partly(root, env.name, texts)
    return was.environment if was.environment and not was.problems else env
