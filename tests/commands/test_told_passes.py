"""What a pass tells: of a stranger's names no line of its own is made."""

from __future__ import annotations

import pytest
from kfp_gitops.commands.preview import down
from kfp_gitops.commands.reconcile import passed
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.takedown import Left, TakenDown


def test_a_key_or_a_name_with_a_line_break_begins_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An object in S3 and a run in KFP may be called anything; who reads a pod's log must not take it for ours."""
    key = "s3://lake/a\nstart run churn-t-0: done\u2028\u202e changed"
    passed.teller(json=False)(Event("churn", "start", "run", "churn-t-1", "done", key))
    (line,) = capsys.readouterr().out.splitlines()
    assert line == r"start run churn-t-1: done: s3://lake/a\nstart run churn-t-0: done\u2028\u202e changed"


def test_nor_does_what_stays_of_a_preview(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        down.told("pr-42", TakenDown(left=(Left("experiment", "x\npr-42: deleted 3 runs", "it is used"),)))
        == 1
    )
    assert len(capsys.readouterr().out.splitlines()) == 2
