"""From training to the daily forecast by way of a bucket on a real server, whose objects others may have touched."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from predictive_scaling import steps
from predictive_scaling.recommend.run_archive import run_folder
from predictive_scaling.store.opening import open_registry
from servers.swift_server import BUCKET, s3_client
from test_reforecast import run

WEEK = 21


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder that a training has published to."""
    folder = tmp_path_factory.mktemp("release")
    run(folder / "trained", str(folder / "registry"), WEEK)
    return folder / "registry"


@pytest.fixture
def trained(swift, tmp_path, release):
    """A registry in the bucket with that release, and its pointer."""
    registry = f"s3://{BUCKET}/{tmp_path.name.replace('[', '-').replace(']', '')}"
    store = open_registry(registry)
    for path in (path for path in release.rglob("*") if path.is_file()):
        store.put_file(path.relative_to(release).as_posix(), path)
    return registry, json.loads(store.get("current.json"))


def overwrite(server, registry, key, change):
    """As someone with another tool would: the object's metadata goes with its content."""
    client, name = s3_client(server), f"{registry.removeprefix(f's3://{BUCKET}/')}/{key}"
    data = client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    client.put_object(Bucket=BUCKET, Key=name, Body=change(data))


def sources(document):
    return {each["service"]: each["cpu"]["source"] for each in document["services"]}


def forecast(tmp_path, registry):
    run(tmp_path / "daily", registry, WEEK + 1, train=False)
    return json.loads((tmp_path / "daily/r").read_text())


def test_models_that_were_published_serve_the_next_day(trained, tmp_path):
    registry, _ = trained
    assert sources(forecast(tmp_path, registry)) == {"checkout": "blend", "search": "blend"}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"blend"', b'"last" ', 1),
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b'"lower":', b'"lower":NaN,"x":', 1),
        lambda data: data.replace(b"predictive-scaling-model/v", b"predictive-scaling-model/w", 1),
        lambda data: data + b" " * 2_000_000,
        lambda data: b"",
    ],
    ids=["tampered", "truncated", "NaN", "foreign version", "oversized", "empty"],
)
def test_model_that_was_touched_is_refused_and_its_neighbour_serves(trained, tmp_path, swift, change):
    registry, pointer = trained
    overwrite(swift, registry, pointer["models"]["checkout"]["cpu"], change)
    document = forecast(tmp_path, registry)
    assert sources(document)["search"] == "blend"
    assert sources(document)["checkout"] != "blend"
    (entry,) = (each["cpu"] for each in document["services"] if each["service"] == "checkout")
    assert "model" in entry["reason"]


def test_run_is_archived_with_its_source_and_predictions(trained):
    registry, pointer = trained
    store = open_registry(registry)
    metadata = json.loads(store.get(f"{run_folder(pointer)}/metadata.json"))
    listed = {each.key: each.size for each in store.objects_under("runs")}
    assert {"source.csv.gz", "predictions-0.csv", "predictions-1.csv"} == set(metadata["files"])
    assert all(listed[each["key"]] == each["bytes"] for each in metadata["files"].values())


def test_old_runs_and_models_are_swept_from_the_bucket(trained, tmp_path):
    registry, pointer = trained
    run(tmp_path / "again", registry, WEEK + 7)
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    ending = steps.Ending("SUCCEEDED", keep_runs=1, keep_days=0)
    found = steps.cleanup(str(tmp_path / "summary"), ending, registry, "run-1", later)
    assert found["errors"] == []
    assert found["swept"]["runs"] == 1
    left = {each.key for each in open_registry(registry).objects_under("models")}
    now = json.loads(open_registry(registry).get("current.json"))["models"]
    assert left == {key for models in now.values() for key in models.values()}
    assert pointer["models"]["checkout"]["cpu"] not in left
