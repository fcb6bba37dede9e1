import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.errors import InputError
from predictive_scaling.report.markdown import validation_markdown
from predictive_scaling.usage.validation import DataValidator, ValidationRules
from profiles import examples
from usage_data import START, end_of, usage


def judge(raw, now=None, **rules):
    # The newest sample of the untouched data stands in for now.
    return DataValidator(ValidationRules(**rules), parse_instant(now or end_of(usage()))).validate(raw)


def reasons(raw, **rules):
    found = judge(raw, **rules).services
    return " | ".join(reason for each in found for reason in each.reasons)


def warnings(raw, **rules):
    found = judge(raw, **rules).services
    return " | ".join(f.text for each in found for f in each.findings if f.severity == "warn")


def test_good_data_passes_with_full_quality():
    result = judge(usage())
    assert (result.passed, result.passing, result.quality_score) == (True, ["checkout"], 1.0)
    assert result.reason == "all 1 services pass"
    assert len(result.clean) == len(usage())


def drop_days(first, last):
    raw = usage()
    at = pd.to_datetime(raw["timestamp"])
    return raw[(at < START + pd.Timedelta(days=first)) | (at >= START + pd.Timedelta(days=last))]


def with_column(name, value, share):
    raw = usage()
    return raw.assign(
        **{name: raw[name].astype(object).mask(np.arange(len(raw)) % round(1 / share) == 0, value)}
    )


def conflicting():
    raw = usage()
    return pd.concat([raw, raw.head(1).assign(cpu=99.0)])


def naive():
    raw = usage()
    return raw.assign(timestamp=raw["timestamp"].str.rstrip("Z"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(usage(days=2), "576 records, at least 1000", id="few-records"),
        pytest.param(usage().tail(288 * 6), "6 days of history, at least 7", id="short-history"),
        pytest.param(usage().iloc[::2], "quality 0.5 < 0.95", id="every-second-sample-lost"),
        pytest.param(drop_days(12, 13.5), "gap of 36.1 h", id="recent-gap"),
        pytest.param(naive(), "4320 timestamps without time zone", id="naive"),
        pytest.param(
            with_column("timestamp", "yesterday", 0.01), "that cannot be read", id="unreadable-instants"
        ),
        pytest.param(
            with_column("timestamp", "1970-01-19T00:00:00Z", 0.01), "outside 2000", id="wrong-epoch"
        ),
        pytest.param(pd.concat([usage(), usage().head(100)]), "100 duplicate rows (2.3%)", id="duplicates"),
        pytest.param(conflicting(), "1 timestamps with conflicting values", id="conflict"),
        pytest.param(
            usage().assign(timestamp="1767571200"), "epoch numbers, of unknown scale", id="epoch-numbers"
        ),
        pytest.param(usage("Not_DNS"), "not a DNS-1123 label", id="service-name"),
    ],
)
def test_bad_service_is_turned_away_with_the_reason(raw, reason):
    result = judge(raw)
    assert not result.passed
    assert reason in reasons(raw)
    assert reason in result.reason


@pytest.mark.parametrize(
    ("raw", "warning"),
    [
        pytest.param(
            with_column("cpu", -1.0, 0.01), "cpu negative values counted as missing", id="few-negative"
        ),
        pytest.param(
            with_column("cpu", float("inf"), 0.01),
            "cpu infinite values counted as missing",
            id="few-infinite",
        ),
        pytest.param(
            with_column("cpu", "n/a", 0.01),
            "cpu values that are not numbers counted",
            id="few-without-number",
        ),
        pytest.param(pd.concat([usage(), usage().head(3)]), "3 duplicate rows dropped", id="few-duplicates"),
        pytest.param(usage(cpu=1.0), "cpu does not change for 360 h", id="flat"),
        pytest.param(usage().assign(cpu_limit=2.7), "cpu values above the limit", id="above-limit"),
    ],
)
def test_small_defects_are_repaired_and_told(raw, warning):
    result = judge(raw, quality_threshold=0.9)
    assert result.passed
    assert warning in warnings(raw, quality_threshold=0.9)
    assert not (result.clean["cpu"].dropna() < 0).any()
    assert np.isfinite(result.clean["cpu"].dropna()).all()


def test_old_gap_only_warns():
    raw = drop_days(2, 3.5)
    assert judge(raw, quality_threshold=0.85).passed
    assert "gap of 36.1 h from 2026-01-06T23:55Z" in warnings(raw, quality_threshold=0.85)


def test_zero_memory_refuses_the_metric_and_not_the_service():
    raw = with_column("memory", 0.0, 0.1)
    result = judge(raw)
    assert result.passed
    assert result.clean["memory"].isna().all()
    assert result.clean["cpu"].notna().all()
    assert "memory: memory is 0 in 10.0% of rows" in reasons(raw)
    assert result.services[0].passing == ["cpu"]


@pytest.mark.parametrize("value", [-1.0, "n/a", float("nan")])
def test_metric_that_fails_does_not_take_the_other_with_it(value):
    result = judge(with_column("cpu", value, 0.1))
    assert result.passed
    assert result.services[0].passing == ["memory"]
    assert result.services[0].reasons == ("cpu: quality 0.9 < 0.95",)
    assert result.services[0].qualities == {"cpu": pytest.approx(0.9), "memory": 1.0}
    assert result.quality_score == pytest.approx(0.9)
    assert result.reason == "0 of 1 services fail, 1 in one metric: checkout: cpu: quality 0.9 < 0.95"


