"""The Pushgateway answers a DELETE before it has deleted (its handler/delete.go): what is left is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def settled(found: Callable[[], T], wanted: T, seconds: float = 30.0) -> T:
    """What is found once it is what is wanted, or what it is after that time."""
    end = time.monotonic() + seconds
    while (now := found()) != wanted and time.monotonic() < end:
        time.sleep(0.02)
    return now
