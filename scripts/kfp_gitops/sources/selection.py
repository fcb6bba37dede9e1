"""Which part of an environment a command is about: pipelines of some teams, of some names, or all of it."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kfp_gitops.base import columns
from kfp_gitops.base.errors import UsageError, meant

_TEAM = "team="


class NothingSelected(UsageError):  # noqa: N818  # it is no error where another environment has some
    """An environment has nothing of what is selected."""


@dataclass(frozen=True)
class Selection:
    """Of some teams and of names that match a glob; where both are given, both hold. Without any: all."""

    teams: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()

    @classmethod
    def of(cls, arguments: Namespace) -> Selection:
        """What the options of `add` say.

        Raises:
            UsageError: `--select` is not `team=NAME`.
        """
        teams = dict.fromkeys(team for text in arguments.select for team in _teams(text))
        globs = dict.fromkeys(glob for text in arguments.pipeline for glob in _parts(text, "--pipeline"))
        return cls(tuple(sorted(teams)), tuple(sorted(globs)))

    @classmethod
    def read(cls, texts: Sequence[str]) -> Selection:
        """The reverse of `texts`."""
        teams = (text.removeprefix(_TEAM) for text in texts if text.startswith(_TEAM))
        return cls(tuple(teams), tuple(text for text in texts if not text.startswith(_TEAM)))

    def __bool__(self) -> bool:
        return bool(self.teams or self.globs)

    def __str__(self) -> str:
        return " and ".join(
            filter(None, (_TEAM + ",".join(self.teams) if self.teams else "", *self._named()))
        )

    def _named(self) -> Iterator[str]:
        if self.globs:
            yield f"pipeline {','.join(self.globs)}"

    @property
    def texts(self) -> list[str]:
        """As words without blanks, in an order of their own; no glob begins like a team, for no name has a `=`."""
        return [*(f"{_TEAM}{team}" for team in self.teams), *self.globs]

    @property
    def words(self) -> list[str]:
        """As words of a command line."""
        return [
            *(f"--select team={team}" for team in self.teams),
            *(f"--pipeline {shlex.quote(glob)}" for glob in self.globs),
        ]

    def matches(self, name: str, team: str = "") -> bool:
        """Whether a pipeline of this name and team ("": of none) is selected."""
        named = not self.globs or any(fnmatchcase(name, glob) for glob in self.globs)
        return named and (not self.teams or team in self.teams)

    def chosen(self, teams: Mapping[str, str], where: str) -> frozenset[str]:
        """The names that are selected among all of an environment, pipeline → team.

        Raises:
            UsageError: a team that has none, a glob without a match, nothing that both hold of; with what there is.
        """
        wrong = [*self._unknown_teams(teams, where), *self._without_match(teams, where)]
        if wrong:
            raise NothingSelected("\n".join(wrong))
        found = frozenset(name for name, team in teams.items() if self.matches(name, team))
        if not found:
            raise NothingSelected(
                f"{where} has no pipeline of {self}; there are: {_listed(_described(teams))}"
            )
        return found

    def _unknown_teams(self, teams: Mapping[str, str], where: str) -> Iterator[str]:
        known = sorted({*teams.values()} - {""})
        for team in (team for team in self.teams if team not in known):
            close = f", did you mean {near!r}?" if (near := meant(team, known)) else ";"
            yield f"--select team={team}: {where} has no pipeline of it{close} teams there: {_listed(known)}"

    def _without_match(self, teams: Mapping[str, str], where: str) -> Iterator[str]:
        for glob in self.globs:
            if not any(fnmatchcase(name, glob) for name in teams):
                close = f", did you mean {near!r}?" if (near := meant(glob, teams)) else ";"
                yield f"--pipeline {glob}: {where} has none of that name{close} there are: {_listed(sorted(teams))}"


ALL = Selection()


def add(parser: ArgumentParser, what: str = "only pipelines") -> None:
    """Declare the options; `what` says of what they select."""
    group = parser.add_argument_group("a part of the environment")
    group.add_argument(
        "--select", action="append", default=[], metavar="team=T",
        help=f"{what} of this team; several with commas, or repeated",
    )  # fmt: skip
    group.add_argument(
        "--pipeline", action="append", default=[], metavar="GLOB",
        help=f"{what} whose name matches, such as 'churn-*'; several with commas, or repeated; with --select both hold",
    )  # fmt: skip


def _teams(text: str) -> Iterator[str]:
    key, equals, names = text.partition("=")
    if not equals or key != "team":
        raise UsageError(f"--select {text}: write team=NAME, such as --select team=churn")
    yield from _parts(names, "--select team=")


def _parts(text: str, option: str) -> list[str]:
    """An empty one may be a variable that was not set: it must not mean all."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        given = f"{option}{'' if option.endswith('=') else ' '}{text}"
        raise UsageError(f"{given}: a name is empty; write names with commas between them, such as a,b")
    return found


def _described(teams: Mapping[str, str]) -> list[str]:
    return [f"{name} ({team})" if team else name for name, team in sorted(teams.items())]


def _listed(names: Sequence[str]) -> str:
    return columns.some(names, 20) or "none"
