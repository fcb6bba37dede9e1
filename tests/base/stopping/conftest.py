"""A server that takes connections, and answers nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from first import Silent


@pytest.fixture
def silent() -> Iterator[Silent]:
    with Silent() as found:
        yield found
