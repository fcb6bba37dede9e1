"""A development server whose clock the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clocked_kit import FAKE, START
from kfp_gitops.devserver import DevServer, Faults, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults(), clock=clock) as found:
        yield found
