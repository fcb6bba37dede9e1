"""`run.py --local` prints what its tasks logged, and why one failed: KFP's pages show it, and here is no page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scored
from kfp_gitops.kfpserver.metadata import logged as metrics
from kfp_gitops.local import reasons, results
from kfp_gitops.local.job import Job, Progress
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


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            "    helper()\n",
            [
                "    | components/score/component.py:{line}, in score",
                "    |     helper()",
                "    |     ^^^^^^",
                "    | NameError: name 'helper' is not defined",
                "  a step's function runs alone: import and define inside it what it uses, or in a module of "
                "components/src (docs/own-code.md)",
            ],
        ),
        (
            "    return level\n",
            [
                "    | TypeError: object of type 'int' has no len()",
                "  if the function's annotation names outputs (NamedTuple), it returns all of them as a tuple: "
                "return (value,)",
            ],
        ),
        (
            "    from ours import work; work()\n",
            [
                "    | components/score/component.py:{line}, in score",
                "    |     from ours import work; work()",
                "    |                            ^^^^^^",
                "    | components/src/ours.py:2, in work",
                "    |     raise KeyError('cpu')",
                "    | KeyError: 'cpu'",
            ],
        ),
    ],
)
def test_why_a_step_failed_is_told_at_the_lines_of_its_own_file(
    repository: Path, command: Run, quick_runs: None, broken: str, said: list[str]
) -> None:
    root = scored.make(repository, command)
    (root / "components/src").mkdir()
    (root / "components/src/ours.py").write_text("def work():\n    raise KeyError('cpu')\n")
    step = root / "components/score/component.py"
    step.write_text(step.read_text().replace("    from pathlib import Path\n", broken))
    line = step.read_text().splitlines().index(broken.rstrip()) + 1
    scored.again(root, command)
    done = command("run", "--root", root, "--env", "dev", "--pipeline", "hello", "--local")
    assert done.code == 4
    lines = done.out.splitlines()
    at = lines.index("  why judge failed, by the end of its log:")
    assert lines[at + 1 : -1] == [one.replace("{line}", str(line)) for one in said]


def test_where_a_step_wrote_no_traceback_the_end_of_its_log_is_told(tmp_path: Path) -> None:
    progress = Progress(Job("p", "root: {}", {}, tmp_path, [], 1))
    progress.state, progress.failed = "FAILED", [("t", "t.log"), ("u", "u.log")]
    assert list(reasons.told(progress, tmp_path, tmp_path)) == []
    (tmp_path / "t.log").write_text("".join(f"line {number}\n\n" for number in range(20)))
    found = list(reasons.told(progress, tmp_path, tmp_path))
    assert found == ["  why t failed, by the end of its log:", *(f"    | line {n}" for n in range(8, 20))]


_ODD: tuple[Any, ...] = (
    None, 7, "x", [], {}, [[]], True, 10**400, float("nan"), {"rows": 7}, {"rows": [7]}, {"rows": [{"row": 7}]},
    {"rows": [{"row": ["a", None]}]}, {"rows": [{"row": [10**400, 1]}]},
    {"rows": [{"row": [1]}], "annotationSpecs": [1]},
    {"rows": [{"row": ["a"]}], "annotationSpecs": [{"displayName": "a"}]}, {"annotationSpecs": 7}, {"list": 7},
    [{"recall": "x"}] * 2, [{"recall": None}] * 2, [{"recall": 10**400}, {"recall": 1}],
    [{"sliceClassificationMetrics": {"confusionMatrix": {"rows": [{"row": ["a"]}]}}}],
)  # fmt: skip


@pytest.mark.parametrize("odd", _ODD)
def test_whatever_a_step_logged_a_run_that_ended_is_told(odd: Any) -> None:
    keys = (metrics.MATRIX, metrics.CURVE, metrics.SLICES, "other")
    for metadata in (odd, *({key: odd} for key in keys)):
        artifact = {"uri": "a", "metadata": metadata}
        assert isinstance(list(results._logged(artifact)), list)
        assert all(abs(number) >= 0 or number != number for number in metrics.numbers(artifact).values())
