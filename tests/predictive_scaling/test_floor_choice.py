"""Floors stand where load outruns the autoscaler, cost no more than the budget, and know the past alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from predictive_scaling.base.errors import InputError
from predictive_scaling.recommend.acting.choice import (
    FloorOptions,
    chosen,
    floor_course,
    judged_days,
    levels_by_hour,
    outcomes,
)
from predictive_scaling.recommend.acting.hours import Sized, acted
from predictive_scaling.recommend.acting.past import (
    MINUTES_PER_DAY,
    NOMINAL_PODS,
    WARM_UP,
    Past,
    ahead,
    past_of,
    week_before,
)
from predictive_scaling.recommend.acting.responses import levels_of, response

OPTIONS = FloorOptions()
DAYS = 9
CALM, SPIKE = 7.0, 28.0


def demand(days: int = DAYS, at: int | None = 9 * 60 + 20) -> np.ndarray:
    """Ten pods' worth, and a quarter of an hour of four times as much from a minute of the day on."""
    day = np.full(MINUTES_PER_DAY, CALM)
    if at is not None:
        day[at : at + 15] = SPIKE
    return np.concatenate([np.full(WARM_UP, CALM), np.tile(day, days)])


def past(minutes: np.ndarray, service: str = "checkout", **how) -> Past:
    days = (len(minutes) - WARM_UP) // MINUTES_PER_DAY
    return Past(service, minutes, how.pop("known", (True,) * days), 0.5, **how)


def test_a_daily_spike_gets_its_floor_in_its_hour_and_no_other_hour_costs_a_thing():
    choice = chosen([past(demand())], OPTIONS)
    cores = choice.floor_demand("checkout")
    pods = cores / (OPTIONS.target * 0.5)
    assert SPIKE <= pods[9] <= SPIKE * 1.3
    assert max(np.delete(pods, 9)) <= 10  # what the autoscaler holds anyway
    told = choice.worth["checkout"]
    assert told.unserved_before > 5 / MINUTES_PER_DAY  # at least as long as a pod takes to serve
    assert told.unserved_after == 0
    assert 1 < told.pods_ratio < OPTIONS.budget


def test_steady_load_gets_no_floor_above_what_the_autoscaler_holds():
    choice = chosen([past(demand(at=None))], OPTIONS)
    pods = choice.floor_demand("checkout") / (OPTIONS.target * 0.5)
    assert pods.max() <= 10
    assert choice.worth["checkout"].pods_ratio == pytest.approx(1.0, abs=0.01)


def test_a_dip_of_minutes_on_one_day_does_not_take_away_what_is_as_good_as_free():
    minutes = demand(at=None)
    dip = WARM_UP + 5 * MINUTES_PER_DAY + 3 * 60 + 10
    minutes[dip : dip + 12] = 5.6  # eight pods for some minutes
    choice = chosen([past(minutes)], OPTIONS)
    floors = choice.floor_demand("checkout") / (OPTIONS.target * 0.5)
    assert floors == pytest.approx(9)  # the highest level that the usual ten reach


def random_spikes(seed: int, days: int = 12) -> np.ndarray:
    draw, minutes = np.random.default_rng(seed), demand(days, at=None)
    for at in draw.integers(WARM_UP, len(minutes) - 20, 6 * days):
        minutes[at : at + 15] = SPIKE
    return minutes


@pytest.mark.parametrize("budget", [1.0, 1.1, 1.28])
def test_the_budget_holds_on_the_days_judged_however_much_would_be_gained(budget):
    pasts = [past(random_spikes(seed), f"s{seed}") for seed in (1, 2)]
    worth = chosen(pasts, FloorOptions(budget=budget)).worth
    assert np.mean([each.pods_ratio for each in worth.values()]) <= budget * 1.03


