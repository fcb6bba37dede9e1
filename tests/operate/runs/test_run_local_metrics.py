"""`run.py --local` prints what its tasks logged: KFP's pages show it, and here is no page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scored
from kfp_gitops.local import metrics
from project import Outcome

Run = Callable[..., Outcome]


def test_metrics_of_every_kind_stand_below_their_artifact(
    repository: Path, command: Run, quick_runs: None
) -> None:
    root = scored.make(repository, command)
    done = command(
        "run", "--root", root, "--env", "dev", "--pipeline", "hello", "--local", "--out", root / "o"
    )
    assert done.code == 0, done.err
    where = f"{root}/o/artifacts/score"
    assert done.out.splitlines()[2:-1] == [
        '    label = "dev"',
        "    rows = 40",
        f"    classes: {where}/classes",
        "      accuracy = 0.875",
        "      auc = 0.65",
        "           cat  dog",
        "      cat    3    1",
        "      dog    0    4",
        f"    data: {where}/data",
        f"    metrics: {where}/metrics",
        "      steady = 3",
        "      wape = 0.25",
        f"    slices: {where}/slices",
        "      north: accuracy = 0.5",
    ]


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"wape": 0.1, "ok": True, "name": "x"}, {"name": "x", "ok": True, "wape": 0.1}),
        ({"confusionMatrix": {"rows": []}}, {}),
        ({"confusionMatrix": "none"}, {}),
        ({"confidenceMetrics": [{"recall": 1, "falsePositiveRate": 0}]}, {}),
        ({"confidenceMetrics": {"list": [{}, {"recall": 1, "falsePositiveRate": 1}]}}, {"auc": 0.5}),
        ({"evaluationSlices": [{"slice": "n", "sliceClassificationMetrics": {"p": 1}}, 3]}, {"n: p": 1}),
        ("text", {}),
        (None, {}),
    ],
)
def test_numbers_of_metadata_that_anybody_may_have_written(metadata: Any, found: dict[str, Any]) -> None:
    assert metrics.of({"metadata": metadata}) == found


def test_only_numbers_are_numbers() -> None:
    assert metrics.numbers({"metadata": {"a": 1, "b": True, "c": "1", "d": 0.5}}) == {"a": 1, "d": 0.5}
