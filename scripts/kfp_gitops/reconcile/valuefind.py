"""Which edit of a pipeline's values makes its schedule what somebody made of it: tried, rendered and compared.

A value is the one meant when the manifest rendered with it differs from the present one in what was wished and in
nothing else; or it is a value of the schedule, and what else changes is told. Values that are what is rendered are
tried first, then those that the schema knows and nobody gave, then texts and numbers of which a part is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.manifest import Schedule, reader
from kfp_gitops.reconcile.drift import Difference
from kfp_gitops.reconcile.wishes import PARAMETERS, Unsayable, Wish, changed
from kfp_gitops.rendering.trial import REMOVED, Edit, Trial

_MOST = 200
"""Renderings for one difference; each takes some ten milliseconds."""
_MORE = 20
"""The same where one is found that says it and changes something else, too."""
_WHEN = ("cron", "intervalSeconds")
_RESUME: tuple[Edit, ...] = ((("state",), REMOVED), (("until",), REMOVED))


@dataclass(frozen=True)
class Found:
    """The edits of one pipeline's values, and what they do not say."""

    edits: tuple[Edit, ...]
    said: tuple[tuple[str, Difference], ...]
    """Recurring run and difference."""
    unsayable: tuple[Unsayable, ...]
    beside: tuple[str, ...] = ()
    """What else changes by them, for people."""


def found(trial: Trial, wishes: Sequence[Wish]) -> Found:
    """The edits for all schedules of a pipeline.

    Raises:
        InputError: the pipeline does not render as it is.
    """
    edits: list[Edit] = []
    said: list[tuple[str, Difference]] = []
    unsayable: list[Unsayable] = []
    beside: list[str] = []
    for wish in wishes:
        if wish.resumed:
            edits += [edit for edit in _RESUME if edit not in edits]
            said.append((wish.name, Difference("state", "paused", None)))
        for group in _groups(wish.changes):
            names = " and ".join(one.field for one in group)
            way = _way(trial, wish.schedule.name, group)
            if isinstance(way, str):
                unsayable.append(Unsayable(wish.pipeline, wish.name, names, way))
                continue
            trial = trial.edited(way.edits)
            edits += way.edits
            said += [(wish.name, one) for one in group]
            if way.beside:
                values = " and ".join(map(_shown, way.edits))
                beside.append(
                    f"{wish.name}, {names}: {values} is rendered at {way.beside} of the pipeline, too, so merging this "
                    "registers another version, and the schedule runs that"
                )
    return Found(tuple(edits), tuple(said), tuple(unsayable), tuple(beside))


def _shown(edit: Edit) -> str:
    return ".".join(map(str, edit[0]))


def _groups(changes: Sequence[Difference]) -> list[tuple[Difference, ...]]:
    """What has to change at once: a schedule has a cron or an interval, never both."""
    when = tuple(one for one in changes if one.field in _WHEN)
    return [*([when] if when else []), *((one,) for one in changes if one.field not in _WHEN)]


@dataclass(frozen=True)
class _Way:
    """Edits that say a difference, and where else the manifest changes by them."""

    edits: tuple[Edit, ...]
    beside: str = ""


def _way(trial: Trial, schedule: str, group: Sequence[Difference]) -> _Way | str:
    """The first that gives what is wished and nothing else; then one of a value of the schedule; else why none does.

    A template may give a schedule's values to its tasks as well: how often it runs, whether it does.
    """
    refused: list[str] = []
    others: list[_Way] = []
    for tried, edits in enumerate(islice(_candidates(trial, schedule, group), _MOST)):
        if others and tried > _MORE:
            break
        try:
            after = trial.edited(edits).manifest
        except InputError as error:
            refused += [str(error.problems[0])] if edits[0][0][-1:] == (group[0].field,) else []
            continue
        if _is_wished(trial.manifest, after, schedule, group):
            way = _Way(edits, _elsewhere(trial.manifest, after))
            if not way.beside:
                return way
            others.append(way)
    about = [way for way in others if all(_is_about(at, schedule) for at, _ in way.edits)]
    return about[0] if about else _why(trial, schedule, group, refused, others)


def _is_about(at: Path, schedule: str) -> bool:
    words = _words(" ".join(map(str, at[1:])))
    return bool(words & {"schedule", "schedules", *_words(schedule)})


def _is_wished(
    before: Mapping[str, Any], after: Mapping[str, Any], schedule: str, group: Sequence[Difference]
) -> bool:
    """Whether the schedules differ in that and in nothing else."""
    wanted = tuple(changed(one, group) if one.name == schedule else one for one in reader.schedules(before))
    return _same(wanted, reader.schedules(after))


