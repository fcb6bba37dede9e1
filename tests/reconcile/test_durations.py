"""How long runs usually take, by those that succeeded; and in how few requests that is known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.reconcile import durations

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def _run(minutes: float, state: str = "SUCCEEDED") -> RunState:
    return RunState("r", "n", state, NOW, NOW + timedelta(minutes=minutes), None, ())


@pytest.mark.parametrize(
    ("runs", "usual"),
    [
        ([_run(10), _run(20), _run(300)], 20),
        ([_run(10), _run(20)], 15),
        ([_run(1, "FAILED"), _run(20)], 20),
        ([*[_run(10)] * 20, *[_run(90)] * 30], 10),
        ([_run(1, "FAILED")], None),
        ([], None),
    ],
    ids=["one that hung", "two", "a failure", "the newest twenty", "failures alone", "none"],
)
def test_the_median_of_the_newest_that_succeeded(runs: list[RunState], usual: float | None) -> None:
    assert durations.usual(runs) == (None if usual is None else timedelta(minutes=usual))


@dataclass
class _Api:
    """Every second pipeline has an experiment, with one run of ten minutes."""

    asked: list[str] = field(default_factory=list)

    def experiment(self, name: str) -> ActualExperiment | None:
        self.asked.append(f"experiment {name}")
        return _experiment(name) if name.startswith("even") else None

    def experiments(self, names: Collection[str]) -> dict[str, ActualExperiment]:
        self.asked.append("experiments")
        return {name: _experiment(name) for name in names if name.startswith("even")}

    def runs(self, experiment_id: str, _limit: int) -> list[RunState]:
        self.asked.append(f"runs {experiment_id}")
        return [_run(10)]


def _experiment(name: str) -> ActualExperiment:
    return ActualExperiment(f"id-{name}", name, None, False)


def test_few_are_asked_for_one_by_one_and_of_many_the_experiments_are_listed() -> None:
    few = _Api()
    found = durations.of_pipelines(few, ["even", "odd"], "dev")  # type: ignore[arg-type]  # a fake
    assert found == {"even": timedelta(minutes=10)}
    assert sorted(few.asked) == ["experiment even-dev", "experiment odd-dev", "runs id-even-dev"]
    many = _Api()
    names = [f"{('even', 'odd')[number % 2]}{number}" for number in range(100)]
    assert len(durations.of_pipelines(many, names, "dev")) == 50  # type: ignore[arg-type]  # a fake
    assert len(many.asked) == 51
    assert durations.of_pipelines(_Api(), [], "dev") == {}  # type: ignore[arg-type]  # a fake
