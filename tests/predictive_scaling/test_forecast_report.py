"""The page of the judgement as text; test_report_in_browser has it as Chromium shows it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape
from predictive_scaling.recommend.capacity import CURRENT, FORECAST, HIGHER, VPA_LIKE, plan_costs
from predictive_scaling.report import page as reports
from predictive_scaling.report.tables import Compared, ModelRow, model_rows
from report_kit import HOSTILE, data, html_report
from usage_data import START


def test_report_shows_scores_baseline_folds_charts_costs_and_reasons():
    shown = data()
    page = html_report(shown)
    assert '<th scope="row">checkout</th><td>cpu</td><td>model</td>' in page
    assert "snaive_1d" in page
    assert "1h\nmeans of cpu and peaks of memory over a horizon of 24 h" in page
    assert "late cpu: no model could be trained" in page
    assert "<td>current requests</td>" in page
    assert len(re.findall("<svg", page)) == 2
    assert len(re.findall('style="--part:', page)) == shown.results[0].scores.scored_folds
    assert len(page.encode()) <= reports.MAX_BYTES


def test_report_compares_the_candidates_on_the_same_folds():
    part = html_report(data()).split("<h2>Models compared</h2>")[1].split("<h2>")[0]
    rows = re.findall('<td>cpu</td><td>(.+?)</td><td class="n">1</td><td class="n">([0-9.]+) %</td>', part)
    assert {kind for kind, _ in rows} == {"profile_level", "snaive_1d"}
    assert float(rows[0][1]) >= float(rows[1][1])


def test_models_are_compared_by_metric_the_most_accurate_first():
    found = [
        Compared("cpu", "blend", {"blend": 0.8, "prophet": 0.9}),
        Compared("cpu", "blend", {"blend": 0.8}),
        Compared("memory", "last", {"last": 0.5}),
    ]
    assert model_rows(found) == [
        ModelRow("cpu", "prophet", 1, 0.9, 1, 0),
        ModelRow("cpu", "blend", 2, 0.8, 1, 2),
        ModelRow("memory", "last", 1, 0.5, 1, 1),
    ]


def test_one_candidate_alone_is_compared_with_nothing():
    shown = data()
    alone = shown.cv[shown.cv["model"] != "profile_level"]
    assert "Models compared" not in html_report(replace(shown, cv=alone))


def test_what_validation_refused_is_listed_and_escaped():
    refused = {("late", "cpu"): "4 days of history < 14", (HOSTILE, "memory"): "quality <0.5>"}
    page = html_report(replace(data(), refused=refused))
    assert "<li>late cpu: data: 4 days of history &lt; 14</li>" in page
    assert f"<li>{escape(HOSTILE)} memory: data: quality &lt;0.5&gt;</li>" in page


def test_report_loads_nothing_and_escapes_names():
    page = html_report(data(name=HOSTILE))
    assert "<script" not in page
    assert HOSTILE not in page
    assert escape(HOSTILE) in page
    assert not re.search(r'(?:src|href)="(?!#)', page.replace(escape(HOSTILE), ""))
    assert "url(http" not in page


def _hostile(each):
    scores = each.scores and replace(each.scores, baseline=HOSTILE)
    return replace(each, champion=each.champion and HOSTILE, scores=scores, reason=each.reason and HOSTILE)


def test_page_without_the_drawings_is_as_reviewed_and_every_text_in_it_is_escaped(golden, monkeypatch):
    monkeypatch.setattr(reports, "MAX_ROWS", 3)
    shown = data(name=HOSTILE)
    refused = {(f"{HOSTILE}{at}", HOSTILE): HOSTILE for at in range(5)}
    page = html_report(replace(shown, results=[*map(_hostile, shown.results)], refused=refused))
    assert "<img" not in page
    golden(
        "report/page.html",
        re.sub(r'(<svg role="img" aria-label="[^"]*").*?</svg>', r"\1/>", page, flags=re.DOTALL),
    )


def test_charts_have_no_colour_of_their_own():
    page = html_report(data())
    charts = page[page.index("<figure") :]
    assert "var(--model)" in charts
    assert set(re.findall(r"#[0-9a-f]{6}", charts)) == set()


def test_charts_that_do_not_fit_are_left_out_and_counted(monkeypatch):
    whole = len(html_report(data()).encode())
    monkeypatch.setattr(reports, "MAX_BYTES", whole - 1000)
    page = html_report(data())
    assert "1 more charts are left out" in page
    assert len(page.encode()) <= whole - 1000


def test_same_data_gives_the_same_page():
    assert html_report(data()) == html_report(data())


def fold(hours, y, p95):
    stamps = START + pd.to_timedelta(np.arange(hours), unit="h") + pd.Timedelta(days=10)
    bounds = {"p50": np.zeros(hours), "p90": p95, "p95": p95}
    return pd.DataFrame({"fold": 0, "timestamp": stamps, "y": y, **bounds})


def history(value, request=None):
    stamps = START + pd.to_timedelta(np.arange(240), unit="h")
    frame = pd.DataFrame({"timestamp": stamps, "service": "a", "cpu": value, "memory": value})
    return frame if request is None else frame.assign(cpu_request=request)


def test_cost_and_risk_of_plans_by_hand():
    course = fold(4, [1.0, 1.0, 2.0, 4.0], [1.0, 1.0, 2.0, 2.0])
    found = {each.plan: each for each in plan_costs("a", "cpu", course, history(2.0, request=3.0))}
    # The constant, 2.3, covers all: less than it is enough for 2.0, and the quiet hours are raised until the plan costs
    # 0.87 of it.
    assert found[FORECAST].cost == pytest.approx(0.87 * 2.3 * 4 / 8)
    assert found[FORECAST].hours_over == 0.25
    assert found[HIGHER].cost == pytest.approx(1.15 * 2 * 4 / 8)
    assert found[VPA_LIKE].cost == pytest.approx(1.15 * 2 * 4 / 8)
    assert found[VPA_LIKE].hours_over == 0.25
    assert found[CURRENT].cost == pytest.approx(3 * 4 / 8)


def test_memory_is_planned_by_the_highest_of_the_day_and_the_last_maxima():
    course = fold(4, [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 2.0])
    lower = course.assign(p90=1.0)
    for known, cost in ((course, 2.0), (lower, 1.0)):
        found = {each.plan: each for each in plan_costs("a", "memory", known, history(1.0))}
        assert found[FORECAST].cost == pytest.approx(cost * 1.05)
    assert CURRENT not in found


def test_plans_see_nothing_of_their_own_fold():
    course = fold(4, 1.0, 1.0)
    later = history(1.0).assign(
        timestamp=course["timestamp"].min() + pd.to_timedelta(np.arange(240), unit="h"), cpu=99.0
    )
    known = pd.concat([history(1.0), later])
    found = {each.plan: each.cost for each in plan_costs("a", "cpu", course, known)}
    assert found[VPA_LIKE] == pytest.approx(1.15)
