"""Gates of a promotion: what a release must have measured where it runs already (`promote.require` of a pipeline).

A gate is judged by figures: read from runs on the server, or kept by release.yaml since the promotion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document

_AT = ("promote", "require")


@dataclass(frozen=True)
class Gate:
    """A metric that each of the newest `runs` runs must have between `least` and `most`, both included.

    `task`: whose it is, where several tasks have it; "": the only one's.
    """

    metric: str
    task: str = ""
    least: float | None = None
    most: float | None = None
    runs: int = 1

    def lets(self, value: float) -> bool:
        """Whether a value is good enough; what is no finite number is beyond any bound."""
        low = self.least is None or value >= self.least
        return math.isfinite(value) and low and (self.most is None or value <= self.most)

    def holds_as_much(self, other: Gate) -> bool:
        """Whether whatever it lets through the other one would, too."""
        low = other.least is None or (self.least is not None and self.least >= other.least)
        high = other.most is None or (self.most is not None and self.most <= other.most)
        return (
            (self.metric, self.task) == (other.metric, other.task)
            and low
            and high
            and self.runs >= other.runs
        )

    def is_of(self, entry: Mapping[str, Any]) -> bool:
        """Whether figures of release.yaml are of its metric: those of another task, or of none, may be other ones."""
        return (entry["metric"], entry.get("task", "")) == (self.metric, self.task)

    @property
    def bounds(self) -> str:
        """`≥ 0.7`, `≤ 0.1`, or both."""
        least = [f"≥ {self.least:g}"] if self.least is not None else []
        most = [f"≤ {self.most:g}"] if self.most is not None else []
        return " and ".join([*least, *most])

    @property
    def named(self) -> str:
        """Which metric."""
        return f"{self.metric} of {self.task}" if self.task else self.metric

    def __str__(self) -> str:
        runs = f"the newest {self.runs} runs" if self.runs > 1 else "the newest run"
        return f"{self.named} {self.bounds} in {runs}"

    @property
    def told(self) -> dict[str, Any]:
        """For machines."""
        return {
            "metric": self.metric, "task": self.task or None, "min": self.least, "max": self.most, "runs": self.runs,
        }  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One run, and what it has of a gate's metric: in a loop one value for each iteration."""

    run: str
    created: datetime | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """What one gate found, the newest run first; `why` is empty where it lets the release through."""

    gate: Gate
    runs: tuple[Measured, ...] = ()
    why: str = ""

    @property
    def values(self) -> list[float]:
        """Those of all runs."""
        return [value for one in self.runs for value in one.values]

    @property
    def figures(self) -> str:
        """The values, the newest run first: `0.91, 0.88`."""
        return ", ".join(_shown(one.values) for one in self.runs) or "nothing"

    @property
    def told(self) -> str:
        """In a line."""
        return f"{self.gate}: {self.figures}{f' ({self.why})' if self.why else ''}"


def _shown(values: Sequence[float]) -> str:
    found = [f"{value:.6g}" for value in values]
    return found[0] if len(found) == 1 else f"[{' '.join(found)}]"


def missed(gate: Gate, found: Sequence[Measured]) -> str:
    """How often values are beyond the bounds, in words; "" where none is."""
    times = sum(not gate.lets(value) for one in found for value in one.values)
    return "" if not times else "missed" if times == 1 else f"missed {times} times"


def recorded(gate: Gate, promoted: Mapping[str, Any]) -> Verdict:
    """Judge a release by the figures that its entry of release.yaml keeps; nobody is asked.

    `promoted` is a valid entry. What it keeps of another release, or does not say of which, is of nothing that is here.
    """
    kept = promoted.get("measured", ())
    ours = [one for one in kept if one.get("release") == promoted["digest"]]
    runs = {run: tuple(values) for one in ours if gate.is_of(one) for run, values in one["runs"].items()}
    found = tuple(Measured(run, None, values) for run, values in runs.items())[: gate.runs]
    if not found:
        none = "no measurements of this release" + (", only such of another or of none" if kept else "")
        return Verdict(gate, (), f"release.yaml has {f'nothing of {gate.named}' if ours else none}")
    few = f"{len(found)} of {gate.runs} runs" if len(found) < gate.runs else ""
    return Verdict(gate, found, missed(gate, found) or few)


def of(entry: Mapping[str, Any]) -> tuple[Gate, ...]:
    """Those of one pipeline's values, which are valid."""
    return tuple(
        Gate(one["metric"], one.get("task", ""), one.get("min"), one.get("max"), one.get("runs", 1))
        for one in entry.get("promote", {}).get("require", ())
    )


def problems(values: Document) -> Iterator[Problem]:
    """What their schema cannot tell, in values that it has accepted."""
    for name, entry in values.value["pipelines"].items():
        seen = set[tuple[str, str]]()
        for index, gate in enumerate(of(entry)):
            at = ("pipelines", name, *_AT, index)
            if gate.least is not None and gate.most is not None and gate.least > gate.most:
                what = f"no {gate.metric} is both at least {gate.least:g} and at most {gate.most:g}"
                yield values.problem((*at, "min"), what, "let min be no larger than max")
            if (gate.metric, gate.task) in seen:
                todo = "write `min` and `max` into one entry"
                yield values.problem(at, f"{gate.named} is required twice", todo)
            seen.add((gate.metric, gate.task))


def unused(values: Document, environment: str) -> Iterator[Problem]:
    """Of an environment that nothing is promoted to: gates in its own files, which nobody would ever look at."""
    for name, entry in values.value["pipelines"].items():
        if "promote" not in entry:
            continue
        what = f"{environment} follows the sources: nothing is promoted to it, so nobody looks at this"
        todo = "write it where the environments are that it is promoted to, or into environments/base.yaml for all"
        problem = values.problem(("pipelines", name, "promote"), what, todo, key=True)
        if problem.path.startswith(f"environments/{environment}/"):
            yield problem
