"""Pipelines of which the same is to be told, told once: many are made from one template, or share a component. Pure.

Only how it is shown: each pipeline's diff stays a record. What is another one for each pipeline only because its name
stands in it is the same; `NAME` stands there in place of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kfp_gitops.review.caching import words
from kfp_gitops.review.diff import gated, likeness
from kfp_gitops.review.diff.folding import FEWEST, Common, Row
from kfp_gitops.review.diff.folding import common as common_of
from kfp_gitops.review.diff.model import Action, Change, Firings, Kind, PipelineDiff, StartedRun

NAME = "‹name›"
"""In a text that is the same for several pipelines but for the name of each."""
Mask = Callable[[str], str]
_APART = (Kind.PIPELINE, Kind.PARAMETER, Kind.SCHEDULE, Kind.TRIGGER)
"""What comes with a map of which pipelines of one template share the most."""
_MISSING = object()


@dataclass(frozen=True)
class Section:
    """One pipeline, or several of which the same is told; `first` stands for all of them.

    `own` are the changes that all of them have, each with a value of its own: these are not among those of `first`.
    """

    first: PipelineDiff
    pipelines: Sequence[PipelineDiff]
    own: Sequence[Row] = ()

    @property
    def several(self) -> bool:
        """Whether it is of more than one."""
        return len(self.pipelines) > 1

    @property
    def semantic(self) -> bool:
        """Whether anything changes in what runs or when: of `first` all changes may be each pipeline's own."""
        return self.pipelines[0].semantic

    @property
    def names(self) -> list[str]:
        """Its pipelines."""
        return [pipeline.name for pipeline in self.pipelines]

    @property
    def template(self) -> str:
        """What all of them are made from; empty where they are made from several, or nobody knows."""
        found = {pipeline.template for pipeline in self.pipelines}
        return found.pop() if len(found) == 1 else ""

    @property
    def in_flight(self) -> int:
        """Runs of all of them."""
        return sum(pipeline.in_flight or 0 for pipeline in self.pipelines)

    @property
    def firings(self) -> Sequence[Firings]:
        """The next firings, where they are the same for all of them."""
        found = self.pipelines[0].firings
        return found if all(pipeline.firings == found for pipeline in self.pipelines) else ()

    @property
    def own_firings(self) -> Mapping[str, tuple[str, Firings]]:
        """Schedule → the pipeline in which it fires first, where each has times of its own."""
        first: dict[str, tuple[str, Firings]] = {}
        for pipeline in () if self.firings else self.pipelines:
            for firing in pipeline.firings:
                known = first.get(firing.schedule)
                if known is None or _sooner(firing, known[1]):
                    first[firing.schedule] = pipeline.name, firing
        return first


def sections(pipelines: Sequence[PipelineDiff]) -> list[Section]:
    """What is told of a list of pipelines: groups, the largest first, and then one by one those that are like no other.

    First those that change alike; of the rest those that change in the same places, each in a way of its own.
    """
    groups, rest = _parted(pipelines, lambda pipeline: _whole(pipeline, _of_itself(pipeline.name)))
    found = [Section(_standing(group, _of_itself), group) for group in groups]
    groups, rest = _parted(rest, lambda pipeline: _whole(pipeline, _mask(pipeline.name)))
    found += [Section(_standing(group, _mask), group) for group in groups]
    groups, rest = _parted(rest, _places)
    found += [_with_own(group) for group in groups]
    found.sort(key=lambda section: -len(section.pipelines))
    return [*found, *(Section(pipeline, [pipeline]) for pipeline in rest)]


def common(found: Sequence[Section]) -> Common:
    """What pipelines of several sections share; what those of one share is told there."""
    place = {name: index for index, section in enumerate(found) for name in section.names}
    every = common_of([pipeline for section in found for pipeline in section.pipelines])
    return {what: row for what, row in every.items() if len({place[name] for name in row.pipelines}) > 1}


def _parted(
    pipelines: Sequence[PipelineDiff], key: Callable[[PipelineDiff], Hashable]
) -> tuple[list[list[PipelineDiff]], list[PipelineDiff]]:
    """The groups that are large enough, and the rest, in order."""
    keys = [key(pipeline) for pipeline in pipelines]
    times = Counter(keys)
    groups: dict[Hashable, list[PipelineDiff]] = {}
    rest = []
    for pipeline, what in zip(pipelines, keys, strict=True):
        if times[what] >= FEWEST:
            groups.setdefault(what, []).append(pipeline)
        else:
            rest.append(pipeline)
    return list(groups.values()), rest


def _whole(pipeline: PipelineDiff, mask: Mask) -> Hashable:
    return _rest(pipeline, mask), tuple(_key(_masked(change, mask)) for change in pipeline.changes)


