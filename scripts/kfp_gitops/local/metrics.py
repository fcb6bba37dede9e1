"""What artifacts say in numbers: their metadata as KFP's pages show it, flat and by name.

The keys are those of the SDK's classes (kfp.dsl.types.artifact_types): `Metrics` holds a number a name,
`ClassificationMetrics` a confusion matrix and the points of a ROC curve, `SlicedClassificationMetrics` both a slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

MATRIX, CURVE, SLICES = "confusionMatrix", "confidenceMetrics", "evaluationSlices"


def of(artifact: Mapping[str, Any]) -> dict[str, Any]:
    """Name → what was logged under it: numbers first of all, else short values as they are.

    Of a confusion matrix its `accuracy` (what lies on the diagonal, of all), of a curve its `auc` (the area below it,
    by the trapezoidal rule): KFP shows both as pictures, and numbers are what can be compared.
    """
    metadata = artifact.get("metadata") or {}
    return dict(sorted(_flat(metadata))) if isinstance(metadata, Mapping) else {}


def numbers(artifact: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of it alone."""
    return {name: value for name, value in of(artifact).items() if is_number(value)}


def is_number(value: object) -> bool:
    """Whether a difference can be taken of it; in Python a bool is an int, here it is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(metadata: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in metadata.items():
        derived = _DERIVED.get(key)
        if derived is not None:
            yield from ((f"{before}{name}", found) for name, found in derived(value))
        elif key != "display_name":  # the SDK's own name of the artifact
            yield f"{before}{key}", value


def _of_matrix(matrix: Any) -> Iterator[tuple[str, Any]]:
    rows = [list(row.get("row") or ()) for row in _maps(_of(matrix, "rows"))]
    total = sum(sum(row) for row in rows)
    if total:
        yield "accuracy", sum(row[index] for index, row in enumerate(rows) if index < len(row)) / total


def _of_curve(curve: Any) -> Iterator[tuple[str, Any]]:
    """The SDK writes a list of points, KFP keeps it as `{list: …}` (frontend's MetricsVisualizations.tsx)."""
    points = sorted(
        (float(point.get("falsePositiveRate", 0)), float(point.get("recall", 0)))
        for point in _maps(_of(curve, "list") if isinstance(curve, Mapping) else curve)
    )
    if len(points) > 1:
        yield "auc", sum((right[0] - left[0]) * (right[1] + left[1]) / 2 for left, right in pairwise(points))


def _of_slices(slices: Any) -> Iterator[tuple[str, Any]]:
    for part in _maps(slices):
        inner = part.get("sliceClassificationMetrics")
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{part.get('slice', '')}: ")


_DERIVED = {MATRIX: _of_matrix, CURVE: _of_curve, SLICES: _of_slices}


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _maps(found: Any) -> list[Mapping[str, Any]]:
    """A component may have written anything."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, Sequence) else []
