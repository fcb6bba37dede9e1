"""Rows of instant queries about a namespace, with the labels that the cluster gave them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from predictive_scaling.shapes import questions

Workload = tuple[str, str]
"""Kind and name."""
Placed = tuple[str, str]
"""Pod and container."""
AmountsOf = dict[Placed, dict[str, float]]
"""What each pod's container has of cpu (cores) and memory (bytes)."""


class Reading(Protocol):
    """One row of an instant query's answer."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def value(self) -> float:
        """Its value."""


Ask = Callable[[str], Sequence[Reading]]
"""Gives the rows of a PromQL expression at the instant that counts as now."""
Question = Callable[[str, int], str]
"""Gives the expression for a namespace and a day."""


@dataclass(frozen=True)
class Row:
    """A row with the cluster's own labels."""

    labels: Mapping[str, str]
    value: float

    @property
    def pod(self) -> str:
        """Its pod."""
        return self.labels.get("pod", "")

    @property
    def placed(self) -> Placed:
        """Its pod and container."""
        return self.pod, self.labels.get("container", "")

    @property
    def owner(self) -> Workload:
        """Kind and name of the owner; both empty without one, which old versions write `<none>`."""
        kind = self.labels.get("owner_kind", "")
        return ("", "") if kind in ("", "<none>") else (kind, self.labels.get("owner_name", ""))


@dataclass(frozen=True)
class Source:
    """What is asked of one namespace, now and in the days before."""

    ask: Ask
    namespace: str
    window_days: int

    def rows(self, expression: str) -> list[Row]:
        """Rows of an expression, without what is no number."""
        answer = self.ask(expression)
        return [Row(_own(each.labels), each.value) for each in answer if math.isfinite(each.value)]

    def now(self, metric: str, more: str = "") -> list[Row]:
        """Rows of a metric as they are; `more` are matchers after a comma."""
        return self.rows(questions.present(metric, self.namespace, more))

    def past(self, metric: str, more: str = "") -> Iterator[Row]:
        """Rows of a metric in the window, the oldest day first."""
        for day in reversed(range(self.window_days)):
            yield from self.rows(questions.of_day(metric, self.namespace, day, more))

    def days(self, question: Question) -> Iterator[tuple[Placed, float]]:
        """Each day's value of each pod's container: one, however many jobs scrape it."""
        for day in range(self.window_days):
            found: dict[Placed, float] = {}
            for row in self.rows(question(self.namespace, day)):
                found[row.placed] = max(row.value, found.get(row.placed, 0.0))
            yield from found.items()


def amounts(rows: Iterable[Row]) -> AmountsOf:
    """Amounts of rows that name their `resource`; where it is scraped twice, once."""
    found: AmountsOf = defaultdict(dict)
    for row in rows:
        of, resource = found[row.placed], row.labels.get("resource", "")
        if resource in ("cpu", "memory"):
            of[resource] = max(row.value, of.get(resource, 0.0))
    return found


def _own(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that the cluster gave: behind `exported_` where the scraper's took their place."""
    moved = {
        name.removeprefix("exported_"): text for name, text in labels.items() if name.startswith("exported_")
    }
    return {**labels, **moved}
