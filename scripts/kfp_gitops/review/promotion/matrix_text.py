"""The matrix for people: a line a pipeline, what waits for each step with the command that makes it, and a sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from kfp_gitops.review.promotion.matrix import RECONCILER, Cell, Matrix, Row, State, Step

WIDTH = 80
FEW = 40
"""So many pipelines are shown one by one; of more only those in which environments differ, and `--all` the rest."""
_MARKS = {
    State.FIRST: " ",
    State.EQUAL: "=",
    State.BEHIND: "<",
    State.NEVER: "+",
    State.AHEAD: ">",
    State.DIFFERS: "!",
    State.ALONE: "?",
    State.MISSING: "-",
    State.ABSENT: "x",
}
_LEGEND = {
    State.EQUAL: "= as in the environment before",
    State.BEHIND: "< behind it",
    State.NEVER: "+ never promoted",
    State.AHEAD: "> ahead of it",
    State.DIFFERS: "! another image",
    State.ALONE: "? the one before has none, or is not declared",
    State.MISSING: "- not there",
    State.ABSENT: "x absent",
}
_DIGITS, _LEAST, _NAMED = 7, 20, 5


def to_text(found: Matrix, *, everything: bool = False, width: int = WIDTH) -> str:
    """What is the same everywhere is left out of a large fleet unless `everything` is shown."""
    rows = [row for row in found.rows if everything or len(found.rows) <= FEW or not row.settled]
    lines = [*_table(found, rows, width)] if rows else []
    left_out = len(found.rows) - len(rows)
    if left_out:
        lines.append(f"{left_out} more are the same in every environment that has them; --all shows them")
    return "\n".join([*lines, *_legend(rows), "", *_steps(found), _sum(found)])


def _table(found: Matrix, rows: Sequence[Row], width: int) -> Iterator[str]:
    columns = [*_columns(found, rows, _digits(found, rows, width), most=width)]
    if width - sum(len(column[0]) + 2 for column in columns) < _LEAST:
        columns = [*_columns(found, rows, 0, most=0)]
    room = max(_LEAST, width - sum(len(column[0]) + 2 for column in columns))
    first = ["PIPELINE", *(shortened(row.pipeline, room) for row in rows)]
    size = max(map(len, first))
    for line in zip([name.ljust(size) for name in first], *columns, strict=True):
        yield "  ".join(line).rstrip()


def _columns(found: Matrix, rows: Sequence[Row], digits: int, most: int) -> Iterator[list[str]]:
    """A column an environment, all of it of one width; its name takes at most so much, or what its cells take."""
    for step in found.steps:
        cells = [_cell(row.cells[step.name], found.now, digits) for row in rows]
        size = max(map(len, cells))
        head = shortened(step.name, max(most, size))
        yield [text.ljust(max(size, len(head))) for text in (head, *cells)]


def _digits(found: Matrix, rows: Sequence[Row], width: int) -> int:
    """Digits of a release that leave room for the names; none where there are many environments."""
    longest = max(len(row.pipeline) for row in rows)
    for digits in (_DIGITS, 5, 4):
        if min(longest, 32) + len(found.steps) * (2 + 2 + digits + 5) <= width:
            return digits
    return 0


def _cell(cell: Cell, now: datetime, digits: int) -> str:
    release = (cell.release or "").rpartition(":")[2][:digits]
    age = aged(now, cell.since) if cell.since else ""
    return " ".join([_MARKS[cell.state], *([f"{release:{digits}}"] if digits else []), f"{age:>4}"]).rstrip()


def shortened(name: str, room: int) -> str:
    """A long name without its middle: pipelines of one template differ at either end."""
    if len(name) <= room:
        return name
    head = (room - 1) // 2
    return f"{name[:head]}…{name[len(name) - (room - 1 - head) :]}"


def aged(now: datetime, since: datetime) -> str:
    """How long ago, in at most four characters."""
    minutes = max(0, int((now - since).total_seconds()) // 60)
    for unit, size, most in (("m", 1, 60), ("h", 60, 48), ("d", 1440, 100), ("mo", 43_800, 24)):
        if minutes // size < most:
            return f"{minutes // size}{unit}"
    return f"{minutes // 525_600}y"


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    used = {cell.state for row in rows for cell in row.cells.values()}
    line = ""
    for said in (_LEGEND[state] for state in _LEGEND if state in used):
        if line and len(line) + len(said) + 3 > WIDTH:
            yield line
            line = ""
        line = f"{line} · {said}" if line else said
    if line:
        yield line


def _steps(found: Matrix) -> Iterator[str]:
    """For each environment what waits for it, for how long, and the command."""
    for step in found.steps:
        if step.follows_sources:
            continue
        if not step.before:
            yield f"{step.name}: `promotesFrom` in environments/{step.name}/values.yaml does not say from where"
        elif waiting := [row for row in found.rows if row.cells[step.name].state.waits]:
            yield f"{step.name}: {_waiting(found, step, waiting)}"
            yield from _command(step.name, named(found, step, waiting))
            yield from _required(step.name, waiting)
        for row in found.rows_of(step.name, State.AHEAD)[:_NAMED]:
            told = f"{shortened(row.pipeline, 30)} came past {step.before}, or {step.before} went back"
            yield f"{step.name}: {told}"


def _required(target: str, waiting: Sequence[Row]) -> Iterator[str]:
    """Of which of them something must have been measured."""
    held = [row.pipeline for row in waiting if row.cells[target].requires]
    if held:
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        yield f"  {shortened(held[0], 30)}{more} must have measured enough: --status --to {target} says what"


def _waiting(found: Matrix, step: Step, rows: Sequence[Row]) -> str:
    pipelines = [row for row in rows if row.pipeline != RECONCILER]
    told = [f"{len(pipelines)} {'waits' if len(pipelines) == 1 else 'wait'}"] if pipelines else []
    moments = [when for row in pipelines if (when := row.cells[step.name].waits_since)]
    if moments:
        told.append(f"the longest for {aged(found.now, min(moments))}")
    if len(moments) < len(pipelines):
        told.append(f"{len(pipelines) - len(moments)} not merged in {step.before} yet")
    if len(pipelines) < len(rows):
        told.append("the reconciler's image is another one")
    return ", ".join(told)


def named(found: Matrix, step: Step, waiting: Sequence[Row]) -> list[str] | None:
    """The pipelines that the next promotion must name; None where it is everything that the environment has."""
    others = found.rows_of(step.name, State.AHEAD, State.ALONE)
    image = any(row.pipeline == RECONCILER for row in waiting)
    if found.whole and not others and (image or RECONCILER in {row.pipeline for row in found.rows}):
        return None
    return [row.pipeline for row in waiting if row.pipeline != RECONCILER]


def _command(target: str, pipelines: Sequence[str] | None) -> Iterator[str]:
    """To be copied, in lines that a shell joins."""
    command = f"  python scripts/promote.py --to {target}"
    options = [f"--pipeline {name}" for name in (pipelines or ())[:_NAMED]]
    for option in options:
        if len(command) + len(option) + 3 > WIDTH:
            yield f"{command} \\"
            command = f"    {option}"
        else:
            command = f"{command} {option}"
    yield command
    if pipelines and len(pipelines) > _NAMED:
        yield f"  and {len(pipelines) - _NAMED} more, which --json names"


def _sum(found: Matrix) -> str:
    pipelines = [row for row in found.rows if row.pipeline != RECONCILER]
    waiting = [row for row in pipelines if any(cell.state.waits for cell in row.cells.values())]
    settled = sum(row.settled for row in pipelines)
    count = f"{len(pipelines)} {'pipeline' if len(pipelines) == 1 else 'pipelines'}"
    places = f"{len(found.steps)} {'environment' if len(found.steps) == 1 else 'environments'}"
    other = len(pipelines) - settled - len(waiting)
    told = [
        f"{settled} up to date",
        f"{len(waiting)} to promote",
        *([f"{other} otherwise"] if other else []),
    ]
    return f"{count} in {places}: {', '.join(told)}"
