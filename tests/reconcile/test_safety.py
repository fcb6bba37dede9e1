"""A swap that ends half-way, failed or out of time, leaves no schedule off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_calls import Interruption
from fake_kfp import FakeKfp, Told
from kfp_gitops.base.errors import RemoteError, UnclearError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.reconcile import waits
from kfp_gitops.reconcile.records import Desired
from swap_kit import EVERY_5_MINUTES, firings, reconciled, releasing


def _on(kfp: FakeKfp) -> list[str]:
    return [found.record.id for found in kfp.recurring.values() if found.record.enabled]


def _released(cron: str, on_missed: str = "report") -> tuple[FakeKfp, Desired]:
    """A schedule that fires, and a release that replaces it."""
    kfp, schedule = FakeKfp(latency=1), replace(EVERY_5_MINUTES, cron=cron, on_missed=on_missed)
    reconciled(kfp, releasing(schedule), Told())
    kfp.advance(650 - kfp.clock)
    return kfp, releasing(schedule, "sha-2")


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cron", ["0 */5 * * * *", "0 0 0 * * *"])
@pytest.mark.parametrize("call", range(1, 21))
def test_an_apply_that_fails_anywhere_leaves_no_schedule_off(
    cron: str, call: int, after: bool, hides: bool
) -> None:
    """There may be no next apply: a Job has four tries, and who applied by hand has gone home."""
    kfp, desired = _released(cron)
    kfp.interruption = Interruption(call, after, kill=False, hides=hides)
    with contextlib.suppress(RemoteError):
        reconciled(kfp, desired, Told())
    assert len(_on(kfp)) == 1
    kfp.interruption = None
    kfp.advance(400)
    assert not reconciled(kfp, desired, Told()).failed
    kfp.advance(400)
    assert len(_on(kfp)) == 1
    assert firings(kfp) == [moment for moment in range(300, kfp.clock + 1, 300) if cron.startswith("0 */5")]


def test_a_swap_that_has_no_time_left_leaves_no_schedule_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off and waiting for a run when --wait is over: the old one fires on."""
    kfp, desired = _released("0 */5 * * * *")
    (old,) = _on(kfp)
    monkeypatch.setattr(waits, "reason_to_wait", lambda *_, **__: None)  # so that it begins beside a firing
    kfp.unseen = 60
    kfp.advance(899 - kfp.clock)
    assert reconciled(kfp, desired, Told(), wait=0).postponed
    assert _on(kfp) == [old]
    monkeypatch.undo()
    assert not reconciled(kfp, desired, Told()).postponed
    kfp.advance(600)
    assert firings(kfp) == list(range(300, kfp.clock + 1, 300))


@pytest.mark.parametrize("unclear", [False, True])
def test_what_cannot_be_made_up_for_leaves_no_schedule_off(
    unclear: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was refused is the old one's to make up for; one that may be there is nobody's any more."""
    kfp, desired = _released("0 */5 * * * *", "run")
    (old,) = _on(kfp)
    monkeypatch.setattr(waits, "reason_to_wait", lambda *_, **__: None)
    monkeypatch.setattr(waits, "unsettled", lambda *_: False)
    monkeypatch.setattr(kfp, "runs_of_schedule", _while_a_firing_passes(kfp, kfp.runs_of_schedule))

    def refuse(**_: object) -> str:
        raise UnclearError("500") if unclear else RemoteError("400")

    monkeypatch.setattr(kfp, "create_run", refuse)
    kfp.advance(870 - kfp.clock)
    assert reconciled(kfp, desired, Told()).failed
    assert len(_on(kfp)) == 1 and (_on(kfp) == [old]) == (not unclear)
    monkeypatch.undo()
    kfp.advance(1)
    assert (900 in firings(kfp)) == (not unclear)


def _while_a_firing_passes(
    kfp: FakeKfp, read: Callable[[str], list[ActualRun]]
) -> Callable[[str], list[ActualRun]]:
    def reading(schedule_id: str) -> list[ActualRun]:
        if len(kfp.recurring) > 1 and not _on(kfp) and kfp.clock < 910:
            kfp.advance(910 - kfp.clock)
        return read(schedule_id)

    return reading
