"""What a lock keeps of triggers and of backfills: none overwrites the other, and what is damaged is as if not there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from kfp_gitops.reconcile import backfilltext
from kfp_gitops.reconcile.backfills import Progress, Spans
from kfp_gitops.reconcile.backfilltext import InLock
from kfp_gitops.reconcile.causes import statetext
from kfp_gitops.reconcile.causes.state import State
from kfp_gitops.reconcile.locking.parted import Part


@dataclass
class Lock:
    kept: str = ""

    def keep_text(self, text: str) -> None:
        self.kept = text


def test_each_has_its_part() -> None:
    lock, state = Lock(), State(at=datetime(2026, 1, 1, tzinfo=UTC))
    its = Part(lock, statetext.FORM)
    InLock(lock).keep("january", "{}")
    its.keep_text(statetext.text(state))
    InLock(lock).keep("march", "{}")
    assert InLock(lock).read() == {"january": "{}", "march": "{}"}
    assert statetext.read(its.kept) == statetext.read(lock.kept) == state
    its.keep_text("")
    assert (its.kept, [*InLock(lock).read()]) == ("", ["january", "march"])
    InLock(lock).keep("january", "")
    InLock(lock).keep("march", "")
    assert lock.kept == ""


def test_what_an_earlier_version_kept_is_of_triggers() -> None:
    lock = Lock(statetext.text(State()))
    assert (InLock(lock).read(), statetext.read(lock.kept)) == ({}, State())


@pytest.mark.parametrize(
    "text", ["backfills1 ", "backfills1 x", "backfills1 AAAA", "backfills1 eJwDAAAAAAE=", "|", "x|y"]
)
def test_what_is_damaged_is_nothing(text: str) -> None:
    assert backfilltext.read(text) == {}


def test_there_is_room_for_more_than_anybody_has() -> None:
    lock = Lock()
    for number in range(200):
        ended = Progress(secrets.token_hex(6), secrets.token_hex(6), Spans(((0, 31),)), finished=1 + number)
        InLock(lock).keep(f"b{number}", ended.text())
    begun = Progress("a", "b", Spans(((0, 5000),)), begun=dict.fromkeys(range(5000, 5050), 0), total=20_000)
    InLock(lock).keep("now", begun.text())
    assert len(lock.kept) <= backfilltext.MOST
    assert InLock(lock).read()["now"] == begun.text()
