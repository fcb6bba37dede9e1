"""The whole way at a glance: which release of each pipeline each environment has, and which waits for the next step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.language.gates import Gate
from kfp_gitops.review.promotion.dated import Dated
from kfp_gitops.sources import environment, released, way
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment
from kfp_gitops.sources.selection import Selection

RECONCILER = f"image {RECONCILER_IMAGE}"
_ALL = Selection()


class State(StrEnum):
    """How an environment stands to the one that it is promoted from, in one pipeline."""

    FIRST = "first"  # it follows the sources
    EQUAL = "equal"
    BEHIND = "behind"  # the one before has another one by now
    NEVER = "never"  # never promoted, and the one before has it
    AHEAD = "ahead"  # it came past the one before, or that one went back
    DIFFERS = "differs"  # an image: nothing says which is the older
    ALONE = "alone"  # the one before has no such pipeline, or nothing says which one that is
    MISSING = "missing"  # it has no such pipeline
    ABSENT = "absent"  # a tombstone

    @property
    def waits(self) -> bool:
        """Whether the next promotion to the environment is to change it."""
        return self in (State.BEHIND, State.NEVER, State.DIFFERS)


@dataclass(frozen=True)
class Cell:
    """One pipeline in one environment; `since` is None where no merge that was looked at brought its release.

    `requires`: what a release must have measured before it comes here; `measured`: what the one that is here had.
    """

    state: State
    release: str | None = None
    since: datetime | None = None
    waits_since: datetime | None = None
    origin: str = ""
    requires: tuple[Gate, ...] = ()
    measured: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Row:
    """One pipeline, or the reconciler's image: environment → what it has."""

    pipeline: str
    cells: Mapping[str, Cell]

    @property
    def settled(self) -> bool:
        """Whether every environment that has it has the same release."""
        return all(
            cell.state in (State.FIRST, State.EQUAL, State.MISSING, State.ABSENT)
            for cell in self.cells.values()
        )


@dataclass(frozen=True)
class Step:
    """An environment on its way; `before` is empty where it is the first, or does not say."""

    name: str
    before: str
    follows_sources: bool


@dataclass(frozen=True)
class Matrix:
    """All environments along their ways, and all pipelines; `whole` where none was left out."""

    steps: Sequence[Step]
    rows: Sequence[Row]
    now: datetime
    whole: bool = True

    @property
    def waits(self) -> bool:
        """Whether anything is to be promoted anywhere."""
        return any(cell.state.waits for row in self.rows for cell in row.cells.values())

    def rows_of(self, step: str, *states: State) -> list[Row]:
        """The rows that have one of these states in an environment."""
        return [row for row in self.rows if row.cells[step].state in states]


@dataclass(frozen=True)
class _Place:
    """What is known of an environment."""

    env: Environment
    releases: Mapping[str, str]
    absent: Mapping[str, str]
    dated: Dated


def matrix(root: Path, now: datetime, part: Selection = _ALL) -> Matrix:
    """The state of the work tree; since when it is so says Git.

    Raises:
        UsageError: there is no environment.
        InputError: an environment's inputs are broken.
    """
    loaded = {name: environment.load(root, name) for name in environment.names(root)}
    if not loaded:
        raise UsageError("there is no environment; create a folder in environments/")
    order = way.ordered({name: env.promotes_from for name, env in loaded.items()})
    places = {name: _place(root, loaded[name]) for name in order}
    names = dict.fromkeys(
        name for place in places.values() for name in sorted({*place.releases, *place.env.pipelines})
    )
    chosen = (
        name for name in sorted(names) if any(part.matches(name, team) for team in _teams(name, places))
    )
    rows = [Row(name, dict(_cells(name, places))) for name in chosen]
    if part.matches(RECONCILER):
        rows.append(_image_row(places.values()))
    return Matrix([_step(place.env) for place in places.values()], rows, now, whole=not part)


def _teams(pipeline: str, places: Mapping[str, _Place]) -> set[str]:
    """Whose it is, in any environment."""
    return {place.env.team_of(pipeline) for place in places.values()}


def _place(root: Path, env: Environment) -> _Place:
    if env.follows_sources:
        found = {name: release.digest for name, release in released.releases(root, env).items()}
    else:
        found = {name: str(env.promoted[name]["digest"]) for name in env.pipelines if name in env.promoted}
    return _Place(env, found, env.absent, Dated(root, env.name))


def _step(env: Environment) -> Step:
    return Step(env.name, env.promotes_from, env.follows_sources)


def _cells(pipeline: str, places: Mapping[str, _Place]) -> Iterator[tuple[str, Cell]]:
    for name, place in places.items():
        yield name, _cell(pipeline, place, places.get(place.env.promotes_from))


def _cell(pipeline: str, here: _Place, before: _Place | None) -> Cell:
    if not here.env.has(pipeline):
        return Cell(State.ABSENT if pipeline in here.absent else State.MISSING)
    release = here.releases.get(pipeline)
    theirs = before.releases.get(pipeline) if before else None
    state = _state(pipeline, release, here, theirs, before)
    waits = before.dated.since(pipeline, theirs) if before and theirs and state.waits else None
    since = here.dated.since(pipeline, release) if release else None
    said = {} if here.env.follows_sources else here.env.promoted.get(pipeline, {})
    requires = () if here.env.follows_sources else here.env.gates(pipeline)
    return Cell(
        state, release, since, waits, str(said.get("from", "")), requires, tuple(said.get("measured", ()))
    )


def _state(
    pipeline: str, release: str | None, here: _Place, theirs: str | None, before: _Place | None
) -> State:
    if here.env.follows_sources:
        return State.FIRST
    if before is None or theirs is None:
        return State.ALONE
    if release is None:
        return State.NEVER
    if release == theirs:
        return State.EQUAL
    return State.AHEAD if _is_ahead(pipeline, release, here, theirs, before) else State.BEHIND


def _is_ahead(pipeline: str, release: str, here: _Place, theirs: str, before: _Place) -> bool:
    """It came past the one before and never was there; or that one went back to what was here earlier."""
    if here.env.promoted[pipeline].get("from") != before.env.name:
        return not before.dated.had(pipeline, release)
    since, back = here.dated.since(pipeline, release), before.dated.since(pipeline, theirs)
    return here.dated.had(pipeline, theirs) and since is not None and (back is None or back > since)


def _image_row(places: Iterable[_Place]) -> Row:
    images = {place.env.name: place.env.images.get(RECONCILER_IMAGE) for place in places}
    return Row(RECONCILER, {place.env.name: _image(place.env, images) for place in places})


def _image(env: Environment, images: Mapping[str, str | None]) -> Cell:
    own, theirs = images[env.name], images.get(env.promotes_from)
    if env.follows_sources:
        return Cell(State.FIRST, own)
    if theirs is None:
        return Cell(State.ALONE, own)
    return Cell(State.EQUAL if own == theirs else State.DIFFERS, own)
