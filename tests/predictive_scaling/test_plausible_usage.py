"""Numbers that can be no cores or bytes are turned away with the evidence; what is odd but true passes."""

import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.__main__ import main
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.report.markdown import validation_markdown
from predictive_scaling.usage.sources import load_usage
from predictive_scaling.usage.validation import DataValidator, ValidationRules
from profiles import examples
from project import HERE
from usage_data import START, end_of, usage, write

MIB, GIB = 2.0**20, 2.0**30
CHECKS = {"units", "counter", "sum", "step"}


@functools.cache
def real():
    """Two real servers as if of four cores and two GiB each."""
    raw = load_usage("sample:smd_servers_5min")
    raw = raw[raw["service"].isin(["smd-1-6", "smd-3-3"])].reset_index(drop=True)
    return raw.assign(cpu=0.02 + raw["cpu"] * 4, memory=64 * MIB + raw["memory"] * 2 * GIB)


def judge(raw, now=None, **rules):
    newest = now or str(raw["timestamp"].max())
    return DataValidator(ValidationRules(**rules), parse_instant(newest)).validate(raw)


def told(result):
    """Texts of the checks of this page."""
    return [found.text for each in result.services for found in each.findings if found.check in CHECKS]


def scaled(cpu=1.0, memory=1.0, digits=None):
    def change(raw):
        found = raw.assign(cpu=raw["cpu"] * cpu, memory=raw["memory"] * memory)
        return found if digits is None else found.assign(cpu=found["cpu"].round(digits))

    return change


def counter(raw):
    """Seconds of cpu so far, with a restart."""
    total = raw.groupby("service")["cpu"].cumsum() * 300
    return raw.assign(
        cpu=total
        - total.where(raw["timestamp"] >= "2024-01-20", 0.0)
        .groupby(raw["service"])
        .transform(lambda each: each[each > 0].min() if (each > 0).any() else 0.0)
        * (raw["timestamp"] >= "2024-01-20")
    )


WRONG = {
    "millicores and MiB": (scaled(1000, 1 / MIB), "MiB"),
    "percent and GiB": (scaled(100, 1 / GIB), "GiB"),
    "cores and GiB": (scaled(1, 1 / GIB), "GiB"),
    "cores and percent of memory": (scaled(1, 100 / (2 * GIB)), "percent"),
    "cores and MiB": (scaled(1, 1 / MIB), "memory is at most 2"),
    "millicores": (scaled(1000), "millicores"),
    "millicores as whole numbers": (scaled(300, 40, digits=0), "whole numbers"),
    "nanocores": (scaled(1e9), "nanocores"),
    "percent of a core": (scaled(100), "percent of one core"),
    "a raw counter": (counter, "a raw counter? Take its rate"),
}


@pytest.mark.parametrize("unit", WRONG)
def test_wrong_unit_fails_every_service_with_the_evidence(unit):
    change, text = WRONG[unit]
    result = judge(change(real()))
    assert not result.passed
    assert any(text in each for each in told(result)), told(result)
    assert all(not each.passing for each in result.services)


@pytest.mark.parametrize("unit", WRONG)
def test_what_is_odd_but_true_passes_when_people_say_so(unit):
    result = judge(WRONG[unit][0](real()), implausible="warn")
    assert result.passed
    assert told(result)


def test_real_data_in_cores_and_bytes_has_no_finding():
    assert told(judge(real())) == []


@pytest.mark.parametrize(
    "data",
    [
        "sample:smd_servers_5min",
        str(HERE / "data/usage/cloud_cells_5min.csv.gz"),
        str(HERE / "data/usage/borg2019_tasks_5min_raw.csv.gz"),
    ],
)
def test_shipped_data_raises_no_alarm(data):
    assert told(judge(load_usage(data))) == []


def test_shares_are_told_in_the_report():
    result = judge(load_usage("sample:smd_servers_5min"))
    assert result.shares
    assert "shares of something, neither cores nor bytes" in validation_markdown(result)
    assert not judge(real()).shares


def noisy(seed, level, spread=0.05):
    random = np.random.default_rng(seed)
    phase = np.arange(4320) % 288 / 288 * 2 * np.pi
    return level * (1 + 0.4 * np.sin(phase)) * random.lognormal(0, spread, 4320)


ODD = {
    "idle at night": usage().assign(cpu=np.maximum(0, noisy(1, 1) - 0.9)),
    "nearly no cpu": usage().assign(cpu=noisy(2, 1e-4)),
    "constant": usage(cpu=0.5),
    "a shell that sleeps": usage(cpu=1e-5, memory=180 * 2**10),
    "a shell that burns two cores": usage(memory=700 * 2**10).assign(cpu=noisy(3, 2)),
    "three hundred cores in one service": usage(memory=20 * GIB).assign(cpu=noisy(4, 300)),
    "three hundred cores in six hundred pods": usage(memory=400 * MIB).assign(
        cpu=noisy(5, 300), replicas=600
    ),
    "a memory leak": usage().assign(memory=100 * MIB + np.arange(4320) * 50_000.0),
    "load that doubles with a campaign": usage().assign(
        cpu=noisy(6, 1) * np.where(np.arange(4320) > 2000, 2, 1)
    ),
    "a batch job": usage().assign(cpu=np.where(np.arange(4320) % 288 < 12, 8.0, 0.01)),
    "steady growth": usage().assign(cpu=np.linspace(1, 3, 4320)),
    "a whole number of cores": usage(cpu=4.0),
    "limits that are kept": usage().assign(memory_limit=128 * MIB),
    "twice the replicas by memory alone": usage().assign(memory=np.where(np.arange(4320) > 2000, 2e8, 1e8)),
}


