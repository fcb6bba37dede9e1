"""What the section `acting` measures with: plans that know what they say, on usage to be worked out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from predictive_scaling.recommend.acting.past import MINUTES_PER_DAY, WARM_UP

from . import acting
from .acting import plans
from .acting.usage import USAGE, Service, services
from .house import Settings

DAYS = 13


@pytest.fixture
def usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """7 cores, and 28 for half an hour each day from 09:20 on; one service too short to be played."""
    stamps = pd.date_range("2026-01-05T00:00:00Z", periods=DAYS * 288 + 13, freq="5min")
    spike = stamps.strftime("%H:%M").isin([f"09:{minute}" for minute in (20, 25, 30, 35, 40, 45)])
    rows = pd.DataFrame({"timestamp": stamps, "service": "checkout", "cpu": np.where(spike, 28.0, 7.0)})
    both = pd.concat([rows, rows.tail(9 * 288).assign(service="young")]).assign(memory=1.0)
    both.to_csv(tmp_path / "usage.csv", index=False)
    monkeypatch.setenv(USAGE, str(tmp_path / "usage.csv"))
    return rows


def test_pods_are_sized_by_the_days_before_those_that_are_played(usage: pd.DataFrame) -> None:
    (found,) = services(acting.WEEK)
    assert found.past.service == "checkout"
    before = usage[usage["timestamp"] < usage["timestamp"].max().floor("h") - pd.Timedelta(days=7)]
    assert found.past.cores == pytest.approx(before["cpu"].mean() / 7)
    assert services(DAYS) == []


def test_plans_of_a_day_know_the_days_before_it_alone(usage: pd.DataFrame) -> None:
    (one,) = services(acting.WEEK)
    forecasts = [plans.forecasts_of(one, acting.WEEK)]
    last = one.past.days - 1
    begin = WARM_UP + last * MINUTES_PER_DAY
    changed = Service(one.past.until(last + 1), one.first_hour)
    changed.past.demand[begin:] = 0.1
    (other,) = services(acting.WEEK)
    for name, plan in plans.simple([other], forecasts, acting.WEEK).items():
        same = plans.simple([changed], forecasts, acting.WEEK)[name][0]
        knows = name == "knowing each hour's maximum"
        assert bool((plan[0][begin:] == same[begin:]).all()) is not knows, name
    chosen, _ = plans.ours([other], forecasts, acting.WEEK)
    again, _ = plans.ours([changed], forecasts, acting.WEEK)
    assert (chosen[0] == again[0]).all()


@pytest.mark.usefixtures("usage")
def test_a_spike_at_the_same_time_each_day_is_served_by_the_floors(tmp_path: Path) -> None:
    rows = list(acting.rows(Settings(tmp_path)))
    assert len(rows) == 2 * len(acting.READY)
    by_plan = {line["plan"]: line for line in rows[0].details}
    assert by_plan[acting.ALONE]["unserved %"] > 0.3  # five of 1,440 minutes at the least
    assert by_plan[acting.OURS]["unserved %"] == 0
    assert by_plan[acting.OURS]["pods / alone"] < 1.3
    assert by_plan["knowing each hour's maximum"]["unserved %"] == 0
