"""A run as it is compared, wherever it ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kfp_gitops.kfpserver.runtree import View


@dataclass(frozen=True)
class File:
    """An artifact: where it lies, and the digest of its content where that can be read here.

    None: nobody can tell here, and it lies at a place of its run's own, so that nothing is to be compared.
    """

    uri: str
    digest: str | None = ""


@dataclass(frozen=True)
class Part:
    """A task; one in a loop is several, by the number of the iteration. What a cache answered took no time."""

    state: str
    seconds: float | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What a task runs, and what it is given: `source` is the function of a Python component, else command and args."""

    component: str
    image: str
    source: str
    settings: Mapping[str, Any]
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """`tells_nothing`: why nobody knows what its tasks gave, "" where it is known.

    `decimals`: so many of a number that was logged are kept, None: all.
    """

    run: str
    place: str
    pipeline: str
    state: str
    started: datetime | None
    ended: datetime | None
    parameters: Mapping[str, Any]
    parts: Mapping[str, Part]
    steps: Mapping[str, Step]
    tells_nothing: str = ""
    decimals: int | None = None
    version: str = ""
    release: str = ""
    commit: str = ""
    libraries: Mapping[str, str] | None = None
    """Module of components/src → digest; None: it ran in an image."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


def leaves(views: Sequence[View], around: str = "") -> Iterator[tuple[str, View]]:
    """Each task that does work, by the ids of those around it and its own: `each/train`."""
    for view in views:
        if view.inside:
            yield from leaves(view.inside, f"{around}{view.id}/")
        else:
            yield f"{around}{view.id}", view


def complete(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run with the defaults that its pipeline has, in the order of that."""
    declared = ((spec.get("root") or {}).get("inputDefinitions") or {}).get("parameters") or {}
    defaults = {name: one["defaultValue"] for name, one in declared.items() if "defaultValue" in one}
    return {**defaults, **given}
