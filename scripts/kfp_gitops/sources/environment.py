"""An environment's inputs: its merged values and what it releases, schema-checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as Folder
from typing import Any

from kfp_gitops.base import files, schema
from kfp_gitops.base.errors import Problem, UsageError, attempted, raise_if_any
from kfp_gitops.base.yamltext import Document
from kfp_gitops.base.yamlvalue import parse
from kfp_gitops.language import gates, moments
from kfp_gitops.language.gates import Gate
from kfp_gitops.sources import asides, backfills, events, inputs, naming, previews, release, sound, teams, way
from kfp_gitops.sources.backfills import Backfill
from kfp_gitops.sources.teams import Teams
from kfp_gitops.sources.values import Merged, merge

BASE = "environments/base.yaml"
RECONCILER_IMAGE = "reconciler"


@dataclass(frozen=True)
class Environment:
    """One folder of environments/, read and checked."""

    name: str
    values: Merged
    release_file: Document
    events: tuple[Mapping[str, Any], ...] = ()
    """What no forecast can know, by begin; see `sources.events`."""
    teams: Teams = field(default_factory=Teams)
    backfills: tuple[Backfill, ...] = ()
    """By their ids; what of them only pipelines tell is not looked at."""

    def team_of(self, pipeline: str) -> str:
        """The team whose pipeline or tombstone it is; empty where it is of none."""
        return self.teams.of.get(pipeline, "")

    def file_of(self, pipeline: str, environment: str = "") -> str:
        """Where the values of a pipeline stand, or are to stand in another environment: a team has its own file."""
        team, name = self.team_of(pipeline), environment or self.name
        return teams.path_in(name, team) if team else values_path(name)

    @property
    def repository(self) -> Mapping[str, str]:
        """The stable id, the URL and the branch of the repository."""
        return settings(self.values.value, "repository")

    @property
    def time_zone(self) -> str:
        """The zone in which people read times; nothing fires by it."""
        return str(self.values.value.get("timeZone", "UTC"))

    @property
    def disabled(self) -> bool:
        """True when its schedules are turned off as a reviewed statement, before its folder goes."""
        return bool(self.values.value.get("state") == "disabled")

    @property
    def kfp(self) -> Mapping[str, str]:
        """Host and namespace of the KFP API."""
        found: Mapping[str, str] = self.values.value["kfp"]
        return found

    @property
    def delivery(self) -> Mapping[str, Any]:
        """Where the reconciler runs and what it may reach: what the delivery templates take."""
        return settings(self.values.value, "delivery")

    @property
    def argocd(self) -> Mapping[str, Any]:
        """Where Argo CD runs and whom it tells."""
        return settings(self.values.value, "argocd")

    @property
    def follows_sources(self) -> bool:
        """True when it renders from templates/ and components/ rather than from pinned copies."""
        return bool(self.values.value["follows"] == "sources")

    @property
    def promotes_from(self) -> str:
        """The environment whose releases are promoted to it; empty when it does not say."""
        return str(self.values.value.get(way.KEY, ""))

    @cached_property
    def pipelines(self) -> list[str]:
        """The names of its pipelines, in the order of its values; tombstones are not among them."""
        return [name for name, entry in self._entries.items() if entry.get("state") != "absent"]

    def has(self, pipeline: str) -> bool:
        """Whether it is one of its pipelines; a search of `pipelines` for each of thousands would take minutes."""
        return self._entries.get(pipeline, {"state": "absent"}).get("state") != "absent"

    @cached_property
    def absent(self) -> Mapping[str, str]:
        """Tombstones: pipeline → what is deleted of it."""
        found = {name: entry for name, entry in self._entries.items() if entry.get("state") == "absent"}
        return {name: entry.get("delete", "schedules") for name, entry in found.items()}

    @cached_property
    def paused(self) -> Mapping[str, str]:
        """Pipelines that are paused → until when, RFC 3339."""
        return {
            name: entry["until"] for name, entry in self._entries.items() if entry.get("state") == "paused"
        }

    def adopts(self, pipeline: str) -> Mapping[str, Any]:
        """What of a pipeline or tombstone was made in KFP; empty where nothing was."""
        found: Mapping[str, Any] = self._entries.get(pipeline, {}).get("adopts", {})
        return found

    def gates(self, pipeline: str) -> tuple[Gate, ...]:
        """What a release of a pipeline must have measured before it is promoted here."""
        return gates.of(self._entries.get(pipeline, {}))

    @property
    def allows_asides(self) -> bool:
        """Whether people may register copies of its pipelines beside them on its KFP."""
        return bool(self.values.value.get("asides") == "allowed")

    @property
    def keep_versions(self) -> int:
        """So many of the newest versions that nothing pins stay registered."""
        return int(self.values.value.get("versions", {}).get("keep", 10))

    def template_of(self, pipeline: str) -> str:
        """The folder of templates/pipelines/ that a pipeline is made from: its own name unless its values say another.

        Where copies are pinned, it is the one that was promoted, whatever the values say by now.
        """
        entry = self._entries[pipeline] if self.follows_sources else self.promoted.get(pipeline, {})
        return str(entry.get("template", pipeline))

    @property
    def _entries(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.values.value["pipelines"]
        return found

    @property
    def images(self) -> Mapping[str, str]:
        """Logical image name → reference by digest."""
        found: Mapping[str, str] = self.release_file.value["images"]
        return found

    @property
    def promoted(self) -> Mapping[str, Mapping[str, Any]]:
        """What release.yaml says of each pinned pipeline."""
        found: Mapping[str, Mapping[str, Any]] = self.release_file.value.get("pipelines", {})
        return found


def names(root: Folder) -> list[str]:
    """Every environment that is delivered."""
    return [name for name in _folders(root) if not previews.of(root, name)]


def of_previews(root: Folder) -> list[str]:
    """Every environment of previews: pull requests are tried with its values, and nothing of it is in manifests/."""
    return [name for name in _folders(root) if previews.of(root, name)]


def _folders(root: Folder) -> list[str]:
    """Those of environments/, but for the one of what is common to a team's pipelines."""
    return [name for name in files.list_folders(root, "environments") if name != teams.FOLDER]


