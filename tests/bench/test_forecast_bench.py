"""What the section `forecast` measures with: series that differ, one protocol for all, figures worked out by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .forecast import _updated
from .forecasting import gates, many, measures, peers, timed, worker
from .forecasting.families import FAMILIES, made
from .forecasting.measures import Case


def test_made_up_series_are_distinct_and_the_same_every_time() -> None:
    usage = made(2 * len(FAMILIES), days=20)
    assert len({values.tobytes() for values in usage.values()}) == 2 * len(FAMILIES)
    assert all(
        values.shape == (480,) and (values >= 0).all() and np.isfinite(values).all()
        for values in usage.values()
    )
    again = made(3, days=20)
    assert all((again[name] == usage[name]).all() for name in again)


def test_every_model_runs_on_the_same_folds(tmp_path: Path) -> None:
    values = np.arange(24.0 * 30)
    np.savez(tmp_path / "series.npz", **{"a cpu": values, "start of a cpu": np.array(0)})
    worker.main("last", str(tmp_path / "series.npz"), str(tmp_path / "out.npz"))
    with np.load(tmp_path / "out.npz") as found:
        p50 = found["a cpu"][1]
        assert float(found["peak"]) > 0
    origins = Case("a cpu", "cpu", values).origins()
    assert p50[measures.SCORED][:, 0].tolist() == [origin - 1 for origin in origins]


def test_peers_see_the_same_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def forecast(start: int, values: worker.Array) -> worker.Array:
        seen.append((start, len(values), values[-1]))
        return np.zeros((4, worker.HORIZON))

    monkeypatch.setattr(worker, "peers", lambda: {"peer": lambda: forecast})
    values = np.arange(24.0 * 40)
    found, _ = worker.run_peer("peer", {"a": values}, {"a": 100})
    assert found["a"].shape == (4, worker.FOLDS, worker.HORIZON)
    last = len(values) - worker.HORIZON
    assert seen[-1] == (100 + last - worker.TRAIN_HOURS, worker.TRAIN_HOURS, values[last - 1])


CONSTANT = Case("a", "cpu", np.full(24 * 30, 10.0))


def test_figures_of_a_constant_series_can_be_worked_out() -> None:
    found = {"a": np.array([np.full((worker.FOLDS, 24), value) for value in (9.0, 9.5, 10.5, 11.0)])}
    naive = [{"a": np.full((4, worker.FOLDS, 24), 9.0)}]
    figures = measures.forecast_figures([CONSTANT], found, naive)
    assert figures["accuracy"] == pytest.approx(0.95)
    assert figures["skill>.02"] == 1.0
    assert (figures["over95"], figures["cov80"]) == (0.0, 1.0)


def test_plans_of_a_constant_series_can_be_worked_out() -> None:
    plans = {"a": measures.vpa_like(CONSTANT)}
    memory = Case("m", "memory", CONSTANT.values)
    figures = measures.plan_figures([CONSTANT, memory], {**plans, "m": measures.krr_like(memory)})
    assert figures == {
        "cpu cost": pytest.approx(1.15),
        "cpu over": 0.0,
        "memory cost": pytest.approx(1.15),
        "memory over": 0.0,
    }
    assert measures.krr_like(CONSTANT).max() == 10.0


def test_cost_at_equal_risk_of_plans_that_are_known() -> None:
    values = np.tile(np.arange(1.0, 25.0), 30)
    cases = [Case("a", "cpu", values), Case("m", "memory", values)]
    knowing = {case.name: case.actual() * 7.0 for case in cases}
    found = measures.risk_figures(cases, knowing)
    # The constant has to be the highest hour, 24, for no hour to be above; knowing the day, its mean of 12.5 will do.
    assert found["memory ×VPA at 1%"] == pytest.approx(12.5 / 24, rel=1e-3)
    assert measures.risk_figures(cases, {case.name: measures.vpa_like(case) for case in cases}) == {
        name: pytest.approx(1.0) for name in found
    }


def test_updated_models_of_any_age_know_the_newest_level() -> None:
    values = np.repeat([5.0, 9.0], [24 * 33, 24 * 9])
    for age in (0, 3):
        assert _updated(Case("a", "cpu", values), 0, age)[-1] == pytest.approx(np.full(24, 9.0), rel=0.01)


def test_a_refused_forecast_gets_what_is_over_no_oftener_than_its_plan_or_the_constant() -> None:
    values = np.where(np.arange(24 * 30) % 24 == 9, 40.0, 10.0)
    case = Case("a", "cpu", values)
    shape = (worker.FOLDS, 24)
    blind = np.full((4, *shape), 5.0)
    naive = [{"a": np.tile(case.actual()[:1], (4, worker.FOLDS, 1))}]
    details = {line["refused by"]: line for line in gates.row([case], {"a": blind}, naive).details}
    for name in ("max_over95", "min_skill", "accuracy, as it was"):
        found = details[name]
        assert (found["series"], found["constant"]) == (1, pytest.approx(1 / 24))
        assert found["both"] == min(found["plan"], found["constant"])
    known = np.array([np.tile(case.actual()[:1], (worker.FOLDS, 1)).reshape(shape)] * 4)
    line = {each["refused by"]: each for each in gates.row([case], {"a": known}, naive).details}
    assert [line[name]["series"] for name in ("max_over95", "min_skill")] == [0, 0]
    assert (line["all of cpu"]["plan"], line["all of cpu"]["both"]) == (0.0, 0.0)


def test_peers_take_part_where_a_python_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(peers.VARIABLE, "/opt/peers/bin/python")
    assert peers.python(tmp_path) == "/opt/peers/bin/python"
    monkeypatch.delenv(peers.VARIABLE)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert peers.python(tmp_path) == ""


def test_accuracy_of_a_peer_is_of_the_scored_folds() -> None:
    cutoffs = pd.to_datetime([f"2026-01-{day:02d}" for day in range(1, 11)])
    missed = [5.0] * 3 + [1.0] * 7  # the first three folds are not scored
    found = pd.DataFrame({"unique_id": "a", "cutoff": cutoffs, "y": 10.0, "MSTL": 10.0 - np.array(missed)})
    assert many.accuracy(found) == pytest.approx(0.9)


def test_tasks_are_timed_whole_and_told_by_the_service(tmp_path: Path) -> None:
    ours = timed.tasks(1, ("blend",), tmp_path / "one")
    line = ours.line("ours")
    assert line["services"] == "1"
    assert float(line["s"]) > 0
    assert line["ms a service"] == pytest.approx(1000 * ours.processor)
    row = timed.larger(ours, timed.Spent(10, 5 * ours.seconds, 5 * ours.processor, 300.0, ours.figures))
    assert row.ratio == pytest.approx(0.5)
    assert "200 MB: missed" in row.note
