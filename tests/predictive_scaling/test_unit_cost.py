"""What a unit of load costs: code that gets slower is told within hours, noise and habits are not."""

import re

import numpy as np
import pandas as pd
import pytest
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models.unit_cost import unit_cost
from predictive_scaling.recommend.load_entries import load_entry, told

DAYS, START = 28, 490_056  # a Thursday, 2025-11-27
NOW = START + 24 * DAYS


def service(noise=0.08, idle=0.2, slower=None, factor=1.5, seed=1, cost=0.012):
    """Cores and requests by the hour; `slower` hours before the end a request begins to cost `factor` times as much."""
    random, hours = np.random.default_rng(seed), np.arange(24 * DAYS)
    load = (
        100 * (1 + 0.6 * np.sin(2 * np.pi * hours / 24)) * np.exp(0.15 * random.standard_normal(len(hours)))
    )
    costs = np.where(hours >= len(hours) - (slower or 0), factor if slower else 1.0, 1.0) * cost
    used = costs * (idle * 100 + (1 - idle) * load) * np.exp(noise * random.standard_normal(len(hours)))
    return used, load


def found(used, load):
    return unit_cost(HourlySeries(START, used), HourlySeries(START, load))


@pytest.mark.parametrize("idle", [0.0, 0.2, 0.6])
def test_cost_is_that_of_the_usual_load_whatever_is_used_without_any(idle):
    cost = found(*service(idle=idle))
    assert cost.cores == pytest.approx(0.012, rel=0.08)
    assert cost.changes == ()
    load = np.array([40.0, 160.0])
    expected = 0.012 * (idle * 100 + (1 - idle) * load)
    assert cost.expected(load, np.array([NOW, NOW + 1])) == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize(("noise", "hours"), [(0.03, 3), (0.08, 3), (0.15, 9)])
@pytest.mark.parametrize("factor", [1.5, 1 / 1.5])
def test_code_that_got_slower_or_faster_is_known_within_hours(noise, hours, factor):
    told = [found(*service(noise, slower=hours, factor=factor, seed=seed)) for seed in range(20)]
    known = [each.changes[-1] for each in told if each.changes and each.changes[-1].of_code]
    assert len(known) >= 18 if noise < 0.1 else len(known) >= 12
    assert np.median([each.factor for each in known]) == pytest.approx(factor, rel=0.12)
    late = [abs(each.hour - (NOW - hours)) for each in known]
    assert np.median(late) <= 1
    assert max(late) <= 6


@pytest.mark.parametrize("noise", [0.08, 0.15, 0.3, 0.5])
def test_noise_alone_is_no_change(noise):
    changed = [bool(found(*service(noise, seed=seed)).changes) for seed in range(30)]
    assert sum(changed) <= 1


@pytest.mark.parametrize("times", [0.1, 5.0])
def test_an_outlier_of_two_hours_is_no_change(times):
    used, load = service()
    for at in (200, 400, len(used) - 2):
        used[at : at + 2] *= times
    assert found(used, load).changes == ()


def test_weekends_that_cost_more_are_a_habit():
    used, load = service()
    weekend = (START + np.arange(len(used))) // 24 % 7 >= 5
    assert found(np.where(weekend, 1.3 * used, used), load).changes == ()


def test_a_load_that_is_counted_otherwise_is_no_slower_code():
    """A second instance is no longer scraped: half of the requests, and the same cores."""
    used, load = service()
    cost = found(used, np.where(np.arange(len(load)) >= len(load) - 12, load / 2, load))
    assert [each.of_code for each in cost.changes] == [False]
    assert cost.cores > 1.3 * 0.012
    np.testing.assert_array_equal(cost.factors(np.arange(START, NOW)), 1.0)


def test_the_past_becomes_what_the_code_of_now_would_have_used():
    used, load = service(slower=48)
    cost = found(used, load)
    factors = cost.factors(np.arange(START, NOW))
    assert factors[:-50] == pytest.approx(1.5, rel=0.1)
    assert factors[-46:] == pytest.approx(1.0)


