"""Teams: their pipelines, each in files of its own, merged below and beside the values of an environment.

environments/teams.yaml says which teams there are, with the defaults and limits of each; it is reviewed as a whole.
environments/<env>/teams/<team>.yaml says which pipelines a team has in an environment, and
environments/teams/<team>.yaml what is common to them in all: alone it puts a pipeline into none. A pipeline is defined
by one team, or by base.yaml and values.yaml, never by both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path as Folder
from typing import Any

from kfp_gitops.base import files, schema
from kfp_gitops.base.errors import Problem, attempted, raise_if_any
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.base.yamlvalue import parse
from kfp_gitops.sources.values import Merged, Moved, merge

TEAMS = "environments/teams.yaml"
_NO_TEAM = "release"  # Argo CD's generator finds environments by a release.yaml, however deep
_NO_NAME = f"no team can be called `{_NO_TEAM}`", "give it another name"
FOLDER = "teams"
"""The folder of team files in an environment's; beside the environments it is none of them."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_NONE = Document(TEAMS, {"teams": {}}, {}, {})
_UNREADABLE = Document(TEAMS, {"teams": {}}, {}, {})
"""In the place of one that is malformed: which teams there are is not known then."""


def common_path(team: str) -> str:
    """Where it stands what is common to a team's pipelines in all environments."""
    return f"environments/{FOLDER}/{team}.yaml"


def folders(environment: str) -> tuple[str, str]:
    """Where the files of teams stand: what is common to environments, and an environment's own."""
    return f"environments/{FOLDER}", f"environments/{environment}/{FOLDER}"


def path_in(environment: str, team: str) -> str:
    """Where it stands which pipelines a team has in an environment."""
    return f"environments/{environment}/{FOLDER}/{team}.yaml"


@dataclass(frozen=True)
class Teams:
    """Whose the pipelines of an environment are, and what the reviewed file says of each team."""

    document: Document = _NONE
    of: Mapping[str, str] = field(default_factory=dict)
    """Pipeline → team; those of no team are not in it."""

    def limits(self, team: str) -> Mapping[str, Any]:
        """How far a team may go."""
        found: Mapping[str, Any] = (self.document.value["teams"].get(team) or {}).get("limits", {})
        return found

    def defaults(self, team: str, template: str) -> Mapping[str, Any]:
        """What pipelines of a team and a template begin with, by the first keys: all of it, not merged."""
        found = self.document.value["teams"].get(team) or {}
        return {**found.get("defaults", {}), **found.get("defaultsOf", {}).get(template, {})}

    def where(self, team: str, *limit: str) -> str:
        """The place of a limit, as `path:line:column`."""
        line, column = self.document.position(("teams", team, "limits", *limit))
        return f"{self.document.path}:{line}:{column}"


@dataclass(frozen=True)
class _Team:
    """The files of one team that an environment takes its pipelines from."""

    name: str
    own: Document
    common: Document

    @property
    def documents(self) -> tuple[Document, ...]:
        return self.common, self.own


def load(
    root: Folder,
    environment: str,
    platform: Merged,
    shared: Sequence[Document],
    problems: list[Problem],
    instead: Mapping[str, str] | None = None,
) -> tuple[Merged, Teams]:
    """The values of an environment with those of its teams, and whose each pipeline is.

    `platform` is what base.yaml and values.yaml say, `shared` these two as they are. What is wrong in a team's file
    joins the `problems`, and leaves out the pipelines of that team alone; so does a pipeline that is defined twice, at
    both places. `instead`: as `environment.partly`.
    """
    reviewed = attempted(problems, lambda: read(root)) or _UNREADABLE
    teams = list(_teams(root, environment, problems, instead or {}))
    if reviewed is not _UNREADABLE:
        unknown = {problem.path: problem for problem in _unknown(reviewed, teams)}
        problems += unknown.values()
        teams = [team for team in teams if team.own.path not in unknown]
    problems += _twice(shared, teams)
    value, owners = dict(platform.value), dict(platform.owners)
    value["pipelines"], of = dict(value.get("pipelines") or {}), {}
    whole_floats = platform.whole_floats or reviewed.whole_floats
    for team in teams:
        for name in (name for name, entry in _pipelines(team.own).items() if entry is not None):
            found = _pipeline(reviewed, team, name)
            value["pipelines"][name], of[name] = found.value["pipelines"][name], team.name
            owners |= {at: owner for at, owner in found.owners.items() if len(at) > 1}
            whole_floats = whole_floats or found.whole_floats
    merged = replace(platform, value=value, owners=owners, whole_floats=whole_floats) if of else platform
    return merged, Teams(reviewed, of)


def _pipeline(reviewed: Document, team: _Team, name: str) -> Merged:
    """One pipeline: defaults of the team, those of its template, what is common to environments, what is its own."""
    common, own = _only(team.common, name), _only(team.own, name)
    template = _template(own, name) or _template(common, name) or name
    found: Document = Document(TEAMS, {"pipelines": {}}, {}, {})
    for at in (("defaults",), ("defaultsOf", template)):
        if _holds(reviewed.value["teams"].get(team.name), at):
            moved = Moved.of(reviewed, ("teams", team.name, *at), ("pipelines", name, "values"))
            found = merge(found, moved)
    return merge(merge(found, common), own)


