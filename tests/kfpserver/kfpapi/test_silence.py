"""A KFP that refuses: the first line about it comes within two seconds, and the last try has time to be answered."""

from __future__ import annotations

import random

import pytest
from kfp_gitops.base import replies
from kfp_gitops.base.errors import TemporaryError
from kfp_gitops.kfpserver.kfpapi.budget import Budget
from kfp_gitops.kfpserver.kfpapi.retry import Backoff


class Time:
    """A clock that only sleeping moves; `told`: when each line came."""

    def __init__(self) -> None:
        self.now, self.told = 100.0, list[float]()
        self.backoff = Backoff(
            patience=60, sleep=self.sleep, clock=lambda: self.now, tell=lambda _: self.told.append(self.now)
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("seed", range(30))
def test_the_first_line_about_a_silence_is_there_within_two_seconds(seed: int) -> None:
    random.seed(seed)
    time, left = Time(), list[float]()

    def send() -> None:
        left.append(replies.left())
        raise TemporaryError("no", reason="refused")

    with pytest.raises(TemporaryError, match="given up after 60 s"):
        time.backoff.call(send)
    assert time.told[0] < 102
    assert all(9.5 < seconds < 61 for seconds in left[1:]), (
        "no reply is waited for longer than patience lasts"
    )


def test_what_a_command_may_take_is_one_time_however_often_it_is_asked_for() -> None:
    now = [0.0]
    budget = Budget(10, lambda: now[0])
    assert (budget.left("h"), budget.silent) == (10, 0)
    now[0] = 4
    assert budget.of(30).left("h") == 26
    assert budget.silent == 4
    budget.heard()
    now[0] = 6
    assert (budget.silent, budget.over) == (2, False)
    assert budget.of(5).over