def test_hours_right_ahead_are_decided_by_days_that_began_like_this_one():
    """Every third day follows three hours of twice the load, and has two spikes; the others have none."""
    days = 13
    minutes = demand(days, at=None)
    for day in range(0, days + 1, 3):
        at = WARM_UP + day * MINUTES_PER_DAY
        minutes[max(0, at - 180) : at] = 2 * CALM
        minutes[at + 60 : at + 75] = SPIKE
        minutes[at + 15 * 60 : at + 15 * 60 + 15] = SPIKE
    one = past(minutes)
    table = response(one, OPTIONS.scaler)
    assert [day for day in (11, 12) if day % 3 == 0] == [12]
    like, unlike = (levels_by_hour(one, table, day, 0.03) for day in (12, 11))
    assert like[1] >= SPIKE > unlike[1]
    assert (
        abs(like[15] - unlike[15]) < SPIKE / 3
    )  # what the last hours were no longer counts in the afternoon


def test_a_day_is_decided_by_the_days_before_it_alone():
    minutes = random_spikes(5)
    changed = minutes.copy()
    changed[WARM_UP + 8 * MINUTES_PER_DAY :] = 0.5
    one, other = past(minutes), past(changed)
    tables = [response(each.until(8), OPTIONS.scaler) for each in (one, other)]
    found = [levels_by_hour(each, table, 8, 0.01) for each, table in zip((one, other), tables, strict=True)]
    assert found[0].tolist() == found[1].tolist()
    whole = response(one, OPTIONS.scaler)
    later = replace(whole, unserved=whole.unserved.copy(), pods=whole.pods.copy())
    later.unserved[8:], later.pods[8:] = 60.0, 0.0
    assert levels_by_hour(one, whole, 8, 0.01).tolist() == levels_by_hour(one, later, 8, 0.01).tolist()


def test_what_was_told_is_what_the_days_give_when_they_are_played():
    one = past(random_spikes(7))
    choice = chosen([one], OPTIONS)
    days = judged_days(one)
    table = choice.responses["checkout"]
    levels = {day: levels_by_hour(one, table, day, choice.rate) for day in days}
    floors = ahead(floor_course(one, levels), OPTIONS.lead_minutes)
    alone, with_floors = outcomes([one], [days], [[0 * floors], [floors]], OPTIONS.scaler)
    told = choice.worth["checkout"]
    assert (told.unserved_before, told.unserved_after) == (alone.unserved[0], with_floors.unserved[0])
    assert told.pods_ratio == with_floors.pods[0] / alone.pods[0]


def test_a_day_expected_to_be_higher_raises_the_floor():
    choice = chosen([past(demand())], OPTIONS)
    mean = float(demand()[WARM_UP:].mean()) * 0.5
    usual, grown = (choice.floor_demand("checkout", mean * factor)[9] for factor in (1.0, 2.0))
    assert grown > usual


def test_days_with_gaps_are_neither_learned_from_nor_judged():
    known = (True, True, True, True, False, True, True, True, True)
    assert judged_days(past(demand(), known=known)) == [3, 5, 6, 7, 8]
    broken = demand()
    broken[WARM_UP + 4 * MINUTES_PER_DAY : WARM_UP + 5 * MINUTES_PER_DAY] = 500.0
    choice = chosen([past(broken, known=known)], OPTIONS)
    assert choice.floor_demand("checkout")[9] / (OPTIONS.target * 0.5) <= SPIKE * 1.5
    assert np.isnan(choice.responses["checkout"].pods[4]).all()


def test_pods_that_there_are_in_any_case_are_no_gain_and_no_cost():
    choice = chosen([past(demand(), least=40.0)], OPTIONS)
    told = choice.worth["checkout"]
    assert (told.unserved_before, told.pods_ratio) == (0, 1)


def test_levels_are_whole_pods_up_to_somewhat_above_the_highest_hour():
    levels = levels_of(past(demand()))
    assert levels[0] == 0
    assert (np.diff(levels) >= 0).all()
    assert SPIKE in levels
    assert levels[-1] == np.ceil(SPIKE * 1.45)
    assert (levels == np.ceil(levels)).all()


def samples(days: float, step: str = "5min", value: float = 2.0) -> pd.DataFrame:
    stamps = pd.date_range("2026-01-05T06:00:00Z", "2026-03-01T00:00:00Z", freq=step)
    stamps = stamps[: int(days * pd.Timedelta("1D") / pd.Timedelta(step))]
    return pd.DataFrame({"timestamp": stamps, "cpu": value})