@dataclass(frozen=True)
class Partly:
    """What can be read of an environment's inputs, and every problem of the rest.

    Where there are any, the environment is there to be looked at for more, and nothing is made of it; None: it cannot
    be looked at.
    """

    environment: Environment | None
    problems: Sequence[Problem]

    @property
    def whole(self) -> Environment:
        """The environment, where nothing is wrong with it.

        Raises:
            InputError: every problem.
        """
        raise_if_any(self.problems)
        assert self.environment is not None  # without a problem it was read
        return self.environment


def load(root: Folder, name: str, instead: Mapping[str, str] | None = None) -> Environment:
    """Read an environment's inputs; raises as `partly`, and an InputError of all that is wrong."""
    return partly(root, name, instead).whole


def partly(root: Folder, name: str, instead: Mapping[str, str] | None = None) -> Partly:
    """Read an environment's inputs as far as that goes: a bad file hides nothing of another one.

    `instead`: path → the text that is read in place of the file's, before anybody writes it.

    A problem is: a name that is the delivery's own; all that is wrong in base.yaml, values.yaml and release.yaml, in
    the files of teams, and in its events.

    Raises:
        UsageError: no such environment.
    """
    known = names(root)
    if not naming.fits(name) or name not in _folders(root):
        raise UsageError(
            f"no environment {name!r}; there are: {', '.join(known) or 'none'} (folders of environments/)"
        )
    if previews.of(root, name):
        return _preview(root, name, instead or {})
    problems = list(naming.problems(name, known, values_path(name)))
    base, over, released = (
        _read(root, path, problems, instead or {}) for path in (BASE, values_path(name), release_path(name))
    )
    of_release = None if released is None else _checked_release(released, problems)
    known_events = attempted(problems, lambda: events.load(root, name)) or ()
    if base is None or over is None:
        teams.load(root, name, Merged(BASE, {}, {}, {}), (), problems)
        return Partly(None, problems)
    merged, whose = teams.load(root, name, merge(base, over), (base, over), problems, instead)
    problems += [*inputs.overridden(over, BASE), *way.problems(root, name, known, base, over)]
    problems += [*previews.problems(root, name, known, base, over), *asides.problems(name, known, base, over)]
    known_teams = [*(whose.document.value.get("teams") or {})]
    its_backfills = attempted(problems, lambda: backfills.load(root, name, known_teams)) or ()
    values = _checked_values(merged, problems)
    problems += gates.unused(values, name) if values and values.value["follows"] == "sources" else ()
    if values is None or (of_release is None and values.value["follows"] == "pinned"):
        return Partly(None, problems)
    nothing = sound.release(Document(release_path(name), {}, {}, {}))
    return Partly(
        Environment(name, values, of_release or nothing, known_events, whose, its_backfills), problems
    )


def _preview(root: Folder, name: str, instead: Mapping[str, str]) -> Partly:
    """An environment of previews: the values of another one with its own over them, and all else of that."""
    problems: list[Problem] = []
    base, over = (_read(root, path, problems, instead) for path in (BASE, values_path(name)))
    if base is None or over is None:
        return Partly(None, problems)
    problems += previews.problems(root, name, names(root), base, over)
    if problems:
        return Partly(None, problems)
    found = partly(root, over.value[previews.KEY], instead)
    problems += found.problems
    if found.environment is None:
        return Partly(None, problems)
    problems += previews.strangers(found.environment.name, found.environment.pipelines, over)
    if not found.environment.follows_sources:
        problems.append(previews.pinned(name, found.environment.name, over))
    values = _checked_values(merge(found.environment.values, over), problems)
    own = previews.without_delivery(values) if values else None
    return Partly(replace(found.environment, name=name, values=own, backfills=()) if own else None, problems)


def _checked_values(merged: Merged, problems: list[Problem]) -> Merged | None:
    """The same where nothing is wrong with it, else what can be used."""
    wrong = schema.problems(schema.named("values"), merged) or [
        *moments.problems(merged),
        *gates.problems(merged),
    ]
    problems += wrong
    return sound.values(merged) if wrong else merged


def _checked_release(released: Document, problems: list[Problem]) -> Document:
    wrong = schema.problems(schema.named("release"), released) or [*inputs.mapped_stubs(released)]
    problems += wrong
    return sound.release(released) if wrong else released


def settings(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """One section of our own values, with what its schema has as defaults filled in."""
    section: Mapping[str, Any] = schema.filled("values", key, value.get(key, {}))
    return section


def values_path(name: str) -> str:
    """Where an environment's values stand."""
    return f"environments/{name}/values.yaml"


def release_path(name: str) -> str:
    """Where it stands what an environment releases."""
    return f"environments/{name}/release.yaml"


def _read(root: Folder, path: str, problems: list[Problem], instead: Mapping[str, str]) -> Document | None:
    """None for what cannot be read, and for what is no map: both join the problems."""
    found = attempted(
        problems,
        lambda: parse(instead.get(path) or files.read_text(root, path), path, release.bounds_of(path)),
    )
    wrong = [] if found is None else [*inputs.not_maps([found])]
    problems += wrong
    return None if wrong else found
