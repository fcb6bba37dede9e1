"""A run on this machine as lines for people: how it and each task ended, what they gave, and where that is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp_gitops.kfpserver.metadata import logged as metrics
from kfp_gitops.kfpserver.runtree import View, show
from kfp_gitops.local import reasons
from kfp_gitops.local.job import Progress

_SHOWN = 100
"""Characters of a value."""
_MATRIX = 10
"""Categories of a confusion matrix that fit into lines."""


def table(progress: Progress, folder: Path, root: Path) -> str:
    """The whole of it; `root` is the repository, in which components have their files."""
    lines = [progress.state, *show.lines(progress.tasks(), _outputs)]
    lines += [f"  error: {progress.error}"] if progress.error else []
    lines += reasons.told(progress, folder, root)
    return "\n".join([*lines, f"logs and outputs: {folder}"])


def _outputs(view: View) -> Iterator[str]:
    """What a task gave; in a loop with the number of the iteration before it."""
    if view.inside:
        return
    for index, seen in enumerate(view.seen):
        number = f"#{index} " if len(view.seen) > 1 else ""
        yield from (f"{number}{line}" for line in _given(seen.outputs))


def _given(outputs: Mapping[str, Any]) -> Iterator[str]:
    """In order of name, whatever order the step's own report has."""
    for name, value in sorted(outputs.get("parameters", {}).items()):
        yield f"{name} = {written(value)}"
    for name, artifacts in sorted(outputs.get("artifacts", {}).items()):
        for artifact in artifacts:
            yield f"{name}: {artifact['uri']}"
            yield from (f"  {line}" for line in _logged(artifact))


def written(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _logged(artifact: Mapping[str, Any]) -> Iterator[str]:
    """What the task logged with an artifact: numbers, and a confusion matrix as rows."""
    for name, value in metrics.of(artifact).items():
        yield f"{name} = {f'{value:.6g}' if isinstance(value, float) else written(value)}"
    metadata = artifact.get("metadata")
    yield from _matrix(metadata.get(metrics.MATRIX) if isinstance(metadata, Mapping) else None)


def _matrix(found: Any) -> Iterator[str]:
    """True category by predicted category, as KFP's page draws it."""
    if not isinstance(found, Mapping):
        return
    names = [str(one.get("displayName", "")) for one in metrics.maps(found.get("annotationSpecs"))]
    rows = metrics.rows(found)
    if not names or len(names) > _MATRIX or any(len(row) != len(names) for row in rows):
        return
    cells = [
        ["", *names],
        *([name, *(f"{cell:g}" for cell in row)] for name, row in zip(names, rows, strict=False)),
    ]
    yield from _columns(cells)


def _columns(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        rest = "".join(f"  {cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}{rest}".rstrip()
