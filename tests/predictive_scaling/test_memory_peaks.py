"""Memory is requested for its peaks, of one pod: short ones, those of a table's maxima alone, sums over pods."""

import json

import numpy as np
import pandas as pd
import pytest
from predictive_scaling.__main__ import main
from predictive_scaling.models.features import FeatureEngineer, highest, hourly_series
from predictive_scaling.usage.per_pod import per_pod
from usage_data import STEP, clean, end_of, usage, write

GIGA = 1e9


def noisy(level, size):
    return level * (1 + 0.01 * np.random.default_rng(1).standard_normal(size))


def peaks(days=28):
    """0.9 GB, but 3.0 GB for five minutes of each hour."""
    rows = usage(days=days)
    return rows.assign(
        memory=noisy(np.where(np.arange(len(rows)) % 12 == 7, 3.0 * GIGA, 0.9 * GIGA), len(rows))
    )


def hourly(rows):
    """The same as means and maxima of the hours, as a coarser step of Prometheus gives them."""
    hours = clean(rows).groupby(["service", pd.Grouper(key="timestamp", freq="h")])
    table = hours.agg(
        cpu=("cpu", "mean"), memory=("memory", "mean"), memory_max=("memory", "max")
    ).reset_index()
    return table.assign(timestamp=table["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def requested(rows, tmp_path, *more):
    """Memory that the whole chain requests, MiB, and which source says it."""
    path = write(rows, tmp_path / "usage.csv")
    now = (pd.Timestamp(end_of(rows)) + STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
    argv = [
        "recommend",
        "--input",
        path,
        "--output",
        str(tmp_path / "out"),
        "--now",
        now,
        "--candidates",
        "blend",
    ]
    assert main([*argv, *more]) == 0
    entry = json.loads((tmp_path / "out/recommendation.json").read_bytes())["services"][0]["memory"]
    return entry["request"] / 2**20, entry["source"]


def test_five_minutes_of_each_hour_are_requested_for(tmp_path):
    request, source = requested(peaks(), tmp_path)
    assert 3.0 * GIGA / 2**20 < request < 1.2 * 3.0 * GIGA / 2**20
    assert source == "blend"


def test_peaks_that_only_the_maxima_of_hourly_rows_hold_are_requested_for(tmp_path):
    rows = hourly(peaks())
    request, source = requested(rows, tmp_path, "--freq", "1h", "--min-records", "600")
    assert request > 3.0 * GIGA / 2**20
    assert source == "blend"


def test_without_a_model_the_constant_knows_the_peaks_too(tmp_path):
    request, source = requested(peaks(8), tmp_path)
    assert source == "fallback"  # eight days are too few folds to judge a model by
    assert request > 3.0 * GIGA / 2**20


def test_six_pods_that_were_summed_are_requested_for_as_one(tmp_path):
    rows = usage(days=28).assign(replicas=6)
    summed = rows.assign(memory=noisy(6 * 900e6, len(rows)))
    request, _ = requested(summed, tmp_path, "--memory-of", "service")
    assert 900e6 / 2**20 < request < 1.15 * 900e6 / 2**20


def test_a_sum_over_pods_of_a_table_that_does_not_say_of_how_many_is_refused(tmp_path, capsys):
    path = write(usage(days=28), tmp_path / "usage.csv")
    argv = ["validate", "--input", path, "--now", end_of(usage(days=28)), "--memory-of", "service"]
    assert main(argv) == 1
    assert "no column replicas says by how much to divide" in capsys.readouterr().out


def test_memory_without_replicas_is_missing_and_what_is_no_number_is_left_to_the_checks():
    rows = pd.DataFrame({"memory": [600.0, 600.0, 600.0, 600.0], "replicas": [6, 0, np.nan, np.inf]})
    assert per_pod(rows, "service")["memory"].tolist() == pytest.approx(
        [100.0, np.nan, np.nan, np.nan], nan_ok=True
    )
    strange = pd.DataFrame({"memory": ["600", "much"], "replicas": ["6", "6"]})
    assert per_pod(strange, "service")["memory"].tolist() == [100.0, "much"]
    assert per_pod(rows, "container") is rows


def test_a_maximum_that_cannot_be_is_as_good_as_none():
    rows = pd.DataFrame({"memory": [5.0] * 5 + [np.nan], "memory_max": [9.0, 3.0, np.nan, np.inf, -1.0, 9.0]})
    assert highest(rows, "memory").tolist() == pytest.approx([9.0, 5.0, 5.0, 5.0, 5.0, np.nan], nan_ok=True)
    assert highest(rows[["memory"]], "memory").tolist() == pytest.approx([5.0] * 5 + [np.nan], nan_ok=True)


def test_models_see_the_hours_peaks_of_memory_and_the_means_of_cpu():
    features = FeatureEngineer().transform(clean(peaks(8)))
    assert hourly_series(features, "checkout", "memory").values.min() > 2.9 * GIGA
    assert hourly_series(features, "checkout", "cpu").values.max() < 3.0
