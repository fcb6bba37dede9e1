"""Values: `base.yaml` with an environment's `values.yaml` merged over it, each knowing its file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path


@dataclass(frozen=True)
class Merged(Document):
    """A document made of two: a problem names the file that the value came from."""

    owners: Mapping[Path, Document] = field(default_factory=dict, repr=False)

    def problem(
        self, at: Sequence[str | int], what: str, todo: str, *, key: bool = False, fault: str = ""
    ) -> Problem:
        return self._owner(at).problem(at, what, todo, key=key, fault=fault)

    def spelled(self, at: Path) -> str:
        return self._owner(at).spelled(at)

    def _owner(self, at: Sequence[str | int]) -> Document:
        path = tuple(at)
        while path and path not in self.owners:
            path = path[:-1]
        return self.owners[path]

    def below(self, at: Path) -> Merged:
        """The part of this document below a path, as a document of its own."""
        value: Any = self.value
        for part in at:
            value = value[part]
        return _Part(self.path, value, {}, {}, owners=self.owners, base=at)


@dataclass(frozen=True)
class _Part(Merged):
    base: Path = ()

    def name(self, at: Sequence[str | int]) -> str:
        return super().name([*self.base, *at])

    def problem(
        self, at: Sequence[str | int], what: str, todo: str, *, key: bool = False, fault: str = ""
    ) -> Problem:
        return super().problem([*self.base, *at], what, todo, key=key, fault=fault)

    def spelled(self, at: Path) -> str:
        return super().spelled((*self.base, *at))


@dataclass(frozen=True)
class Moved(Document):
    """A part of another document that is merged as if it stood at `to`; problems name where it does stand."""

    origin: Document = field(kw_only=True)
    at: Path = field(kw_only=True)
    to: Path = field(kw_only=True)

    @classmethod
    def of(cls, origin: Document, at: Path, to: Path) -> Moved:
        """The part at a path of a document, to be merged at another one."""
        value = origin.value
        for part in at:
            value = value[part]
        for part in reversed(to):
            value = {part: value}
        return cls(origin.path, value, {}, {}, origin.whole_floats, origin=origin, at=at, to=to)

    def problem(
        self, at: Sequence[str | int], what: str, todo: str, *, key: bool = False, fault: str = ""
    ) -> Problem:
        return self.origin.problem(self._there(at), what, todo, key=key, fault=fault)

    def spelled(self, at: Path) -> str:
        return self.origin.spelled(self._there(at))

    def _there(self, at: Sequence[str | int]) -> Path:
        return (*self.at, *tuple(at)[len(self.to) :])


def merge(base: Document, over: Document) -> Merged:
    """Merge `over` over `base`: maps merge, anything else replaces, null removes."""
    owners: dict[Path, Document] = {}
    value = _merge(base, over, base.value, over.value, (), owners)
    return Merged(over.path, value, {}, {}, base.whole_floats or over.whole_floats, owners=owners)


def _merge(
    base: Document, over: Document, left: Any, right: Any, at: Path, owners: dict[Path, Document]
) -> Any:
    owners[at] = over
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return _without_nulls(right)
    result = {}
    for key in [*left, *(key for key in right if key not in left)]:
        if key not in right:
            owners[(*at, key)] = base
            result[key] = left[key]
        elif right[key] is None:
            continue
        elif key in left:
            result[key] = _merge(base, over, left[key], right[key], (*at, key), owners)
        else:
            owners[(*at, key)] = over
            result[key] = _without_nulls(right[key])
    return result


def _without_nulls(value: Any) -> Any:
    """A null in a map removes the key, also where base.yaml has no such key."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
