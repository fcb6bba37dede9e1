"""A repository whose pipeline `hello` logs metrics of every kind, and a library of its own that a step imports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from project import Outcome

SCORE = '''"""A step that judges."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import ClassificationMetrics, Dataset, Metrics, Output, SlicedClassificationMetrics


@dsl.component(base_image="steps", install_kfp_package=False)
def score(
    level: int,
    metrics: Output[Metrics],
    classes: Output[ClassificationMetrics],
    slices: Output[SlicedClassificationMetrics],
    data: Output[Dataset],
    note: str = "a",
) -> NamedTuple("Outputs", [("rows", int), ("label", str)]):
    """Judge.

    Args:
        level: How good.
        note: A word.

    Returns:
        rows: How many.
        label: A word.
    """
    from pathlib import Path

    metrics.log_metric("wape", 1 / level)
    metrics.log_metric("steady", 3)
    classes.log_roc_curve([0.0, 0.5, 1.0], [0.0, 0.8, 1.0], [0.9, 0.5, 0.1])
    classes.log_confusion_matrix(["cat", "dog"], [[3, 1], [0, level]])
    north = {"confusionMatrix": {"rows": [{"row": [2, 0]}, {"row": [2, 0]}]}}
    slices.metadata["evaluationSlices"] = [{"slice": "north", "sliceClassificationMetrics": north}]
    Path(data.path).write_text(note)
    return (level * 10, note)
'''
_MANIFEST = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: hello, description: d, owner: o}
spec:
  parameters:
    level: {type: int, default: 4}
    name: {type: str, default: dev}
  tasks:
    judge:
      component: score
      arguments: {level: {param: level}, note: {param: name}}
"""


def make(root: Path, command: Callable[..., Outcome]) -> Path:
    """Compiled and rendered."""
    (root / "components/score").mkdir()
    (root / "components/score/component.py").write_text(SCORE)
    (root / "templates/pipelines/hello/pipeline.yaml.j2").write_text(_MANIFEST)
    again(root, command)
    return root


def again(root: Path, command: Callable[..., Outcome]) -> None:
    """Compile and render what stands there now."""
    assert command("components", "--root", root).code == 0
    done = command("render", "--root", root, "--env", "dev", "--lock")
    assert done.code == 0, done.err
