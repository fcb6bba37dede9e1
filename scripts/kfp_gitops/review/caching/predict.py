"""Which tasks run again after a change, and why; which are answered from the cache, and should perhaps not be. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kfp_gitops.review.caching import read
from kfp_gitops.review.caching.compared import Likeness, Reason, Seen, likeness, makers, reasons, settled
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.steps import KFP_2_17, Server, Step
from kfp_gitops.review.caching.values import Motion

Root = tuple[str, str]
"""What differs, and of which task: `("image", "train")`."""


class Fate(StrEnum):
    """What becomes of a task in the first run after the change."""

    RUNS = "runs again"
    IF_DIFFERENT = "runs again if values differ"
    CACHED = "same results from cache"
    AS_BEFORE = "as before, by what it is given"
    EACH_TIME = "runs each time"


@dataclass(frozen=True)
class Outcome:
    """One task; `count` of the `total` items of a loop share the fate. `stale`: what changed that no key has.

    `because`: what of it differs; `roots`: where that begins.
    `unless`: tasks of the same component beside it, whose result it gets if it happens to be given the same.
    """

    task: str
    fate: Fate
    because: tuple[str, ...] = ()
    roots: tuple[Root, ...] = ()
    stale: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    count: int = 1
    total: int = 1


@dataclass(frozen=True)
class Prediction:
    """Every task of a pipeline that runs a container, in an order in which they may run."""

    outcomes: tuple[Outcome, ...] = ()

    def of(self, fate: Fate) -> list[Outcome]:
        """Those that share a fate."""
        return [outcome for outcome in self.outcomes if outcome.fate is fate]

    @property
    def stale(self) -> list[Outcome]:
        """Those that the cache answers with results from before a change that bears on them."""
        return [outcome for outcome in self.outcomes if outcome.stale]


def predict(
    before: Side,
    after: Side,
    parameters: Mapping[str, Any] | None = None,
    server: Server = KFP_2_17,
    before_parameters: Mapping[str, Any] | None = None,
) -> Prediction:
    """What the next run of a pipeline runs, when it ran before the change; both with these parameters.

    `before_parameters`: those of the run before, where they are others.

    Raises:
        UnreadableError: a side that renders nothing (`read`).
    """
    given = parameters or {}
    earlier = given if before_parameters is None else before_parameters
    return compared(read.steps(before, earlier, server), read.steps(after, given, server))


def compared(before: Sequence[Step], after: Sequence[Step]) -> Prediction:
    """The same for steps that are worked out already."""
    judge = _Judge(before, {step.task for step in after})
    found: dict[tuple[str, Fate], list[Outcome]] = defaultdict(list)
    totals: dict[str, int] = defaultdict(int)
    for step in after:
        outcome = judge.outcome(step)
        found[(outcome.task, outcome.fate)].append(outcome)
        totals[outcome.task] += 1
    return Prediction(tuple(_together(outcomes, totals) for outcomes in found.values()))


def _together(outcomes: Sequence[Outcome], totals: Mapping[str, int]) -> Outcome:
    """The items of a loop as one."""
    first = outcomes[0]
    return Outcome(
        first.task,
        first.fate,
        tuple(dict.fromkeys(text for one in outcomes for text in one.because)),
        tuple(dict.fromkeys(root for one in outcomes for root in one.roots)),
        tuple(dict.fromkeys(text for one in outcomes for text in one.stale)),
        tuple(dict.fromkeys(text for one in outcomes for text in one.unless)),
        len(outcomes),
        totals[first.task],
    )


class _Judge:
    """Compares the steps after the change, in their order, with those before it."""

    def __init__(self, before: Sequence[Step], names: set[str]) -> None:
        self.names = names
        self.named: dict[str, Step] = {}
        self.kept: dict[str, list[Step]] = defaultdict(list)
        self.formed: dict[str, list[Step]] = defaultdict(list)
        for step in before:
            self.named.setdefault(step.task, step)
            if step.motion is not Motion.MOVING:
                self.kept[step.identity].append(step)
                self.formed[step.form].append(step)
        self.seen: dict[int, Seen] = {}
        self.fates: dict[int, Fate] = {}
        self.roots: dict[int, tuple[Root, ...]] = {}

    def outcome(self, step: Step) -> Outcome:
        fate, matches = self._fate(step)
        runs = fate in (Fate.RUNS, Fate.EACH_TIME)
        self.seen[id(step)] = Seen(runs, fate is Fate.CACHED, tuple(matches))
        self.fates[id(step)] = fate
        old = next((one for one in matches if one.task == step.task), matches[0] if matches else None)
        stale = tuple(_unseen(old, step)) if old is not None and not runs else ()
        unless = tuple(dict.fromkeys(one.task for one in matches)) if fate is Fate.RUNS else ()
        because = tuple(self._because(step, fate))
        self.roots[id(step)] = tuple(
            dict.fromkeys(root for one in because for root in self._roots(step, one))
        )
        return Outcome(step.task, fate, tuple(map(str, because)), self.roots[id(step)], stale, unless)

    def _fate(self, step: Step) -> tuple[Fate, list[Step]]:
        """What becomes of it, and the steps whose result it gets, or gets if it is given the same."""
        if step.motion is Motion.MOVING:
            return Fate.EACH_TIME, []
        same = self.kept.get(step.identity, [])
        if same and (step.keyed or all(settled(value, self.seen) for _, value in step.given)):
            return Fate.CACHED, same
        if step.motion is Motion.OPEN and self._as_ever(step, same):
            return Fate.AS_BEFORE, same
        formed = self.formed.get(step.form, ())
        alike = [old for old in formed if likeness(old, step, self.seen) is not Likeness.OTHER]
        # What another task was given may be the same by chance only; one that is gone may be this one, renamed.
        own = [old for old in alike if old.task == step.task or old.task not in self.names]
        return (Fate.IF_DIFFERENT, own) if own else (Fate.RUNS, alike)

    def _as_ever(self, step: Step, same: Sequence[Step]) -> bool:
        """Whether it was open before the change as well, by nothing that the change makes run."""
        froms = {self.fates[id(maker)] for _, value in step.given for maker in makers(value)}
        return any(old.motion is Motion.OPEN for old in same) and not froms & {Fate.RUNS, Fate.IF_DIFFERENT}

    def _because(self, step: Step, fate: Fate) -> Iterator[Reason]:
        if fate is Fate.EACH_TIME:
            off = "" if step.cache else "its cache is off"
            yield Reason(step.always or off or "what it is given is new each time")
        elif fate in (Fate.RUNS, Fate.IF_DIFFERENT):
            yield from reasons(self.named.get(step.task), step, self.seen)

    def _roots(self, step: Step, reason: Reason) -> Iterator[Root]:
        """A reason that comes from another task is that one's; of those that run each time there is no more to say."""
        found = [root for maker in reason.makers for root in self.roots.get(id(maker), ())]
        if found and all(self.fates[id(maker)] is not Fate.EACH_TIME for maker in reason.makers):
            yield from found
        else:
            yield str(reason), step.task


def _unseen(before: Step, after: Step) -> Iterator[str]:
    """What differs and is in no key."""
    for label in {**before.unseen, **after.unseen}:
        if before.unseen.get(label) != after.unseen.get(label):
            yield label
    if after.keyed:
        yield from _replaced(before, after)


def _replaced(before: Step, after: Step) -> Iterator[str]:
    """What the task's own key stands for, and differs all the same."""
    if before.container.image != after.container.image:
        yield "image"
    if before.container.line != after.container.line:
        yield "command"
    old, new = dict(before.given), dict(after.given)
    for name in {**old, **new}:
        if name not in old or name not in new or old[name].identity != new[name].identity:
            yield f"input {name[2:]}"
