"""A level shift is seen within hours; outliers, restarts, nightly jobs, weekends, holidays and bursts are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.base.series import HourlySeries, Windows
from predictive_scaling.models.shifts import Shift, found, found_in, moved
from shift_kit import DAYS, KINDS, MONDAY, series, service, shifted

AT = 30 * 24
EVERY_THREE = range(28 * 24, DAYS * 24, 3)
SEEDS = range(10)


def hours_until_seen(values: np.ndarray, at: int, most: int) -> float:
    """Hours after which a shift is first seen; infinite if not within `most`."""
    for hours in (6, 9, 12, 18, most):
        shift = found(series(values, at + hours))
        if shift is not None:
            return hours if abs(shift.start - MONDAY - at) <= 3 else math.inf
    return math.inf


@pytest.mark.parametrize(
    ("kind", "times"),
    [(kind, times) for kind in KINDS for times in (0.5, 1.6, 2.5) if kind != "weekly" or times > 1],
)
def test_most_shifts_are_seen_within_twelve_hours_and_nearly_all_within_a_day(kind, times):
    starts = [AT + 7 * seed % 48 for seed in SEEDS]
    waited = [
        hours_until_seen(shifted(kind, seed, at, times), at, 24)
        for seed, at in zip(SEEDS, starts, strict=True)
    ]
    assert np.mean([hours <= 12 for hours in waited]) >= 0.6
    assert np.mean([hours <= 24 for hours in waited]) >= 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_what_did_not_shift_is_hardly_ever_said_to(kind):
    seen = [
        found(series(service(kind, seed), hours)) is not None for seed in SEEDS for hours in EVERY_THREE[::4]
    ]
    assert np.mean(seen) <= 0.01


def nothing(values: np.ndarray, first: int = AT, last: int = AT + 36) -> bool:
    return all(found(series(values, hours)) is None for hours in range(first, last, 3))


def test_an_outlier_is_none():
    values = service("daily", 1)
    values[AT] *= 30
    assert nothing(values)


def test_a_restart_is_none():
    values = service("daily", 2)
    values[AT : AT + 2] = 0.0
    assert nothing(values)


def test_a_job_of_one_night_is_none():
    values = service("daily", 3)
    values[AT + 1 : AT + 5] += 9.0
    assert nothing(values)


def test_a_job_of_every_night_is_none():
    assert nothing(service("nightly", 4), 28 * 24)


def test_the_first_weekend_of_few_days_is_none():
    values = service("weekly", 5, days=14)
    short = HourlySeries(MONDAY, values).between(MONDAY + 24, MONDAY + 14 * 24)
    assert all(found(short.between(short.start, short.end - back)) is None for back in range(0, 72, 3))


def test_a_holiday_is_none():
    """A Wednesday as quiet as a Sunday, and the day after it."""
    values = service("weekly", 6)
    values[AT : AT + 24] *= 0.5
    assert AT // 24 % 7 == 2
    assert nothing(values, AT, AT + 48)


def test_a_burst_that_jitters_is_none():
    values = service("daily", 7)
    values[AT : AT + 12] *= np.random.default_rng(7).uniform(1.2, 5.0, 12)
    assert nothing(values)


def test_a_climb_is_none():
    values = service("flat", 8)
    values[AT : AT + 12] *= np.linspace(1.2, 4.0, 12)
    assert nothing(values, AT, AT + 13)


def test_what_swings_about_its_level_as_it_never_did_is_none():
    values = service("flat", 3)
    values[AT : AT + 12] *= np.where(np.arange(12) % 3 == 0, 2.2, 3.8)
    assert nothing(values, AT + 6, AT + 13)


def test_what_goes_on_rising_is_seldom_one_even_where_usage_is_noisy():
    seen = []
    for seed in range(12):
        values = service("flat", seed, noise=0.2)
        values[AT : AT + 12] *= np.linspace(1.4, 1.8, 12)
        seen.append(found(series(values, AT + 12)) is not None)
    assert np.mean(seen) <= 0.4


def test_what_came_and_went_before_at_another_hour_is_none():
    values = service("flat", 3)
    values[AT - 10 * 24 + 12 : AT - 10 * 24 + 22] *= 2.0
    values[AT : AT + 10] *= 2.0
    assert nothing(values, AT + 6, AT + 10)


def test_where_it_was_and_how_far_is_told():
    shift = found(series(shifted("daily", 9, AT, 2.0), AT + 30))
    assert shift is not None
    assert abs(shift.start - MONDAY - AT) <= 1
    assert shift.change == pytest.approx(1.0, abs=0.15)
    assert shift.factor == pytest.approx(2.0**0.75, rel=0.1)


def test_a_shift_by_the_same_amount_in_every_hour_is_moved_by_it():
    shift = found(series(shifted("daily", 10, AT, plus=4.0), AT + 30))
    assert shift is not None
    assert (shift.factor, shift.offset) == (1.0, pytest.approx(3.0, rel=0.1))


def test_what_came_may_go_so_the_past_is_moved_by_a_part_unless_a_deployment_is_known():
    values = shifted("flat", 3, AT, 2.0)
    seen, known = found(series(values, AT + 12)), found(series(values, AT + 12), [MONDAY + AT])
    assert seen is not None
    assert known is not None
    assert seen.factor == pytest.approx(known.factor**0.75, rel=0.05)
    assert known.factor == pytest.approx(2.0, rel=0.1)


def test_after_three_days_it_is_no_news():
    assert found(series(shifted("daily", 12, AT, 2.0), AT + 4 * 24)) is None


def test_the_past_is_moved_and_never_below_nothing():
    before = HourlySeries(100, np.array([1.0, np.nan, 3.0, 8.0]))
    assert moved(before, None) is before
    times = moved(before, Shift(102, 1.0, 2.0, 2.0, 0.0))
    np.testing.assert_array_equal(times.values, [2.0, np.nan, 3.0, 8.0])
    less = moved(before, Shift(103, 3.0, 1.0, 1.0, -2.0))
    np.testing.assert_array_equal(less.values, [0.0, np.nan, 1.0, 8.0])
    assert before.values[0] == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.sampled_from(KINDS), st.floats(-6, 12), st.integers(6, 70))
def test_the_unit_does_not_matter(seed, kind, power, hours):
    values, scale = shifted(kind, seed, AT, 2.0), 10.0**power
    plain, scaled = found(series(values, AT + hours)), found(series(values * scale, AT + hours))
    assert (plain is None) == (scaled is None)
    if plain and scaled:
        assert scaled.start == plain.start
        assert scaled.factor == pytest.approx(plain.factor)
        assert scaled.offset == pytest.approx(plain.offset * scale)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 700), st.floats(0, 1), st.booleans())
def test_gaps_and_odd_lengths_break_nothing(seed, length, missing, zeros):
    rng = np.random.default_rng(seed)
    values = np.zeros(length) if zeros else rng.gamma(1.0, 2.0, length)
    values[rng.random(length) < missing] = np.nan
    shift = found(HourlySeries(500, values), [500 + length - 10])
    if shift:
        again = moved(HourlySeries(500, values), shift).values
        assert (np.isfinite(again) == np.isfinite(values)).all()
        assert np.nanmin(again) >= 0


def test_rows_are_each_as_by_itself():
    many = [series(shifted(kind, seed, AT, 2.0), AT + 5 * seed) for seed in SEEDS for kind in KINDS[2:]]
    windows = Windows(np.array([each.end for each in many]), np.array([each.values for each in many]))
    together = found_in(windows)
    assert together == {at: shift for at, each in enumerate(many) if (shift := found(each))}
    assert len(together) > len(many) / 2


def test_a_weekday_as_quiet_as_a_sunday_may_be_a_holiday_unless_a_deployment_is_known():
    values = shifted("weekly", 6, AT, 0.5)
    assert nothing(values, AT, AT + 30)
    assert found(series(values, AT + 9), [MONDAY + AT]) is not None


def test_a_known_deployment_needs_less_to_be_seen():
    waited = {
        told: [
            next(
                (
                    hours
                    for hours in (3, 4, 6, 9, 12, 24)
                    if found(series(values, AT + hours), [MONDAY + AT] if told else [])
                ),
                99,
            )
            for values in (shifted("daily", seed, AT, 1.4) for seed in SEEDS)
        ]
        for told in (False, True)
    }
    assert np.median(waited[True]) <= 4 < np.median(waited[False])


def test_a_deployment_that_changed_nothing_is_no_shift():
    seen = [found(series(service("daily", seed), AT + 8), [MONDAY + AT]) is not None for seed in range(60)]
    assert np.mean(seen) <= 0.05


def test_a_deployment_after_the_window_is_not_known():
    values = shifted("daily", 3, AT, 1.4)
    assert found(series(values, AT + 4), [MONDAY + AT + 4]) is None


def test_the_window_of_rows_knows_no_hint_of_later():
    one = series(shifted("daily", 3, AT, 2.0), AT + 4)
    windows = Windows(np.array([one.end]), one.values[None, :])
    assert found_in(windows, [[one.end + 1]]) == {}
    assert found_in(windows, [[MONDAY + AT]])[0].told
