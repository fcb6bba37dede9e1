"""The order of test files when several workers share them: what takes long is begun first, so that all end together."""

from __future__ import annotations

import pytest
from project import HERE

# Files that take more than some seconds on two cores, the longest first. Forgetting one costs time and nothing else.
LONGEST: tuple[str, ...] = ()
_PLACES = {HERE / name: number for number, name in enumerate(LONGEST)}


def arrange(items: list[pytest.Item]) -> None:
    """Bring the longest files to the front; tests of one file, and all other files, keep their order."""
    items.sort(key=lambda item: _PLACES.get(item.path, len(_PLACES)))
