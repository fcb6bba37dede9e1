"""What the section `forecast` measures with: series that differ, one protocol for all, figures worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from .forecast import _updated
from .forecasting import gates, measures, worker
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
