"""One terminal and one Prometheus for all nights; KFP and the repository are new each night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import alerts_kit
import night_kit
import pytest
import terminal_kit
from alerts_kit import Alerts
from night_kit import Night
from terminal_kit import Terminal


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with terminal_kit.terminal(tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerts]:
    with alerts_kit.alerts(tmp_path_factory.mktemp("alerts")) as found:
        yield found


@pytest.fixture
def evening(desk: Terminal, alerts: Alerts, tmp_path: Path) -> Iterator[Callable[..., Night]]:
    """`evening(values)`: prod, with more in its values."""
    nights: list[Night] = []

    def begin(values: str = "") -> Night:
        nights.append(night_kit.begun(desk, alerts, tmp_path, values))
        return nights[-1]

    yield begin
    for night in nights:
        night.server.close()


@pytest.fixture
def night(evening: Callable[..., Night]) -> Night:
    return evening()
