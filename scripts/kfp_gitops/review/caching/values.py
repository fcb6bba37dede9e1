"""What a task is given, as far as it is known before a run. Pure.

Two values of the same `identity` are the same in any two runs, if they are `STEADY`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

from kfp_gitops.base import gojson


class Motion(IntEnum):
    """What becomes of a value from run to run: the same, the same or another, another for certain."""

    STEADY = 0
    OPEN = 1
    MOVING = 2


class Maker(Protocol):
    """What a value knows of the task that it comes from (`steps.Step`)."""

    @property
    def task(self) -> str:
        """Its name."""

    @property
    def identity(self) -> str:
        """Its key."""

    @property
    def motion(self) -> Motion:
        """What becomes of its key from run to run."""


@dataclass(frozen=True)
class Known:
    """A constant; numbers are equal as KFP sees them, which has doubles only. `workspace`: it names its folder."""

    text: str
    value: Any = field(compare=False)
    workspace: bool = False
    motion = Motion.STEADY

    @property
    def identity(self) -> str:
        """Its JSON."""
        return self.text


@dataclass(frozen=True)
class Moving:
    """What no two runs share, such as the run's id (`fact`)."""

    fact: str
    motion = Motion.MOVING
    workspace = False

    @property
    def identity(self) -> str:
        """Of where it comes from."""
        return digest("moving", self.fact)


@dataclass(frozen=True)
class Made:
    """An output of a task: a value may come out the same when the task runs again, an artifact is a new one."""

    step: Maker
    output: str
    artifact: bool
    workspace = False

    @property
    def identity(self) -> str:
        """Of the task's key, and which output of it."""
        return digest("made", self.step.identity, self.output, str(self.artifact))

    @property
    def motion(self) -> Motion:
        """That of the task; a value of a task that runs each time is open."""
        return self.step.motion if self.artifact else min(self.step.motion, Motion.OPEN)


@dataclass(frozen=True)
class Derived:
    """Something made of other values by KFP itself: an item of a list, a collected list, an imported artifact."""

    kind: str
    parts: tuple[Value, ...]
    workspace: bool = False
    always_new: bool = False

    @property
    def identity(self) -> str:
        """Of how it is made, and of what."""
        return digest(self.kind, *(part.identity for part in self.parts))

    @property
    def motion(self) -> Motion:
        """The most of its parts'."""
        own = Motion.MOVING if self.always_new else Motion.STEADY
        return max([own, *(part.motion for part in self.parts)])


Value = Known | Moving | Made | Derived


def known(value: Any, *, workspace: bool = False) -> Known:
    """A constant of the manifest or the IR."""
    return Known(gojson.text(value, doubles=True), value, workspace)


def digest(*texts: str) -> str:
    """A short identity of texts, their borders included."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


def item_of(items: Value, index: int | None = None) -> Value:
    """One item of a list, or its current one."""
    if isinstance(items, Known) and index is not None:
        return known(items.value[index])
    return Derived("item", (items,))


def field_of(value: Value, name: str) -> Value:
    """What a map has under a name; a text is read as JSON."""
    if isinstance(value, Known) and isinstance(value.value, str):
        value = parsed(value)
    if isinstance(value, Known) and isinstance(value.value, dict) and name in value.value:
        return known(value.value[name])
    return Derived(f"field {name}", (value,))


def parsed(value: Known) -> Known:
    """What a text holds as JSON; itself when it holds none."""
    try:
        return known(json.loads(value.value))
    except ValueError:
        return value


def list_of(values: Sequence[Value]) -> Value:
    """What KFP collects: a list of values, or of artifacts."""
    if values and all(isinstance(value, Known) for value in values):
        return known([value.value for value in values if isinstance(value, Known)])
    return Derived("list", tuple(values))


def as_type(value: Value, kind: str) -> Value:
    """A constant as KFP hands it to an input of a type: a text takes all (converter.go, PbValueToText)."""
    if not isinstance(value, Known) or kind != "STRING" or isinstance(value.value, str):
        return value
    if isinstance(value.value, bool | list | dict):
        return known(value.text)
    if isinstance(value.value, int | float):
        return known(_plain(float(value.value)))
    return value


def _plain(value: float) -> str:
    """strconv.FormatFloat(value, 'f', -1, 64)."""
    text = gojson.text(value)
    return f"{value:.0f}" if "e+" in text else f"{value:.330f}".rstrip("0") if "e-" in text else text
