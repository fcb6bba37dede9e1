"""`new team NAME`: a team begins with limits, a file for its pipelines in an environment, and who reviews it."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import begun, console
from kfp_gitops.sources import environment, newteam, scaffold, teams
from kfp_gitops.sources.teams import TEAMS

_NAME = re.compile(r"(?!release$)[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def begin(arguments: Namespace) -> int:
    """Add it; nothing that is there is overwritten."""
    root, name = arguments.root, arguments.name
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"new.py: {name!r} cannot name a team; write a-z, 0-9 and -, at most 40, such as churn, not `release`"
        )
    env = environment.load(root, arguments.env)
    reviewed = files.read_text(root, TEAMS) if (root / TEAMS).is_file() else ""
    if name in known(root):
        raise UsageError(f"new.py: {TEAMS} has a team {name!r} already; choose another name")
    path = teams.path_in(env.name, name)
    texts = {TEAMS: newteam.with_team(reviewed, name)}
    if not (root / path).exists():
        texts[path] = newteam.values_file(env.name, name)
    owners = newteam.CODEOWNERS
    if (root / owners).is_file():
        text = files.read_text(root, owners)
        texts[owners] = f"{text.rstrip()}\n{newteam.owners_lines(text, name, arguments.reviewers or '')}\n"
    for file, text in texts.items():
        console.result(f"{'change' if (root / file).exists() else 'add'} {file}")
        files.write_text(root, file, text)
    begun.say(*_next(name, env.name, there=owners in texts))
    return ExitCode.OK


def _next(name: str, env: str, *, there: bool) -> Sequence[str]:
    line = (
        "correct who reviews it in .github/CODEOWNERS"
        if there
        else "name who reviews its files where your forge asks"
    )
    return (
        f"read the limits of {name} in {TEAMS}, and {line}",
        f"python scripts/new.py pipeline NAME --template T --team {name} --env {env}",
    )


def known(root: Path) -> list[str]:
    """The teams of the reviewed file."""
    return [*teams.read(root).value["teams"]]


def values_path(root: Path, env: str, team: str) -> str:
    """The file of a team in an environment, which is made where there is none.

    Raises:
        UsageError: no such team.
    """
    if team not in known(root):
        raise scaffold.unknown("team", team, known(root))
    path = teams.path_in(env, team)
    if not (root / path).is_file():
        files.write_text(root, path, newteam.values_file(env, team))
        console.result(f"add {path}")
    return path
