"""Our error measures against utilsforecast's, which other forecasters use: equal where both say a number.

Ours differ on purpose where nothing was used (WAPE is then 0 or infinite, and not undefined) or nothing ever changed
(MASE is then undefined, and not infinite), and a bound that is missed by a rounding error is kept.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from predictive_scaling.backtest import metrics
from utilsforecast import losses

tenths = st.integers(0, 10_000).map(lambda value: value / 10)
missing = st.one_of(tenths, st.just(float("nan")))
rows = st.lists(st.tuples(missing, tenths, tenths, tenths), min_size=1, max_size=40)


def arrays(found):
    """Actual, forecast, and a lower and an upper bound; some actual values are missing, but never all."""
    actual, forecast, one, other = (np.array(column) for column in zip(*found, strict=True))
    assume(np.isfinite(actual).any())
    return actual, forecast, np.minimum(one, other), np.maximum(one, other)


def frame(actual, **columns):
    return pd.DataFrame({"unique_id": "a", "ds": np.arange(len(actual)), "y": actual, **columns})


def judged(table):
    return float(table["m"].iloc[0])


@settings(deadline=None)
@given(rows)
def test_wape(found):
    actual, forecast, *_ = arrays(found)
    assume(np.nansum(actual) > 0)
    expected = judged(losses.wape(frame(actual, m=forecast), ["m"]))
    assert metrics.wape(actual, forecast) == pytest.approx(expected)


@settings(deadline=None)
@given(rows, st.lists(missing, min_size=1, max_size=60), st.integers(1, 24))
def test_mase(found, history, period):
    actual, forecast, *_ = arrays(found)
    scale = metrics.seasonal_scale(np.array(history), period)
    assume(scale != 0)
    train = frame(np.array(history)).assign(ds=lambda each: each["ds"] - len(each))
    expected = judged(losses.mase(frame(actual, m=forecast), ["m"], period, train))
    assert metrics.mase(actual, forecast, scale) == pytest.approx(expected, nan_ok=True)


@settings(deadline=None)
@given(rows, st.sampled_from([0.1, 0.5, 0.9, 0.95]))
def test_pinball(found, quantile):
    actual, forecast, *_ = arrays(found)
    expected = judged(losses.quantile_loss(frame(actual, m=forecast), {"m": "m"}, quantile))
    assert metrics.pinball(actual, forecast, quantile) == pytest.approx(expected)


@settings(deadline=None)
@given(rows)
def test_share_above_and_coverage(found):
    """utilsforecast counts a missing value as outside, so it sees the known ones alone."""
    actual, _, low, high = arrays([row for row in found if np.isfinite(row[0])] or found)
    table = frame(actual, m=high, **{"m-lo-80": low, "m-hi-80": high})
    above, below = metrics.share_above(actual, high), metrics.share_above(low, actual)
    assert above == pytest.approx(1 - judged(losses.calibration(table, {"m": "m"})))
    assert 1 - above - below == pytest.approx(judged(losses.coverage(table, ["m"], 80)))