@pytest.mark.parametrize("service", ODD)
def test_odd_service_that_is_true_raises_no_alarm(service):
    assert told(judge(ODD[service])) == []


@settings(max_examples=examples(40), deadline=None)
@given(
    cores=st.floats(-3, 0.9).map(lambda power: 10**power),
    memory=st.floats(7.3, 10.5).map(lambda power: 10**power),
    pods=st.integers(1, 400),
    spread=st.floats(0.001, 0.8),
    seed=st.integers(0, 2**16),
)
def test_no_true_service_raises_an_alarm(cores, memory, pods, spread, seed):
    random = np.random.default_rng(seed)
    raw = usage().assign(
        cpu=noisy(seed, cores * pods, spread),
        memory=memory * random.lognormal(0, spread / 4, 4320),
        replicas=pods,
    )
    assert told(judge(raw)) == []


def test_sum_over_six_pods_is_told_by_the_limit():
    raw = usage(memory=6 * 900e6).assign(memory_limit=1e9)
    (text,) = told(judge(raw))
    assert "above its own limit in 100% of rows, 5.4 times it" in text
    assert "sum over pods" in text


PODS = np.where(np.arange(4320) % 288 < 96, 6, 3)


def test_sum_over_pods_is_told_by_their_number():
    raw = usage().assign(cpu=noisy(20, 3), memory=9e8 * PODS, replicas=PODS)
    result = judge(raw)
    (text,) = told(result)
    assert "2.0 times as high with 2.0 times as many pods" in text
    assert "memory_of: service" in text
    assert result.services[0].passing == ["cpu"]


def test_memory_of_one_pod_does_not_know_their_number():
    random = np.random.default_rng(22)
    raw = usage().assign(cpu=noisy(20, 3), memory=9e8 * random.lognormal(0, 0.1, 4320), replicas=PODS)
    assert told(judge(raw)) == []


def test_second_scrape_job_is_told_with_its_instant():
    raw = usage().assign(cpu=noisy(7, 1, 0.01), memory=1e8)
    late = raw["timestamp"] >= "2026-01-12T10:00:00Z"
    twice = raw.assign(cpu=raw["cpu"] * np.where(late, 2, 1), memory=raw["memory"] * np.where(late, 2, 1))
    (text,) = told(judge(twice))
    assert "become twice at 2026-01-12T10:00Z" in text


def test_half_of_the_services_speak_for_the_table():
    small = usage("idle").assign(cpu=noisy(9, 4))
    busy = [usage(name).assign(cpu=noisy(seed, 900)) for seed, name in enumerate(("a", "b"))]
    result = judge(pd.concat([*busy, small]))
    assert result.passing == []
    assert any("2 of 3 services of this table" in text for text in told(result))


def test_small_service_in_gib_is_no_share_beside_larger_ones():
    small = usage("small", memory=0.4).assign(cpu=noisy(9, 0.2))
    large = usage("large", memory=3.0).assign(cpu=noisy(10, 0.5))
    result = judge(pd.concat([small, large, usage("third", memory=0.2).assign(cpu=noisy(11, 0.3))]))
    assert result.passing == []


def hourly(days=21):
    stamps = pd.date_range(START, periods=days * 24, freq="1h").strftime("%Y-%m-%dT%H:%M:%SZ")
    return pd.DataFrame(
        {"timestamp": stamps, "service": "checkout", "cpu": noisy(1, 1)[: days * 24], "memory": 1e8}
    )


def test_hourly_rows_are_judged_by_the_hour_and_told():
    result = judge(hourly())
    assert result.passed
    assert result.quality_score == 1.0
    assert told(result) == ["one row every 1h: judged by that step"]


def test_step_that_was_asked_for_is_compared_with_what_came():
    (service,) = judge(hourly(), freq="5min").services
    assert any(
        "quality 0.0835 < 0.95: rows are 1h apart, 5min were expected; say --freq 1h" in each
        for each in service.reasons
    )


def test_every_second_sample_lost_is_no_step_of_ten_minutes():
    (service,) = judge(usage().iloc[::2]).services
    assert "rows are 10min apart, 5min were expected" in service.reasons[0]


def test_finest_service_gives_the_step():
    result = judge(pd.concat([hourly(15), usage("fine")]), now=end_of(usage()))
    assert result.passing == ["fine"]


@pytest.mark.parametrize("zone", ["Z", "+00", "+0000", "+00:00", "-05:30", "+01"])
def test_zones_in_every_spelling_are_accepted(zone):
    raw = usage()
    spelt = raw.assign(timestamp=raw["timestamp"].str.replace("Z", zone).str.replace("T", " "))
    result = judge(spelt, now="2026-01-20T06:00:00Z", stale_action="warn")
    assert result.passed, result.reason


@pytest.mark.parametrize("text", ["2026-01-14", "2026-01-14T00:00:00", "2026-01-14T00:00-xx"])
def test_what_has_no_zone_is_still_refused(text):
    assert not judge(usage().assign(timestamp=text), now="2026-01-20T00:00:00Z").passed


def test_command_says_what_to_do(tmp_path, capsys):
    path = write(scaled(1000, 1 / MIB)(real()), tmp_path / "usage.csv")
    assert main(["validate", "--input", path, "--now", "2024-02-02T22:10:00Z"]) == 1
    assert "--map" in capsys.readouterr().out
    code = main(["validate", "--input", path, "--now", "2024-02-02T22:10:00Z", "--implausible", "warn"])
    assert code == 0
