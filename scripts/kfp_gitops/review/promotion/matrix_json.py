"""The matrix for machines: schemas/promotion.schema.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kfp_gitops.review.promotion.matrix import RECONCILER, Cell, Matrix, Row, State, Step


def to_json(found: Matrix) -> str:
    """Everything, also what is the same everywhere."""
    pipelines = [row for row in found.rows if row.pipeline != RECONCILER]
    image = next((row for row in found.rows if row.pipeline == RECONCILER), None)
    return json.dumps(
        {
            "at": _instant(found.now),
            "waits": found.waits,
            "environments": [_step(found, step) for step in found.steps],
            "pipelines": [{"name": row.pipeline, "environments": _cells(row)} for row in pipelines],
            "reconciler": _cells(image) if image else None,
        },
        indent=2,
    )


def _step(found: Matrix, step: Step) -> Mapping[str, Any]:
    waiting = [row.pipeline for row in found.rows if row.cells[step.name].state.waits]
    return {
        "name": step.name,
        "promotesFrom": step.before or None,
        "followsSources": step.follows_sources,
        "waiting": [name for name in waiting if name != RECONCILER],
        "ahead": [row.pipeline for row in found.rows_of(step.name, State.AHEAD)],
    }


def _cells(row: Row) -> Mapping[str, Any]:
    return {name: _cell(cell) for name, cell in row.cells.items()}


def _cell(cell: Cell) -> Mapping[str, Any]:
    return {
        "state": cell.state.value,
        "release": cell.release,
        "since": _instant(cell.since),
        "waitsSince": _instant(cell.waits_since),
        "from": cell.origin or None,
        "requires": [gate.told for gate in cell.requires],
        "measured": [{"release": None, "task": None, **one} for one in cell.measured],
    }


def _instant(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