def _holds(value: Any, at: Path) -> bool:
    for part in at:
        value = value.get(part) if isinstance(value, Mapping) else None
    return bool(value)


def _template(document: Document, name: str) -> str:
    entry = _pipelines(document).get(name)
    found = entry.get("template") if isinstance(entry, Mapping) else None
    return found if isinstance(found, str) else ""


def _only(document: Document, name: str) -> Document:
    """The same with one pipeline; the document is looked into once for the places of all of them."""
    at = ("pipelines", name)
    if name in _pipelines(document):
        return Moved.of(document, at, at)
    return Document(document.path, {"pipelines": {}}, {}, {})


def _pipelines(document: Document) -> Mapping[str, Any]:
    found = document.value.get("pipelines") if isinstance(document.value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def read(root: Folder) -> Document:
    """environments/teams.yaml; one without teams where there is none.

    Raises:
        InputError: it is malformed.
    """
    if not (root / TEAMS).is_file():
        return _NONE
    document = parse(files.read_text(root, TEAMS), TEAMS)
    raise_if_any([*schema.problems(schema.named("teams"), document), *_misnamed(document)])
    return document


def _misnamed(document: Document) -> Iterator[Problem]:
    found = document.value.get("teams") if isinstance(document.value, Mapping) else None
    if isinstance(found, Mapping) and _NO_TEAM in found:
        yield document.problem(("teams", _NO_TEAM), *_NO_NAME, key=True)


def _teams(
    root: Folder, environment: str, problems: list[Problem], instead: Mapping[str, str]
) -> Iterator[_Team]:
    """By name; a file that is no team's, or not in its form, joins the problems, and its team is left out."""
    common, own = folders(environment)
    names = {folder: _names(root, folder) for folder in (common, own)}
    problems += (problem for folder in names for problem in _strangers(root, folder))
    for name in names[own]:
        path = common_path(name)
        there = name in names[common]
        shared = (
            attempted(problems, partial(_read, root, path, instead)) if there else Document(path, {}, {}, {})
        )
        said = attempted(problems, partial(_read, root, path_in(environment, name), instead))
        if shared is not None and said is not None:
            yield _Team(name, said, shared)


def common(root: Folder) -> Iterator[Document]:
    """What is common to each team's pipelines."""
    for name in _names(root, f"environments/{FOLDER}"):
        yield _read(root, common_path(name), {})


def _names(root: Folder, folder: str) -> list[str]:
    return [name.removesuffix(".yaml") for name in files.list_files(root, folder) if _is_team(name)]


def _is_team(name: str) -> bool:
    return name.endswith(".yaml") and bool(_NAME.fullmatch(name.removesuffix(".yaml")))


def _strangers(root: Folder, folder: str) -> Iterator[Problem]:
    """What would be thought a team's file, and is read by nobody."""
    for name in files.list_files(root, folder):
        if name == f"{_NO_TEAM}.yaml":
            yield Problem(f"{folder}/{name}", 0, 0, *_NO_NAME)
        elif not _is_team(name) and name.rpartition("/")[2].lower() != "readme.md":
            todo = f"name it {folder}/TEAM.yaml with a team of {TEAMS}, or take it out of the folder"
            yield Problem(f"{folder}/{name}", 0, 0, "this is read by nobody", todo)


def _read(root: Folder, path: str, instead: Mapping[str, str]) -> Document:
    document = parse(instead.get(path) or files.read_text(root, path), path)
    if document.value is None:  # all of it may be comments
        return replace(document, value={})
    raise_if_any(schema.problems(schema.named("team"), document))
    return document


def _unknown(reviewed: Document, teams: Sequence[_Team]) -> Iterator[Problem]:
    for team in teams:
        if team.name not in reviewed.value["teams"]:
            known = ", ".join(reviewed.value["teams"]) or "none"
            todo = (
                f"add `{team.name}: {{}}` there (`new.py team {team.name}` does), or correct the file's name"
            )
            what = f"{TEAMS} has no team {team.name!r}, it has: {known}"
            yield Problem(team.own.path, 1, 1, what, todo)


def _twice(shared: Sequence[Document], teams: Sequence[_Team]) -> Iterator[Problem]:
    """A pipeline has one owner: a team, or who has base.yaml and values.yaml."""
    owners: list[tuple[Document, ...]] = [tuple(shared), *(team.documents for team in teams)]
    by_name: dict[str, list[Document]] = {}
    for documents in owners:
        for name in dict.fromkeys(name for one in documents for name in _pipelines(one)):
            # Of two files of one owner the environment's own says it.
            by_name.setdefault(name, []).append(
                next(one for one in reversed(documents) if name in _pipelines(one))
            )
    for name, documents_of in by_name.items():
        for document in documents_of if len(documents_of) > 1 else ():
            others = " and ".join(_place(one, name) for one in documents_of if one is not document)
            todo = f"keep it in one of them: its pipeline is one owner's, common values too ({common_path('TEAM')})"
            what = f"pipeline {name!r} is defined here and in {others}"
            yield document.problem(("pipelines", name), what, todo, key=True)


def _place(document: Document, name: str) -> str:
    line, column = document.position(("pipelines", name), key=True)
    return f"{document.path}:{line}:{column}"
