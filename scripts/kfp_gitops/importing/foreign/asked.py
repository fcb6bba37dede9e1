"""What files of other tools ask for: pipelines, and when each of them is to run with which parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path


@dataclass(frozen=True)
class Text:
    """A parameter's value, which these tools keep as a text, and where it stands."""

    text: str
    at: Path


@dataclass(frozen=True)
class Asked:
    """A recurring run, or what a trigger starts: `schedule` as a manifest has it, but for its parameters.

    `elsewhere` are parameters whose values stand in no file that is here, `given` references to the cause of a run.
    """

    document: Document
    at: Path
    schedule: Mapping[str, Any]
    parameters: Mapping[str, Text]
    elsewhere: Mapping[str, Path] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Configured:
    """What a tool calls a way to run a pipeline; `outputs` are names of artifacts of its runs, and where they are."""

    pipeline: str
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Taken:
    """A parameter's value that is an output of a run of another configuration, and where that is said."""

    configuration: str
    output: str
    at: Path


@dataclass(frozen=True)
class After:
    """Runs of a pipeline after those of configurations of others, each at its place."""

    document: Document
    pipeline: str
    name: str
    upstreams: Sequence[tuple[str, Path]]
    parameters: Mapping[str, Text]
    taken: Mapping[str, Taken]
    others: bool
    """Whether other things start runs of it as well."""


@dataclass(frozen=True)
class Wanted:
    """A pipeline that they run; its IR is none of theirs. `known_as` are the names that it goes by.

    `image` is what its steps run in, where the file says so; `made` is how its IR is made, `env` the variables that its
    tool sets then.
    """

    name: str
    document: Document
    at: Path
    made: str
    known_as: Sequence[str] = ()
    image: str = ""
    asked: tuple[Asked, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """Where its DSL stands, as FILE.py:NAME."""
    triggers: tuple[Asked, ...] = ()
    """Runs when a new release of it is registered, or after those of another: of each a trigger of a manifest."""

    @property
    def missing(self) -> Problem:
        """That nobody gave its IR."""
        itself = f", or its source: --ir {self.name}={self.source}" if self.source else ""
        todo = f"{self.made}, and give it: --ir {self.name}=FILE{itself}"
        return self.document.problem(self.at, f"the pipeline {self.name!r} is not in this file", todo)


@dataclass
class Found:
    """All that files say: pipelines by name, fields without a counterpart, and what is wrong."""

    pipelines: dict[str, Wanted] = field(default_factory=dict)
    told: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    configured: dict[str, Configured] = field(default_factory=dict)
    after: list[After] = field(default_factory=list)