def test_less_than_two_weeks_pass_without_weekly_terms():
    raw = usage().tail(288 * 10)
    assert judge(raw).passed
    assert "10 days of history: weekly terms are left out" in warnings(raw)


def test_stale_is_two_steps_and_an_hour_unless_said_otherwise():
    assert ValidationRules().stale_hours == pytest.approx(70 / 60)
    assert ValidationRules(freq="15min").stale_hours == pytest.approx(1.5)
    assert ValidationRules(max_stale_hours=5).stale_hours == 5


def test_too_many_services_fail_the_data():
    raw = pd.concat([usage("a"), usage("b")])
    assert "2 services, at most 1" in judge(raw, max_services=1).reason


def test_no_instant_after_the_clock_can_be_true():
    raw = usage().assign(timestamp=usage()["timestamp"].str.replace("2026", "2126"))
    assert "an epoch of wrong scale?" in reasons(raw)


def test_changed_limit_is_marked_with_its_instant():
    raw = usage()
    raw = raw.assign(cpu_limit=np.where(raw["timestamp"] < "2026-01-10T00:00:00Z", 4.0, 8.0))
    (found,) = judge(raw).services[0].findings
    assert (found.check, found.metric, found.at) == ("capacity", "cpu", "2026-01-10T00:00:00Z")


def test_unordered_rows_are_sorted_and_told():
    raw = usage()
    shuffled = pd.concat([raw.iloc[100:], raw.iloc[:100]])
    pd.testing.assert_frame_equal(judge(shuffled).clean, judge(raw).clean)
    assert "1 rows before their predecessor" in warnings(shuffled)


def test_stale_data_fails_or_warns_as_asked():
    later = "2026-02-01T00:00:00Z"
    assert not judge(usage(), now=later).passed
    relaxed = judge(usage(), now=later, stale_action="warn")
    assert relaxed.passed
    assert "newest sample is 288 h old" in relaxed.services[0].findings[0].text


def test_rows_after_now_are_dropped_so_that_backtests_see_no_future():
    now = START + pd.Timedelta(days=14)
    result = judge(usage(), now=now.isoformat(), min_days=13)
    assert result.clean["timestamp"].max() <= now + pd.Timedelta(minutes=5)
    assert result.passed


def test_failing_service_stays_in_the_clean_rows_for_its_fallback():
    raw = pd.concat([usage("good"), usage("short").tail(300)])
    result = judge(raw)
    assert result.passed
    assert result.passing == ["good"]
    assert set(result.clean["service"]) == {"good", "short"}
    assert not judge(raw, max_failed_share=0.4).passed


def test_worst_service_gives_the_score():
    raw = pd.concat([usage("good"), usage("holes").iloc[::2]])
    assert judge(raw).quality_score == pytest.approx(0.5, abs=0.01)


def test_rows_off_the_grid_are_floored_to_their_slot():
    raw = usage()
    shifted = (pd.to_datetime(raw["timestamp"]) + pd.Timedelta(seconds=17)).dt.strftime(
        "%Y-%m-%dT%H:%M:%S+00:00"
    )
    result = judge(raw.assign(timestamp=shifted), now="2026-01-20T00:00:00Z")
    assert result.passed
    assert result.quality_score == 1.0


@pytest.mark.parametrize("raw", [usage().drop(columns="memory"), pd.DataFrame(), usage().head(0)])
def test_table_that_cannot_be_judged_is_a_result_and_no_error(raw):
    result = judge(raw)
    assert not result.passed
    assert result.clean.empty
    assert "missing columns" in result.reason or result.reason == "usage data: no rows"


def test_validation_does_not_change_its_input():
    raw = with_column("cpu", -1.0, 0.1)
    before = raw.copy()
    judge(raw)
    pd.testing.assert_frame_equal(raw, before)


cells = st.one_of(
    st.none(), st.text(max_size=8), st.floats(), st.sampled_from(["2026-01-05T00:00:00Z", "-1"])
)


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(cells, st.sampled_from(["a", "B", "", None]), cells, cells), max_size=12))
def test_no_rubbish_raises(rows):
    raw = pd.DataFrame(rows, columns=["timestamp", "service", "cpu", "memory"])
    typed = raw.assign(
        timestamp=raw["timestamp"].map(lambda cell: None if cell is None else str(cell)).astype("str")
    )
    assert not judge(typed.assign(service=typed["service"].astype("str"))).passed


def test_report_escapes_what_the_data_calls_itself():
    text = validation_markdown(judge(usage("<script>alert(1)</script>|*x*")))
    assert "<script>" not in text
    assert r"\|\*x\*" in text


def test_report_says_which_metric_a_finding_is_about():
    text = validation_markdown(judge(usage(), now="2030-01-01T00:00:00Z"))
    assert "fail: cpu: newest sample is" in text
    assert "fail: memory: newest sample is" in text


@pytest.mark.parametrize(
    "rules",
    [{"freq": "soon"}, {"freq": "-5min"}, {"stale_action": "shrug"}, {"quality_threshold": 1.5}],
)
def test_rules_are_checked(rules):
    with pytest.raises(InputError):
        ValidationRules(**rules)
