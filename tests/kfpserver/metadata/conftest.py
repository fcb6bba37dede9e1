"""A server in the place of ML Metadata for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from metadata_kit import Answering


@pytest.fixture
def server() -> Iterator[Answering]:
    found = Answering()
    yield found
    found.close()
