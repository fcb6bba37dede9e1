"""What so many days of usage are enough for, as it is said, is what the backtest does with them."""

import re

import numpy as np
import pytest
from predictive_scaling.backtest.evaluation import WARM_UP_FOLDS
from predictive_scaling.backtest.folds import WARM_UP_ORIGINS, origins
from predictive_scaling.backtest.needs import days_of_origins, needs
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.steps.fetching import enough
from project import PROJECT


@pytest.mark.parametrize("horizon", [1, 24, 25, 48, 168])
@pytest.mark.parametrize("number", [1, WARM_UP_FOLDS + 1, 10, 10 + WARM_UP_ORIGINS])
def test_so_many_days_leave_room_for_so_many_origins_and_an_hour_less_does_not(number, horizon):
    hours = round(24 * days_of_origins(number, horizon))

    def room(length):
        return len(origins(HourlySeries(0, np.zeros(length)), horizon, number))

    assert room(hours) == number
    assert room(hours - 1) == number - 1


def test_documentation_has_the_same_days():
    text = (PROJECT / "docs/serving.md").read_text("utf-8")
    table = text.partition("| days | enough for |")[2].partition("\n\n")[0]
    assert [float(each) for each in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [
        each.days for each in needs()
    ]


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (2.0, "enough for nothing yet; a recommendation from 7 days on"),
        (
            10.0,
            "enough for a recommendation; forecasts that can be accepted from 11 days on, weekly terms from 14",
        ),
        (30.0, "the whole training window"),
    ],
)
def test_what_is_reached_and_what_is_missing_is_said(days, text):
    assert text in enough(days)
    assert ("from" in enough(days).replace("from the folds' past", "").replace("bands and weights ", "")) == (
        days < 28
    )
