"""Whether a release may go on by what it measured: the metrics of its newest succeeded runs where it runs already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kfp_gitops.base.errors import NotFoundError, meant
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.metadata import RunResults, TaskResults
from kfp_gitops.kfpserver.metadata.logged import is_number
from kfp_gitops.language.gates import Gate, Measured, Verdict, missed

MOST = 50
"""Succeeded runs of a release that are looked at, for one may have measured nothing."""
_KNOWN = 8
"""Metrics that are named where the one that is asked for is none of them."""


@dataclass(frozen=True)
class Runs:
    """The succeeded runs of a release, the newest first; what each gave is read once, when it is first asked for."""

    listed: Iterable[ActualRun]
    results: Callable[[str], RunResults]
    _read: dict[str, RunResults | None] = field(default_factory=dict)

    @cached_property
    def newest(self) -> list[ActualRun]:
        """Those that are looked at."""
        return [run for run, _ in zip(self.listed, range(MOST), strict=False)]

    def given(self, run: ActualRun) -> RunResults | None:
        """What one gave; None of one whose metadata are gone."""
        if run.id not in self._read:
            try:
                self._read[run.id] = self.results(run.id)
            except NotFoundError:
                self._read[run.id] = None
        return self._read[run.id]


def judged(gate: Gate, runs: Runs) -> Verdict:
    """Look at runs until so many have measured it.

    A task that the cache answered measured nothing anew, so its run does not count: five runs of one answer are one.

    Raises:
        RemoteError: what runs gave cannot be read.
    """
    found: list[Measured] = []
    cached, known = 0, dict[str, None]()
    for run in runs.newest:
        given = runs.given(run)
        tasks = list(_having(given, gate)) if given else []
        known.update(dict.fromkeys(_names(given) if given else ()))
        whose = dict.fromkeys("/".join(task.names) for task, _ in tasks)
        if len(whose) > 1:
            why = f"tasks {' and '.join(sorted(whose))} have it: say which with `task`"
            return Verdict(gate, tuple(found), why)
        values = tuple(value for task, value in tasks if task.state != "CACHED")
        cached += bool(tasks) and not values
        if values:
            found.append(Measured(run.id, run.created, values))
        if len(found) == gate.runs:
            break
    return Verdict(gate, tuple(found), _why(gate, found, runs, cached, known))


def _why(gate: Gate, found: Sequence[Measured], runs: Runs, cached: int, known: Mapping[str, None]) -> str:
    if (beyond := missed(gate, found)) or len(found) == gate.runs:
        return beyond
    if not found and not cached and known:
        like = meant(gate.metric, known)
        names = ", ".join(list(known)[:_KNOWN]) + (", …" if len(known) > _KNOWN else "")
        return f"no run has it; {f'did you mean {like!r}?' if like else f'there are: {names}'}"
    answered = f", {cached} more answered from the cache" if cached else ""
    return f"{len(found)} of {gate.runs} runs, {len(runs.newest)} of this release succeeded{answered}"


def _having(given: RunResults, gate: Gate) -> Iterator[tuple[TaskResults, float]]:
    """The tasks that have a metric, and its value: logged with an artifact, or given as a parameter."""
    for task in given.tasks:
        if not task.group and gate.task in ("", "/".join(task.names), task.names[-1]):
            yield from ((task, value) for name, value in _numbers(task) if name == gate.metric)


def _names(given: RunResults) -> Iterator[str]:
    return (name for task in given.tasks if not task.group for name, _ in _numbers(task))


def _numbers(task: TaskResults) -> Iterator[tuple[str, float]]:
    for artifacts in task.artifacts.values():
        for artifact in artifacts:
            yield from artifact.metrics.items()
    yield from ((name, value) for name, value in task.parameters.items() if is_number(value))
