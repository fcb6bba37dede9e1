"""What a pass does beside the runs of triggers."""

from __future__ import annotations

from typing import Any

import pytest
from kfp_gitops.base.errors import LockLostError, RemoteError
from kfp_gitops.operate.triggering import also

TURN: Any = None


def _fails(_: Any) -> None:
    raise RemoteError("no answer")


def _is_lost(_: Any) -> None:
    raise LockLostError("somebody has taken it")


def test_one_that_fails_stops_no_other() -> None:
    done: list[str] = []
    every: list[also.Also] = [("backfills", _fails), ("previews", lambda _: done.append("previews"))]
    assert also.done(every, TURN) == [("backfills", "no answer")]
    assert done == ["previews"]


def test_without_the_lock_nothing_more_is_done() -> None:
    done: list[str] = []
    every: list[also.Also] = [("backfills", _is_lost), ("previews", lambda _: done.append("previews"))]
    with pytest.raises(LockLostError):
        also.done(every, TURN)
    assert done == []