def _places(pipeline: PipelineDiff) -> Hashable:
    mask = _mask(pipeline.name)
    changes = (_masked(change, mask) for change in pipeline.changes)
    return _rest(pipeline, mask), tuple(
        (change.action, change.kind, change.name, change.field, change.before is None, change.after is None)
        for change in changes
    )


def _rest(pipeline: PipelineDiff, mask: Mask) -> Hashable:
    """All that is told of a pipeline beside its changes, its versions and its firings."""
    return (
        *(pipeline.action, pipeline.semantic, pipeline.new_version, pipeline.unlocked, pipeline.category),
        *(tuple(map(mask, texts)) for texts in (pipeline.breaks, pipeline.warnings, pipeline.noise)),
        *(
            tuple(names)
            for names in (pipeline.replaced, pipeline.schedules_added, pipeline.schedules_removed)
        ),
        tuple(map(mask, words.lines(pipeline.caching))),
        gated.key(pipeline),
        tuple((run.trigger, likeness.key(_value(run.parameters, mask))) for run in pipeline.runs_started),
    )


def _key(change: Change) -> Hashable:
    before, after = likeness.key(change.before), likeness.key(change.after)
    return change.action, change.kind, change.name, change.field, before, after


def _of_itself(name: str) -> Mask:
    """Puts NAME in place of a text that is the name: of a change of the pipeline itself."""
    return lambda text: NAME if text == name else text


def _mask(name: str) -> Mask:
    """Puts NAME in place of a name where it stands alone: `a` is no part of `a-b` or of `cat`."""
    word = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(name)}(?![A-Za-z0-9-])")
    return lambda text: word.sub(NAME, text) if name in text else text


def _masked(change: Change, mask: Mask) -> Change:
    field = mask(change.field) if change.field else change.field
    before, after = _value(change.before, mask), _value(change.after, mask)
    return replace(change, name=mask(change.name), field=field, before=before, after=after)


def _value(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _value(item, mask) for key, item in value.items()}
    return [_value(item, mask) for item in value] if isinstance(value, list) else value


def _standing(group: Sequence[PipelineDiff], kind: Callable[[str], Mask]) -> PipelineDiff:
    """The first of them, without its name where it says that; with a picture only if that is everybody's."""
    first = group[0]
    mask = kind(first.name)
    same_picture = all(pipeline.graph == first.graph for pipeline in group)
    return replace(
        first,
        changes=[_masked(change, mask) for change in first.changes],
        warnings=[*map(mask, first.warnings)],
        noise=[*map(mask, first.noise)],
        runs_started=[StartedRun(run.trigger, _value(run.parameters, mask)) for run in first.runs_started],
        graph=first.graph if same_picture else None,
    )


def _with_own(group: Sequence[PipelineDiff]) -> Section:
    """Its changes apart: those that are the same for all, and those that are each pipeline's own."""
    first, masks = _standing(group, _mask), [_mask(pipeline.name) for pipeline in group]
    same, own = [], []
    for index, change in enumerate(first.changes):
        of_each = [pipeline.changes[index] for pipeline in group]
        if len({_key(_masked(each, mask)) for each, mask in zip(of_each, masks, strict=True)}) == 1:
            same.append(change)
        else:
            shared, rests = _apart(change, of_each, masks)
            same += shared
            own.append(Row(rests, [pipeline.name for pipeline in group], own=True))
    return Section(replace(first, changes=same), group, own)


def _apart(
    change: Change, of_each: Sequence[Change], masks: Sequence[Mask]
) -> tuple[list[Change], Sequence[Change]]:
    """Of maps that came: what is the same in all of them, which the first of them says, and of each the rest."""
    maps = [each.after for each in of_each]
    apart = change.action is Action.ADDED and change.field is None and change.kind in _APART
    if not apart or not all(isinstance(each, Mapping) for each in maps):
        return [], of_each
    shared = _shared(change.after, [_value(each, mask) for each, mask in zip(maps, masks, strict=True)])
    if not shared:
        return [], of_each
    return [replace(change, after=shared)], [
        replace(each, after=_without(each.after, shared)) for each in of_each
    ]


def _shared(first: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in first.items():
        values = [each.get(key, _MISSING) for each in every]
        if len({likeness.key(item) for item in values}) == 1:
            found[key] = value
        elif all(isinstance(item, Mapping) for item in values) and (inside := _shared(value, values)):
            found[key] = inside
    return found


def _without(data: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A map without what all have; of a map inside it, of which all have a part, the others: `metadata.owner`."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if key not in shared:
            found[key] = value
        elif isinstance(value, Mapping):
            found |= {f"{key}.{name}": rest for name, rest in _without(value, shared[key]).items()}
    return found


def _sooner(firing: Firings, known: Firings) -> bool:
    return bool(firing.after) and (not known.after or firing.after[0] < known.after[0])
