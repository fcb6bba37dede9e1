"""Rows for people and for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .house import Figure, Row


def lines(section: str, rows: Sequence[Row]) -> list[str]:
    """A block of the table: what was done, ours, the peer's, and the ratio."""
    found = [f"{section}"]
    for row in rows:
        found.append(f"  {row.case}")
        found.append(f"    {_figure(row.ours, row.unit)}")
        if row.peer:
            found.append(f"    {_figure(row.peer, row.unit)}")
        found += [f"    {text}" for text in (_verdict(row), row.note, *_details(row)) if text]
    return found


def _details(row: Row) -> list[str]:
    """Aligned columns; a line without a column's value has a dash there."""
    names = list(dict.fromkeys(name for line in row.details for name in line))
    cells = (
        [names, *([_cell(line.get(name, "–")) for name in names] for line in row.details)] if names else []
    )
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    return [
        "  ".join(
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3f}" if value < 10 else f"{value:.0f}"


def _figure(figure: Figure, unit: str) -> str:
    memory = f", peak {figure.memory:.0f} MB" if figure.memory else ""
    processor = f", processors {figure.processor:.2f} s" if figure.processor else ""
    return f"{figure.name:<44} {figure.median:9.3f} {unit} (best {figure.best:.3f}{processor}{memory})"


def _verdict(row: Row) -> str:
    parts = []
    if row.ratio is not None:
        parts.append(f"ratio {row.ratio:.2f}")
    if row.processor_ratio is not None:
        parts.append(f"processors {row.processor_ratio:.2f}")
    if row.memory_ratio is not None:
        parts.append(f"memory {row.memory_ratio:.2f}")
    if row.wanted is not None:
        reached = (row.ours.median if row.absolute or row.ratio is None else row.ratio) <= row.wanted
        parts.append(f"wanted {row.wanted:g}: {'reached' if reached else 'missed'}")
    if row.wanted_memory is not None and row.memory_ratio is not None:
        reached = row.memory_ratio <= row.wanted_memory
        parts.append(f"memory wanted {row.wanted_memory:g}: {'reached' if reached else 'missed'}")
    return " · ".join(parts)


def as_json(sections: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Everything measured, with the machine that it was measured on."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "sections": {name: [_row(row) for row in rows] for name, rows in sections.items()},
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        **asdict(row),
        "ratio": row.ratio,
        "processor_ratio": row.processor_ratio,
        "memory_ratio": row.memory_ratio,
    }
