"""Gates of a promotion: what a release must have measured where it runs already (`promote.require` of a pipeline)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
        """Whether a value is good enough; NaN is beyond any bound."""
        low = self.least is None or value >= self.least
        return low and (self.most is None or value <= self.most)

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
