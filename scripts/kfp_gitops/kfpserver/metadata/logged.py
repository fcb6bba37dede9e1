"""What artifacts say in numbers: their metadata as KFP's pages show it, flat and by name.

The keys are those of the SDK's classes (kfp.dsl.types.artifact_types): `Metrics` holds a number a name,
`ClassificationMetrics` a confusion matrix and the points of a ROC curve, `SlicedClassificationMetrics` both a slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

_MOST = 10**300
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
    """Whether a difference can be taken of it; in Python a bool is an int, here it is not.

    Of JSON an int has any length, and one beyond all floats is none of anything measured.
    """
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST
    return whole or isinstance(value, float)


def listed(found: Any) -> list[Any]:
    """A list, or nothing: a component may have written anything."""
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []


def rows(matrix: Any) -> list[list[float]]:
    """The rows of a confusion matrix; what is no number in them counts as 0."""
    found = [listed(row.get("row")) for row in maps(_of(matrix, "rows"))]
    return [[cell if is_number(cell) else 0 for cell in row] for row in found]


def _flat(metadata: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in metadata.items():
        derived = _DERIVED.get(key)
        if derived is not None:
            yield from ((f"{before}{name}", found) for name, found in derived(value))
        elif key != "display_name":  # the SDK's own name of the artifact
            yield f"{before}{key}", value


def _of_matrix(matrix: Any) -> Iterator[tuple[str, Any]]:
    found = rows(matrix)
    total = sum(sum(row) for row in found)
    if total:
        yield "accuracy", sum(row[index] for index, row in enumerate(found) if index < len(row)) / total


def _of_curve(curve: Any) -> Iterator[tuple[str, Any]]:
    """The SDK writes a list of points, KFP keeps it as `{list: …}` (frontend's MetricsVisualizations.tsx)."""
    told = maps(_of(curve, "list") if isinstance(curve, Mapping) else curve)
    pairs = ((point.get("falsePositiveRate", 0), point.get("recall", 0)) for point in told)
    points = sorted((float(x), float(y)) for x, y in pairs if is_number(x) and is_number(y))
    if len(points) > 1:
        yield "auc", sum((right[0] - left[0]) * (right[1] + left[1]) / 2 for left, right in pairwise(points))


def _of_slices(slices: Any) -> Iterator[tuple[str, Any]]:
    for part in maps(slices):
        inner = part.get("sliceClassificationMetrics")
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{part.get('slice', '')}: ")


_DERIVED = {MATRIX: _of_matrix, CURVE: _of_curve, SLICES: _of_slices}


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def maps(found: Any) -> list[Mapping[str, Any]]:
    """Those of a list that are maps."""
    return [one for one in listed(found) if isinstance(one, Mapping)]
