"""A clock that is another one than the server's, told by status as by the doctor."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kfp_gitops.kfpserver.kfpapi.clock import ServerClock
from kfp_gitops.operate.faults import server
from lost_kit import Kfp, Told
from project import Outcome

NOW = datetime(2026, 11, 29, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "apart"), [(0, False), (30, False), (-30, False), (31, True), (-7200, True)]
)
def test_clocks_are_apart_from_half_a_minute_on(seconds: int, apart: bool) -> None:
    assert (server.clock(NOW + timedelta(seconds=seconds), NOW) is not None) == apart


def test_a_clock_that_is_off_is_told_by_both(
    reconcile: Callable[..., Outcome],
    faults: Callable[..., Told],
    command: Callable[..., Outcome],
    root: Path,
    kfp: Kfp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reconcile("apply").code == 0
    heard = ServerClock.now
    monkeypatch.setattr(ServerClock, "now", lambda clock: heard(clock) + timedelta(minutes=5))
    assert faults()["clock"]["cause"] in {f"{seconds} s off the server's" for seconds in (299, 300)}
    where = ("--root", root, "--env", "dev", "--host", kfp.server.url, "--json")
    checks = {c["name"]: c["status"] for c in json.loads(command("doctor", *where).out)["checks"]}
    assert checks["clock"] == "missing"
