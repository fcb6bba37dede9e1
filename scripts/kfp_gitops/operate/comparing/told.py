"""A comparison as lines for people, and as JSON (schemas/comparison.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from kfp_gitops.base import columns, redact
from kfp_gitops.operate.comparing.compared import ABSENT, Change, Comparison, Row
from kfp_gitops.operate.comparing.sides import Side

_VALUE, _LINES, _ROWS = 40, 40, 60
"""Characters of a value, lines of one function's difference, rows of a table."""


def to_text(found: Comparison) -> str:
    """The whole of it: metrics first of what came out, for they are what one looks for."""
    lines = [*_sides(found), *_table("parameters that differ", found.parameters)]
    lines += _table("metrics", found.metrics)
    lines += _table("outputs that differ", found.outputs)
    lines += _table("artifacts of other content", found.files, whole=True)
    lines += _table("tasks that ended otherwise", found.states)
    lines += _table("seconds", [_rounded(row) for row in found.durations], first="the whole run")
    lines += _code(found.code)
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def short(found: Comparison) -> str:
    """What a change did, for the loop of edit and run: parameters, metrics that moved, outputs, ends."""
    moved = [row for row in found.metrics if not row.alike]
    lines = _table("parameters that differ", found.parameters)
    lines += _table("metrics that moved", moved)
    lines += _table("outputs that differ", found.outputs)
    lines += _table("tasks that ended otherwise", found.states)
    return "\n".join(lines) or "the same metrics and outputs as before"


def _sides(found: Comparison) -> Iterator[str]:
    for letter, side in (("a", found.a), ("b", found.b)):
        took = f", {side.seconds:.1f} s" if side.seconds is not None else ""
        yield f"{letter}  {side.run}  ({side.pipeline}, {side.state}{took})"
        facts = [("version", side.version), ("release", side.release), ("commit", side.commit[:12])]
        said = ", ".join(f"{name} {value}" for name, value in facts if value)
        yield f"   {', '.join(filter(None, [side.place, said]))}"


def _rounded(row: Row) -> Row:
    """Clocks are not that good."""
    return Row(row.task, row.name, round(row.a, 1), round(row.b, 1))


def _table(title: str, rows: Sequence[Row], *, first: str = "", whole: bool = False) -> list[str]:
    if not rows:
        return []
    cells = [(title, "a", "b", "b - a" if any(row.difference is not None for row in rows) else "")]
    cells += [_cells(row, first, whole=whole) for row in rows]
    if whole:  # paths: each on a line of its own
        return [title, *(line for name, a, b, _ in cells[1:] for line in (name, f"    a {a}", f"    b {b}"))]
    widths = [max(len(row[index]) for row in cells) for index in range(3)]
    lines = [
        f"{name:<{widths[0]}}  {a:>{widths[1]}}  {b:>{widths[2]}}  {difference}".rstrip()
        for name, a, b, difference in cells
    ]
    return columns.first_of(lines, _ROWS, "  … {more} more (--json)")


def _cells(row: Row, first: str, *, whole: bool) -> tuple[str, str, str, str]:
    name = " ".join(filter(None, [row.task, row.name])) or first
    one, other = (str(value) if whole else _written(row.name, value) for value in (row.a, row.b))
    return f"  {name}", one, other, _difference(row)


def _written(name: str, value: Any) -> str:
    if value is ABSENT:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    found = redact.value(name, value)
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def _difference(row: Row) -> str:
    if row.difference is None:
        return ""
    if row.difference == 0:
        return "="
    percent = "" if row.percent is None else f" ({row.percent:+.3g} %)"
    return f"{row.difference:+.6g}{percent}"


def _code(changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        yield "code that differs"
    for change in changes:
        if change.what == "code":
            yield f"  component {change.of}"
            yield from columns.first_of(
                [f"    {line}" for line in change.diff], _LINES, "    … {more} more lines (--json)"
            )
        elif change.what == "module":
            word = {(True, False): "is new", (False, True): "is gone"}.get(
                (change.a is None, change.b is None), "differs"
            )
            yield f"  module {change.of} {word}"
        else:
            kind = {"image": "image of", "settings": "settings of", "input": "input"}[change.what]
            yield f"  {kind} {change.of}"
            yield f"    a {_written('', change.a)}" if change.what != "image" else f"    a {change.a}"
            yield f"    b {_written('', change.b)}" if change.what != "image" else f"    b {change.b}"


def to_json(found: Comparison) -> str:
    """For machines; what one of the runs does not have is `null`, and `only` says which has it."""
    told = {
        "a": _side(found.a),
        "b": _side(found.b),
        **{
            name: [_row(row) for row in getattr(found, name)]
            for name in ("parameters", "metrics", "outputs", "files", "states", "durations")
        },
        "code": [
            {"of": change.of, "what": change.what, "a": change.a, "b": change.b, "diff": list(change.diff)}
            for change in found.code
        ],
        "notes": list(found.notes),
    }
    return json.dumps(told, indent=2)


def _side(side: Side) -> dict[str, Any]:
    return {
        "run": side.run,
        "place": side.place,
        "pipeline": side.pipeline,
        "state": side.state,
        "started": side.started.isoformat() if side.started else None,
        "seconds": side.seconds,
        "version": side.version,
        "release": side.release,
        "commit": side.commit,
    }


def _row(row: Row) -> dict[str, Any]:
    one, other = (None if value is ABSENT else redact.value(row.name, value) for value in (row.a, row.b))
    only = "b" if row.a is ABSENT else "a" if row.b is ABSENT else None
    return {
        "task": row.task,
        "name": row.name,
        "a": one,
        "b": other,
        "difference": row.difference,
        "percent": row.percent,
        "only": only,
    }
