"""A service keeps its name, whatever a reader of CSV or YAML could take it for."""

import io

import pandas as pd
import pytest
import yaml
from kfp_gitops.base import yamltext
from predictive_scaling.recommend.proposal import tree
from predictive_scaling.steps import data
from predictive_scaling.store.opening import open_registry
from predictive_scaling.usage import asking
from predictive_scaling.usage.asking import Kept
from predictive_scaling.usage.fetch import GIVEN, UsageQuery
from predictive_scaling.usage.prometheus import Span
from predictive_scaling.usage.sources import usage_statistics
from predictive_scaling.usage.tables import parsed, read_csv, read_table, write_table
from predictive_scaling.usage.validation import DataValidator, ValidationRules
from usage_data import clean, end_of, usage, write

LABELS = ["null", "nan", "na", "none", "007", "1e5", "true", "inf", "0x1f", "1-1", "y"]
WORDS = ["NaN", "NA", "None", "NULL", "N/A", "<NA>", "n/a", "#N/A", "-nan"]


def usages(names):
    return pd.concat([usage(name, days=1) for name in names], ignore_index=True)


@pytest.mark.parametrize("compress", [False, True])
def test_every_name_is_read_as_it_was_written(tmp_path, compress):
    names = LABELS + WORDS
    write_table(clean(usages(names)), tmp_path / "table", compress=compress)
    assert list(read_csv(tmp_path / "table")["service"].unique()) == names
    found = read_table(tmp_path / "table", ["timestamp", "service", "cpu"], only=True)
    assert list(found["service"].unique()) == names
    assert list(usage_statistics(found)["service"]) == sorted(names)


def test_a_service_of_that_name_passes_to_the_end_of_validation(tmp_path):
    raw = pd.concat([usage(name) for name in LABELS], ignore_index=True)
    path = write(raw, tmp_path / "usage")
    loaded = data.load_usage(str(tmp_path / "data"), path, ["timestamp", "service", "cpu", "memory"])
    assert loaded.services == sorted(LABELS)
    result = DataValidator(ValidationRules(), pd.Timestamp(end_of(raw)).to_pydatetime()).validate(
        read_csv(path)
    )
    assert result.passing == sorted(LABELS)


def test_a_number_may_be_missing_by_a_word_and_a_name_only_by_being_empty():
    text = "timestamp,service,cpu,memory\n2026-01-01,null,null,NaN\n2026-01-01,,1,n/a\n"
    found = parsed(io.BytesIO(text.encode()), ["timestamp", "service", "cpu", "memory"])
    assert found["service"].fillna("(none)").tolist() == ["null", "(none)"]
    assert found["cpu"].isna().tolist() == [True, False]
    assert found["memory"].isna().all()


def test_a_name_is_kept_in_the_chunks_of_a_fetch(tmp_path, monkeypatch):
    table = usages(LABELS)[["timestamp", "service", "cpu", "memory"]]
    table = table.assign(kind="Deployment", container="null")
    monkeypatch.setattr(asking.Asking, "table", lambda *_: table)
    columns = tuple(UsageQuery("a", "b").columns(GIVEN))
    kept = Kept(open_registry(str(tmp_path)), "run-1")
    for _ in range(2):  # asked for, then kept
        found = asking.chunk(asking.Asking(None, columns, print), Span(0, 300, 300), kept)
        assert found["service"].tolist() == table["service"].tolist()
        assert set(found["container"]) == {"null"}


@pytest.mark.parametrize("name", [*LABELS, "on", "no", "12e3", "checkout", "a-1"])
def test_a_patch_names_its_service(name, tmp_path):
    blocks = {"cpu": {"blocks": [{"min_replicas": 3}]}, "memory": {"request": 2**20}}
    files = tree({"services": [{"service": name, **blocks}]})
    for path in (f"{name}/hpa.yaml", f"{name}/memory.yaml"):
        assert yamltext.parse(files[path], path).value["metadata"]["name"] == name
        assert yaml.safe_load(files[path])["metadata"]["name"] == name
    assert ('"' in files[f"{name}/hpa.yaml"]) == (name not in ("nan", "na", "none", "inf", "checkout", "a-1"))
