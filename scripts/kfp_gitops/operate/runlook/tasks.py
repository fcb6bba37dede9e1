"""A task of a run by the name that people say: its id, or with those around it `each-service/train`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfp_gitops.base import columns
from kfp_gitops.base.errors import UsageError, meant
from kfp_gitops.kfpserver.runtree import View
from kfp_gitops.kfpserver.runtree.fold import Seen
from kfp_gitops.kfpserver.runtree.pods import Pod


@dataclass(frozen=True)
class Step:
    """A task that has pods of its own, and where it stands: `each-service/train`."""

    path: str
    view: View


@dataclass(frozen=True)
class OnePod:
    """A pod of a task; `item` counts from 1 where a loop runs the task several times, else it is 0."""

    path: str
    item: int
    pod: Pod

    def __str__(self) -> str:
        item = f", item {self.item}" if self.item else ""
        what = "the driver of " if self.pod.driver else ""
        return f"{what}{self.path}{item}, attempt {self.pod.attempt}: {self.pod.state}"


def leaves(views: Sequence[View], around: str = "") -> Iterator[Step]:
    """The tasks that are no groups, in the order of the manifest."""
    for view in views:
        path = f"{around}{view.id}"
        if view.inside:
            yield from leaves(view.inside, f"{path}/")
        if not view.inside or any(
            seen.pods for seen in view.seen
        ):  # a group's own: of its driver that failed
            yield Step(path, view)


def named(views: Sequence[View], name: str, run_id: str) -> Step:
    """The one of a name.

    Raises:
        UsageError: none, several or a group; with what there is.
    """
    steps = list(leaves(views))
    found = [step for step in steps if step.path == name or step.path.endswith(f"/{name}")]
    if len(found) == 1:
        return found[0]
    inside = [step.path for step in steps if f"/{step.path}".find(f"/{name}/") >= 0]
    paths = [step.path for step in found] or inside or [step.path for step in steps]
    if not paths:
        raise UsageError(f"run {run_id} has no task yet; look again with --status {run_id}")
    if found:
        what = f"run {run_id} has several tasks {name!r}"
    elif inside:
        what = f"{name!r} is a group of run {run_id}"
    else:
        close = meant(name, paths)
        what = f"run {run_id} has no task {name!r}"
        if close:
            raise UsageError(f"{what}; did you mean {close!r}? There are: {columns.some(paths, 20)}")
    raise UsageError(f"{what}; there are: {columns.some(paths, 20)}")


def pods(step: Step) -> list[OnePod]:
    """All pods of a task: of each item of the loops around it, and of each attempt."""
    many = len(step.view.seen) > 1
    return [
        OnePod(step.path, index if many else 0, pod)
        for index, seen in enumerate(step.view.seen, 1)
        for pod in seen.pods
    ]


def first_failure(views: Sequence[View]) -> OnePod | None:
    """The last attempt of the task that failed first; None where none has, or nothing is known of its pod."""
    failed = [
        (seen, OnePod(step.path, index if len(step.view.seen) > 1 else 0, seen.pods[-1]))
        for step in leaves(views)
        for index, seen in enumerate(step.view.seen, 1)
        if seen.state == "FAILED" and seen.pods
    ]
    ended = [(_end(seen), number) for number, (seen, _) in enumerate(failed)]
    return failed[min(ended)[1]][1] if failed else None


def _end(seen: Seen) -> float:
    return seen.ended.timestamp() if seen.ended else float("inf")
