"""What a new team begins with: lines in the reviewed file and in CODEOWNERS, and a file for its pipelines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources.teams import TEAMS, common_path

CODEOWNERS = ".github/CODEOWNERS"
_SCHEMAS = "scripts/kfp_gitops/language/schemas"
_HEAD = f"""# yaml-language-server: $schema=../{_SCHEMAS}/teams.schema.json
apiVersion: kfp-gitops/v1alpha1
kind: Teams
teams: {{}}
"""
_LIMITS = {"schedules": {"most": 10, "every": "15m"}, "parallelRuns": 10}
_ORGANISATION = re.compile(r"(@[\w.-]+/)[\w.-]+")


def with_team(text: str, name: str) -> str:
    """environments/teams.yaml with one more team, which has limits; comments and all else stay as they are.

    Raises:
        InputError: `teams:` is not written in lines of its own.
    """
    text = text or _HEAD
    document = parse(text, TEAMS)
    entry = {"defaults": {"owner": name}, "limits": _LIMITS}
    lines = text.splitlines()
    if not document.value["teams"]:
        number = document.keys_at[("teams",)][0] - 1
        lines[number] = re.sub(r"teams:\s*\{\s*\}", "teams:", lines[number])
    added = [f"  {line}" for line in dump({name: entry}).splitlines()]
    result = "\n".join([*lines, *added]) + "\n"
    if _parsed(result) != {**document.value, "teams": {**document.value["teams"], name: entry}}:
        todo = "let `teams:` be the last key, in block style: a name a line, indented by two"
        raise InputError([document.problem(("teams",), "a team cannot be added here", todo, key=True)])
    return result


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = parse(text, TEAMS).value
    except InputError:
        return None
    return found


def values_file(environment: str, team: str) -> str:
    """The file of a team without pipelines."""
    return (
        f"# yaml-language-server: $schema=../../../{_SCHEMAS}/team.schema.json\n"
        f"# The pipelines of the team {team} in {environment}; common to all environments: {common_path(team)}.\n"
    )


def owners_lines(text: str, team: str, reviewers: str = "") -> str:
    """The lines by which its files are the team's in every environment; a team of the forge that is like the others."""
    found = _ORGANISATION.search(text)
    whom = reviewers or (f"{found[1]}{team}" if found else f"@{team}")
    return f"/environments/**/teams/{team}.yaml {whom}\n/environments/*/backfills/{team}/ {whom}"
