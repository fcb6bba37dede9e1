import base64
import re

import pandas as pd
from predictive_scaling import report as reports
from predictive_scaling.evaluation import Gates, ModelValidator
from predictive_scaling.features import FeatureEngineer
from predictive_scaling.report import ReportData, html_report
from predictive_scaling.training import ModelTrainer, TrainingOptions
from predictive_scaling.training_tables import cv_table, forecast_table, jobs_from
from usage_data import clean, usage

OPTIONS = TrainingOptions(candidates=("profile_level", "snaive_1d"))


def data(accuracy_threshold=0.7, name="checkout"):
    features = FeatureEngineer().transform(clean(pd.concat([usage(), usage("late", days=4)])))
    results = ModelTrainer().train(jobs_from(features, "cpu", "", OPTIONS))
    cv, forecast = cv_table(results), forecast_table(results, 24)
    renamed = [table.replace({"service": {"checkout": name}}) for table in (cv, forecast, features)]
    gates = Gates(accuracy_threshold)
    evaluated = ModelValidator(gates).evaluate(*renamed, ["cpu"])
    return ReportData(evaluated, gates, 24, *renamed)


def test_report_shows_scores_baseline_charts_and_reasons():
    page = html_report(data())
    assert "<td>checkout</td><td>cpu</td><td>model</td>" in page
    assert "snaive_1d" in page
    assert "1h means over a horizon of 24 h" in page
    assert "late cpu: no model could be trained" in page
    assert len(page.encode()) <= reports.MAX_BYTES
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_report_loads_nothing_and_escapes_names():
    page = html_report(data(name='<img src="http://x">'))
    assert "<script" not in page
    assert '<img src="http://x">' not in page
    assert "&lt;img src=&quot;http://x&quot;&gt;" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def test_charts_that_do_not_fit_are_left_out_and_counted(monkeypatch):
    monkeypatch.setattr(reports, "MAX_BYTES", 6000)
    page = html_report(data())
    assert "1 more charts are left out" in page
    assert len(page.encode()) <= 6000


def test_same_data_gives_the_same_page():
    assert html_report(data()) == html_report(data())
