"""What is written for one service, and what people must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class File:
    """A file of the component: a resource, or with `target` a patch of what stands; `about` becomes a comment."""

    path: str
    content: Any
    about: tuple[str, ...] = ()
    target: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Consumer:
    """A service's consumer. Without files it has none, and `told` says why."""

    service: str
    namespace: str
    files: tuple[File, ...] = ()
    told: tuple[str, ...] = field(default=())

    @property
    def written(self) -> bool:
        """Whether there is one."""
        return bool(self.files)