def test_code_that_was_put_back_moves_nothing():
    used, load = service()
    used[-96:-48] *= 1.5
    cost = found(used, load)
    factors = cost.factors(np.arange(START, NOW))
    assert factors[:500] == pytest.approx(1.0, rel=0.1)
    assert factors[-90:-54] == pytest.approx(1 / 1.5, rel=0.1)


@pytest.mark.parametrize("hours", [0, 47])
def test_too_little_says_nothing(hours):
    used, load = service()
    used[hours:] = np.nan
    assert found(used, load) is None


def test_hours_without_load_or_cores_are_left_out():
    used, load = service(slower=24)
    load[100:130], used[300:310] = np.nan, 0.0
    load[400:410] = 0.0
    cost = found(used, load)
    assert cost.changes[-1].factor == pytest.approx(1.5, rel=0.12)


def test_code_that_gets_slower_by_and_by_is_no_change_and_is_told():
    used, load = service()
    cost = found(used * np.linspace(1.0, 1.5, len(used)), load)
    assert cost.changes == ()
    entry = load_entry("requests/s", cost, pd.DataFrame(), {}, 4)
    assert cost.cores / cost.earlier == pytest.approx(1.4375 / 1.0625, rel=0.05)
    assert re.fullmatch(
        r"code got slower by and by: 1[2-5][.\d]* → 1[5-8][.\d]* ms of core per request in weeks",
        told(entry, "2025-12-25T00:00:00Z"),
    )


CHANGE = {"since": "2026-11-20T14:00:00Z", "before": 0.012, "after": 0.017, "of_code": True}


MS, SINCE = "ms of core per request", "since 2026-11-20T14:00Z"
OTHERWISE = "the load is counted otherwise, or other requests came; nothing is raised for it"


@pytest.mark.parametrize(
    ("changed", "unit", "at", "text"),
    [
        ({}, "requests/s", "2026-11-21", f"code got slower: 12 → 17 {MS} {SINCE}"),
        ({"after": 0.006}, "requests/s", "2026-11-21", f"code got faster: 12 → 6 {MS} {SINCE}"),
        ({}, "items", "2026-11-21", f"code got slower: 12 → 17 millicores per item of the queue {SINCE}"),
        (
            {"of_code": False},
            "requests/s",
            "2026-11-21",
            f"12 → 17 {MS} {SINCE}, while its cores stayed as they were: {OTHERWISE}",
        ),
        ({"after": 0.0143}, "requests/s", "2026-11-21", ""),
        ({}, "requests/s", "2026-11-29", ""),
    ],
    ids=["slower", "faster", "queue", "counted-otherwise", "less-than-a-fifth", "long-ago"],
)
def test_what_is_told_of_a_change(changed, unit, at, text):
    load = {"unit": unit, "cores_per_unit": 0.017, "change": CHANGE | changed}
    assert told(load, f"{at}T06:00:00Z") == text


@pytest.mark.parametrize(("hours", "factor", "cost"), [(12, 1.0, 0.012), (30, 1 / 1.5, 0.008)])
def test_code_that_got_faster_is_told_at_once_and_believed_after_a_day(hours, factor, cost):
    """Less is needed of a service that hangs, too: until a day has passed nothing is lowered."""
    found_ = found(*service(slower=hours, factor=1 / 1.5))
    assert found_.changes[-1].factor == pytest.approx(1 / 1.5, rel=0.12)
    assert found_.factors(np.arange(START, NOW - 40)) == pytest.approx(factor, rel=0.1)
    assert found_.cores == pytest.approx(cost, rel=0.1)


def test_a_load_that_says_nothing_of_cores_moves_nothing():
    """Cores that are the same all day whatever is asked for, and then others: the day before says more of them."""
    random = np.random.default_rng(3)
    used = np.exp(0.01 * random.standard_normal(24 * DAYS))
    used[-12:] *= 3
    assert found(used, 100 * np.exp(0.8 * random.standard_normal(len(used)))).changes == ()
