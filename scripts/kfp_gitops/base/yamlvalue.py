"""A YAML text without the places in it, in a fraction of the time; `yamltext` for all there is to tell.

What has a fault, an alias or a tag is not read here, nor what is large. So a message never depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kfp_gitops.base import yamlevents, yamllines, yamltext
from kfp_gitops.base.yamlevents import DoubtError
from kfp_gitops.base.yamltext import WRITTEN, Bounds, Document, Path


@dataclass(frozen=True)
class Placed(Document):
    """A document that looks into its text where something stands only when it is asked."""

    text: str = field(default="", repr=False)
    bounds: Bounds = field(default=WRITTEN, repr=False)

    @cached_property
    def _whole(self) -> Document:
        return yamltext.parse(self.text, self.path, self.bounds)

    def position(self, at: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
        """As `Document.position`."""
        return self._whole.position(at, key=key)

    def spelled(self, at: Path) -> str:
        """As `Document.spelled`."""
        return self._whole.spelled(at)


def parse(text: str, path: str, bounds: Bounds = WRITTEN) -> Document:
    """As `yamltext.parse`.

    Raises:
        InputError: as there.
    """
    return read(text, path, bounds) or yamltext.parse(text, path, bounds)


def read(text: str, path: str, bounds: Bounds = WRITTEN) -> Document | None:
    """The one document of a text as `yamltext.parse` reads it; None: that is to read it."""
    found = _value(text, bounds)
    return Placed(path, found[0], {}, {}, found[1], text=text, bounds=bounds) if found else None


def _value(text: str, bounds: Bounds) -> tuple[Any, bool] | None:
    if len(text) > bounds.bytes // 4 and len(text.encode("utf-8", "surrogatepass")) > bounds.bytes:
        return None
    with suppress(DoubtError):
        return yamllines.read(text, bounds.nodes)
    # Every node takes a character.
    if len(text) > bounds.nodes or yamltext.has_refused(text):
        return None
    with suppress(DoubtError):
        return yamlevents.read(text)
    return None