def test_a_past_is_of_whole_days_back_from_the_newest_hour_with_an_hour_before_them():
    found = past_of("a", samples(5.5), target=0.7, cores=0.5)
    assert (found.days, found.first_hour) == (5, 18)
    assert len(found.demand) == WARM_UP + 5 * MINUTES_PER_DAY
    assert found.demand == pytest.approx(4.0)


def test_the_size_of_pods_that_nobody_knows_keeps_ten_of_them_busy():
    found = past_of("a", samples(5.5), target=0.7, cores=None)
    assert found.demand == pytest.approx(0.7 * NOMINAL_PODS)


@pytest.mark.parametrize(
    "rows",
    [samples(3.5), samples(20, "1h"), samples(20).head(1)],
    ids=["short", "hourly", "one"],
)
def test_a_past_that_says_too_little_gives_no_floors(rows):
    assert past_of("a", rows, target=0.7, cores=None) is None
    assert acted({"a": Sized(rows, 0.5)}, OPTIONS) == {}


def test_a_service_that_uses_nothing_has_no_size_of_its_own_and_a_floor_of_one():
    rows = samples(6, value=0.0)
    assert past_of("a", rows, target=0.7, cores=None) is None
    assert acted({"a": Sized(rows, 0.5)}, OPTIONS)["a"].by_hour == pytest.approx(0.35)


def test_a_gap_of_hours_takes_its_day_out_and_one_of_minutes_does_not():
    rows = samples(6.5)
    at = rows["timestamp"]
    rows = rows[~at.between("2026-01-08T01:00Z", "2026-01-08T05:00Z")]
    rows = rows[~rows["timestamp"].between("2026-01-09T20:00Z", "2026-01-09T21:00Z")]
    found = past_of("a", rows, target=0.7, cores=0.5)
    # Days begin at 18:00, the first on the 5th: the gap of four hours lies in the third.
    assert found.known == (True, True, False, True, True, True)


def test_means_become_minutes_between_their_middles():
    rows = samples(6.5)
    rows["cpu"] = np.arange(len(rows), dtype=float)
    found = past_of("a", rows, target=0.7, cores=1.0)
    assert np.diff(found.demand)[:-5] == pytest.approx(0.2)
    first = (
        11 * 60
    ) / 5  # days begin at 18:00 and the hour before them at 17:00, eleven hours after the first row
    assert found.demand[0] == pytest.approx(first - 0.5 + 0.1)


def test_a_week_old_maximum_looks_half_an_hour_ahead_of_a_week_ago():
    minutes = demand(9, at=9 * 60)
    found = week_before(past(minutes), 0.7)
    eighth = found[WARM_UP + 7 * MINUTES_PER_DAY :]
    assert eighth[9 * 60 - 31] == pytest.approx(CALM / 0.7)
    assert eighth[9 * 60 - 30] == pytest.approx(SPIKE / 0.7)
    assert eighth[9 * 60 + 15] == pytest.approx(CALM / 0.7)
    assert found[: 7 * MINUTES_PER_DAY].max() == 0


def test_floors_are_given_by_the_hour_of_the_day_wherever_the_past_ends():
    rows = samples(9.5)  # ends at 18:00
    spike = rows["timestamp"].dt.strftime("%H:%M").isin(["09:20", "09:25", "09:30"])
    rows["cpu"] = np.where(spike, 14.0, 3.5)
    found = acted({"a": Sized(rows, 0.5)}, OPTIONS)["a"]
    assert int(found.by_hour.argmax()) == 9
    hours = pd.date_range("2026-01-20T08:00Z", periods=3, freq="h")
    assert int(found.cores(hours).argmax()) == 1
    assert set(found.document()["acting"]) == {"days", "unserved_before", "unserved_after", "pods_ratio"}


@pytest.mark.parametrize("how", [{"ready_minutes": -1}, {"ready_minutes": 61}, {"lead_minutes": 61}])
def test_options_out_of_range_are_refused(how):
    with pytest.raises(InputError):
        FloorOptions(**how)
