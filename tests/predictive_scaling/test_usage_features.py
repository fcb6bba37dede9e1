"""Hours as features: what is made of the samples, and what is missing."""

import numpy as np
import pandas as pd
import pytest
from predictive_scaling.base.errors import InputError
from predictive_scaling.models.features import FeatureEngineer, hourly_series
from usage_data import START, clean, usage


def test_hour_is_the_mean_of_its_samples_and_keeps_their_maximum():
    raw = usage(days=15, cpu=0.0)
    raw = raw.assign(cpu=np.arange(len(raw)) % 12 + 1.0)
    features = FeatureEngineer().transform(clean(raw))
    assert (features["cpu"] == 6.5).all()
    assert (features["cpu_max"] == 12.0).all()
    assert (features["n_samples"] == 12).all()
    assert features["dow"].iloc[0] == 0
    assert features["is_weekend"].sum() == 2 * 48


def test_hour_with_less_than_half_its_samples_is_missing():
    raw = usage().drop(index=range(12, 19))  # 5 of 12 samples of the second hour are left
    features = FeatureEngineer().transform(clean(raw))
    assert features["cpu"].isna().tolist()[:3] == [False, True, False]


def test_hour_that_has_not_ended_is_not_a_feature():
    features = FeatureEngineer().transform(clean(usage().iloc[:-5]))
    assert features["timestamp"].max() == START + pd.Timedelta(days=15) - pd.Timedelta(hours=2)


def test_window_and_services_are_cut():
    raw = pd.concat([usage("a"), usage("b")])
    features = FeatureEngineer(window_days=2).transform(clean(raw), ["b"])
    assert set(features["service"]) == {"b"}
    assert len(features) == 48


def test_service_that_ended_earlier_has_missing_hours_up_to_the_common_end():
    features = FeatureEngineer().transform(clean(pd.concat([usage("a"), usage("b", days=14.5)])))
    series = hourly_series(features, "b", "cpu")
    assert np.isnan(series.values[-12:]).all()
    assert series.end == hourly_series(features, "a", "cpu").end


@pytest.mark.parametrize("settings", [{"model_freq": "15min"}, {"window_days": 0}])
def test_feature_settings_are_checked(settings):
    with pytest.raises(InputError):
        FeatureEngineer(**settings)
