"""What is different between two runs: pure."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kfp_gitops.kfpserver.metadata.logged import is_number
from kfp_gitops.operate.comparing.sides import Part, Side, Step


class _Absent:
    """In the place of what one of the runs does not have."""

    def __repr__(self) -> str:
        return "-"


ABSENT = _Absent()
_NAMED = re.compile(r"-\d{8}-\d{6}")
"""In the name that a run here has by itself: its time."""


@dataclass(frozen=True)
class Row:
    """One value in both runs; `task` is "" for what is of the run as a whole."""

    task: str
    name: str
    a: Any
    b: Any

    @property
    def alike(self) -> bool:
        """Whether there is nothing to tell."""
        return (type(self.a) is type(self.b) and bool(self.a == self.b)) or self.difference == 0

    @property
    def difference(self) -> float | None:
        """b minus a, where both are numbers."""
        return self.b - self.a if is_number(self.a) and is_number(self.b) else None

    @property
    def percent(self) -> float | None:
        """The difference in percent of a."""
        return None if self.difference is None or not self.a else 100 * self.difference / abs(self.a)


@dataclass(frozen=True)
class Change:
    """Of code: `what` is `image`, `code`, `settings`, `module` or `input`; `diff`: how a text differs."""

    of: str
    what: str
    a: Any
    b: Any
    diff: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """`metrics` and `durations` are all that both have, the rest is what differs."""

    a: Side
    b: Side
    parameters: tuple[Row, ...]
    metrics: tuple[Row, ...]
    outputs: tuple[Row, ...]
    files: tuple[Row, ...]
    states: tuple[Row, ...]
    durations: tuple[Row, ...]
    code: tuple[Change, ...]
    notes: tuple[str, ...]


def compare(a: Side, b: Side) -> Comparison:
    """Two runs; of one pipeline, or of two that have something in common."""
    both = not (a.tells_nothing or b.tells_nothing)
    outputs = tuple(_of_parts(a, b, lambda part: part.outputs)) if both else ()
    logged = tuple(_logged(a, b)) if both else ()
    return Comparison(
        a,
        b,
        parameters=tuple(row for row in _rows("", a.parameters, b.parameters) if not row.alike),
        metrics=tuple(row for row in (*outputs, *logged) if _is_metric(row)),
        outputs=tuple(
            part
            for row in (*outputs, *logged)
            if not _is_metric(row)
            for part in _opened(row)
            if not part.alike and not _after_its_run(part, a, b)
        ),
        files=tuple(_files(a, b)) if both else (),
        states=tuple(_states(a, b)),
        durations=tuple(_durations(a, b)),
        code=(*_code(a, b), *_inputs(a, b), *_libraries(a, b)),
        notes=tuple(_notes(a, b)),
    )


def _after_its_run(row: Row, a: Side, b: Side) -> bool:
    """A text that only has the name of its run in it, as a volume claim's: it differs each time and tells nothing."""
    named = all(
        _NAMED.search(side.run) for side in (a, b)
    )  # by itself: a word that people chose may mean something
    texts = isinstance(row.a, str) and isinstance(row.b, str)
    return named and texts and row.a.replace(a.run, "") == row.b.replace(b.run, "")


def _is_metric(row: Row) -> bool:
    return all(value is ABSENT or is_number(value) for value in (row.a, row.b))


def _opened(row: Row) -> Iterator[Row]:
    """A map in both runs by its keys, as deep as both go on: of a thousand numbers the one that moved is told."""
    if not (isinstance(row.a, Mapping) and isinstance(row.b, Mapping)):
        yield row
        return
    for part in _rows(row.task, row.a, row.b):
        yield from _opened(Row(part.task, f"{row.name}.{part.name}", part.a, part.b))


def _rows(task: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Row]:
    for name in dict.fromkeys([*a, *b]):
        yield Row(task, name, a.get(name, ABSENT), b.get(name, ABSENT))


def _of_parts(a: Side, b: Side, of: Callable[[Part], Mapping[str, Any]]) -> Iterator[Row]:
    for task in dict.fromkeys([*a.parts, *b.parts]):
        sides = [of(side.parts[task]) if task in side.parts else {} for side in (a, b)]
        yield from _rows(task, *(dict(sorted(side.items())) for side in sides))


