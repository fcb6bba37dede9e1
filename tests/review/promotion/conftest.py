"""A repository of a team's own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from promotion_kit import Chain, Command, Team


@pytest.fixture
def team(repository: Path, command: Command) -> Team:
    return Team(repository, command)


@pytest.fixture
def chain(repository: Path, command: Command) -> Chain:
    return Chain(repository, command)