def _elsewhere(before: Any, after: Any, at: Path = ()) -> str:
    """The first path of a manifest, its schedules aside, that differs; "" where none does."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [key for key in {**before, **after} if at or key != "schedules"]
        found = (_elsewhere(before.get(key), after.get(key), (*at, key)) for key in keys)
        return next(filter(None, found), "")
    return "" if _equal(before, after) else ".".join(map(str, at))


def _same(left: Sequence[Schedule], right: Sequence[Schedule]) -> bool:
    """1 is not true, and `parameters` say so too."""
    return left == right and repr(_bools(left)) == repr(_bools(right))


def _bools(schedules: Sequence[Schedule]) -> list[Any]:
    return [[(k, isinstance(v, bool)) for k, v in sorted(one.parameters.items())] for one in schedules]


def _candidates(trial: Trial, schedule: str, group: Sequence[Difference]) -> Iterator[tuple[Edit, ...]]:
    values = trial.entry.get("values", {})
    each = [[*_of_one(trial, values, schedule, one)] for one in group]
    if len(each) > 1:
        yield from (pair for pair in product(*(islice(some, 14) for some in each)))
    else:
        yield from ((edit,) for edit in each[0])


def _of_one(trial: Trial, values: Any, schedule: str, one: Difference) -> Iterator[Edit]:
    """Edits that may say one difference, the likely ones first."""
    leaves = [*_leaves(values, ("values",))]
    likely = _likely(schedule, one.field)
    new = REMOVED if one.new is None else one.new
    exact = sorted((at for at, value in leaves if _equal(value, one.old)), key=likely)
    if new is REMOVED:  # a list keeps its items
        exact = [at for at in exact if isinstance(at[-1], str)]
    yield from ((at, new) for at in exact if one.old is not None)
    name = one.field.removeprefix(PARAMETERS)
    if name != one.field:
        maps = sorted((at for at, value in leaves if isinstance(value, dict)), key=likely)
        yield from (((*at, name), new) for at in maps)
    if new is REMOVED:
        return
    yield from ((("values", *at), new) for at in sorted(trial.unsaid, key=likely))
    yield from _partly(leaves, one, likely)
    if isinstance(new, bool):
        yield from ((at, not value) for at, value in leaves if isinstance(value, bool))


def _partly(leaves: Iterable[tuple[Path, Any]], one: Difference, likely: Any) -> Iterator[Edit]:
    """A value that is a part of the text that is rendered: `0 {{ values.minute }} 3 * * *`."""
    if not isinstance(one.old, str) or not isinstance(one.new, str):
        return
    parts = [
        (at, value) for at, value in leaves if isinstance(value, str | int) and not isinstance(value, bool)
    ]
    for at, value in sorted(parts, key=lambda leaf: likely(leaf[0])):
        for hit in re.finditer(re.escape(str(value)), one.old) if str(value) else ():
            head, tail = one.old[: hit.start()], one.old[hit.end() :]
            middle = one.new[len(head) : len(one.new) - len(tail)]
            if head + middle + tail == one.new and middle:
                if isinstance(value, str):
                    yield at, middle
                elif re.fullmatch("0|[1-9][0-9]{0,9}", middle):
                    yield at, int(middle)


def _leaves(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """Every value with its path, maps and lists too."""
    yield at, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*at, index))


def _equal(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _likely(schedule: str, name: str) -> Any:
    """How far a path is from what it is to say, by its words."""
    wanted = _words(f"{schedule} {name} schedule")
    last = _words(name.removeprefix(PARAMETERS))

    def far(at: Path) -> tuple[int, int, int]:
        words = _words(" ".join(map(str, at)))
        return (-len(_words(str(at[-1])) & last), -len(words & wanted), len(at))

    return far


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[0-9]+", text))


def _why(
    trial: Trial, schedule: str, group: Sequence[Difference], refused: Sequence[str], others: Sequence[_Way]
) -> str:
    names = [str(one["name"]) for one in trial.manifest.get("schedules", ())]
    at: Path = ("schedules", names.index(schedule), *group[0].field.split(".", 1))
    todo = "change it there, or let it take a value"
    if not trial.env.follows_sources:
        todo = "that is a promoted copy: change the template that it was made from, and promote"
    if others:
        todo = f"{' and '.join(map(_shown, others[0].edits))} would change {others[0].beside} as well; {todo}"
    said = f"no value says it alone; it is rendered at {trial.place(at)}; {todo}"
    return f"{said} (tried: {refused[0]})" if refused else said