def _logged(a: Side, b: Side) -> Iterator[Row]:
    """What was logged, in both as the one that keeps less of it: a server has six decimals, and a bool as 0 or 1."""
    kept = min((side.decimals for side in (a, b) if side.decimals is not None), default=None)
    for row in _of_parts(a, b, lambda part: part.metrics):
        yield row if kept is None else replace(row, a=_kept(row.a, kept), b=_kept(row.b, kept))


def _kept(value: Any, decimals: int) -> Any:
    if isinstance(value, bool):
        return int(value)
    return round(value, decimals) if isinstance(value, float) else value


def _files(a: Side, b: Side) -> Iterator[Row]:
    """Artifacts of other content; what cannot be read here is told by where it lies."""
    for row in _of_parts(a, b, lambda part: part.files):
        one, other = row.a, row.b
        if any(found is not ABSENT and found.digest is None for found in (one, other)):
            continue
        if (
            one is ABSENT
            or other is ABSENT
            or one.digest != other.digest
            or (not one.digest and one.uri != other.uri)
        ):
            uris = (found if found is ABSENT else found.uri for found in (one, other))
            yield Row(row.task, row.name, *uris)


def _states(a: Side, b: Side) -> Iterator[Row]:
    found = [{task: part.state for task, part in side.parts.items()} for side in (a, b)]
    yield from (Row(row.name, "", row.a, row.b) for row in _rows("", *found) if not row.alike)


def _durations(a: Side, b: Side) -> Iterator[Row]:
    if a.seconds is not None and b.seconds is not None:
        yield Row("", "", a.seconds, b.seconds)
    for task in (task for task in a.parts if task in b.parts):
        before, after = a.parts[task].seconds, b.parts[task].seconds
        if before is not None and after is not None:
            yield Row(task, "", before, after)


def _by_component(side: Side) -> dict[str, Step]:
    return {step.component: step for step in side.steps.values()}


def _code(a: Side, b: Side) -> Iterator[Change]:
    before, after = _by_component(a), _by_component(b)
    for name in (name for name in before if name in after):
        one, other = before[name], after[name]
        if one.image != other.image:
            yield Change(name, "image", one.image, other.image)
        if one.source != other.source:
            yield Change(name, "code", None, None, _diff(one.source, other.source))
        for row in _rows("", one.settings, other.settings):
            if not row.alike:
                yield Change(name, "settings", *_shown(row))


def _diff(before: str, after: str) -> tuple[str, ...]:
    """A unified diff, without its head."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    return tuple(lines)[2:]


def _inputs(a: Side, b: Side) -> Iterator[Change]:
    before, after = _by_id(a), _by_id(b)
    for task in (task for task in before if task in after):
        for row in _rows(task, before[task].given, after[task].given):
            if not row.alike:
                yield Change(f"{task}.{row.name}", "input", *_present(row))


def _by_id(side: Side) -> dict[str, Step]:
    """By the task's own id where no other has it: groups around it may have names that only the compiler gave."""
    ids = Counter(path.rpartition("/")[2] for path in side.steps)
    return {
        path if ids[own] > 1 else own: step
        for path, step in side.steps.items()
        for own in [path.rpartition("/")[2]]
    }


def _shown(row: Row) -> tuple[Any, Any]:
    one, other = _present(row)
    return {row.name: one}, {row.name: other}


def _present(row: Row) -> tuple[Any, Any]:
    one, other = (None if value is ABSENT else value for value in (row.a, row.b))
    return one, other


def _libraries(a: Side, b: Side) -> Iterator[Change]:
    if a.libraries is not None and b.libraries is not None:
        for row in _rows("", a.libraries, b.libraries):
            if not row.alike:
                yield Change(row.name, "module", *_present(row))


def _notes(a: Side, b: Side) -> Iterator[str]:
    if a.pipeline != b.pipeline:
        yield f"these are runs of two pipelines: {a.pipeline} and {b.pipeline}"
    for side in (side for side in (a, b) if side.tells_nothing):
        yield f"no metrics and outputs of {side.run}: {side.tells_nothing}; its page shows them: {side.place}"
    if (a.libraries is None) != (b.libraries is None):
        yield "one ran in images, so modules of components/src are not compared"
    for letter, side in (("a", a), ("b", b)):
        if side.seconds is None:
            yield f"{letter} has not ended: {side.run}"
