"""What the exit task keeps of runs: the newest, what they refer to, and what is in force."""

import json

from exit_kit import SUCCEEDED, end, released
from predictive_scaling import steps
from predictive_scaling.recommend.run_archive import archive_run, run_folder
from predictive_scaling.store.opening import open_registry


def aged(registry, *keys):
    """Make objects two days older than the instant that tests call now."""
    import os
    from datetime import UTC, datetime
    from pathlib import Path

    then = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    for path in Path(registry).rglob("*"):
        if path.is_file() and (not keys or path.relative_to(registry).as_posix() in keys):
            os.utime(path, (then, then))


def archived(registry, tmp_path, day):
    (tmp_path / "clean").write_bytes(b"rows")
    pointer = released(registry, f"run-{day}", f"2026-11-{day:02}T04:00:00Z")
    archive_run(open_registry(registry), pointer, {"source.csv.gz": tmp_path / "clean"})
    return pointer


def test_newest_runs_are_kept_with_what_they_refer_to(tmp_path, registry):
    pointers = [archived(registry, tmp_path, day) for day in (1, 8, 15, 22)]
    aged(registry)
    found = end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=2, keep_days=0), registry)
    assert found["swept"] == {"runs": 2, "objects": 4}
    keys = {
        each.key
        for folder in ("runs", "models", "recommendations")
        for each in open_registry(registry).objects_under(folder)
    }
    for pointer in pointers[2:]:
        folder = run_folder(pointer)
        kept = {pointer["recommendation"], pointer["models"]["checkout"]["cpu"]}
        assert kept | {f"{folder}/metadata.json", f"{folder}/source.csv.gz"} <= keys
    assert len(keys) == 8


def test_release_in_force_is_kept_even_when_its_run_is_old(tmp_path, registry):
    first = archived(registry, tmp_path, 1)
    pointer = open_registry(registry).get("current.json")
    for day in (8, 15):
        archived(registry, tmp_path, day)
    open_registry(registry).put("current.json", pointer)
    aged(registry)
    end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=1, keep_days=0), registry)
    assert open_registry(registry).get(first["models"]["checkout"]["cpu"]) == b'{"run":"run-1"}'


def test_what_is_being_published_now_is_not_swept(tmp_path, registry):
    store = open_registry(registry)
    store.put("models/checkout/cpu/new.json", b"{}")
    store.put("models/checkout/cpu/old.json", b"{}")
    aged(registry, "models/checkout/cpu/old.json")
    new = store.objects_under("models")[0].modified.isoformat()
    assert end(tmp_path, SUCCEEDED, registry, now=new)["swept"] == {"runs": 0, "objects": 1}
    assert store.get("models/checkout/cpu/new.json") == b"{}"


def test_pointer_that_cannot_be_read_deletes_nothing(tmp_path, registry):
    archived(registry, tmp_path, 1)
    store = open_registry(registry)
    store.put("current.json", b'{"models": {}}')
    aged(registry)
    before = store.objects_under("models")
    assert "nothing is deleted" in end(tmp_path, SUCCEEDED, registry)["errors"][0]
    assert store.objects_under("models") == before


def test_no_run_at_all_may_not_be_kept(tmp_path, registry):
    assert "keep_runs is 0" in end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=0), registry)["errors"][0]


def test_of_each_day_before_the_newest_run_is_kept(tmp_path, registry):
    """Eight runs a day, and `keep_runs` of eight would be a single day."""
    store = open_registry(registry)
    for day in range(1, 24):
        for hour in range(1, 24, 3):
            pointer = released(registry, f"run-{day}-{hour}", f"2026-11-{day:02}T{hour:02}:05:00Z")
            archive_run(store, pointer, {})
    aged(registry)
    end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=8, keep_days=15), registry, now="2026-11-24T00:30:00Z")
    left = {each.key.split("/")[1][:11] for each in store.objects_under("runs")}
    newest = {f"202611{day:02}T22" for day in range(9, 24)}
    assert left == newest | {f"20261123T{hour:02}" for hour in range(1, 24, 3)}


def test_proposals_go_with_their_runs(tmp_path, registry):
    store = open_registry(registry)
    names = [run_folder(archived(registry, tmp_path, day)).split("/")[1] for day in (1, 8, 15)]
    for name in names:
        store.put(f"proposals/{name}/kustomization.yaml", b"kind: Component")
    aged(registry)
    end(tmp_path, steps.Ending("SUCCEEDED", keep_runs=2, keep_days=0), registry)
    assert [each.key.split("/")[1] for each in store.objects_under("proposals")] == names[1:]


def test_kept_usage_that_nothing_names_goes(tmp_path, registry):
    store = open_registry(registry)
    named, old, new = ("a" * 64, "b" * 64, "c" * 64)
    for digest in (named, old, new):
        store.put(f"usage/{digest}.csv.gz", b"rows")
    store.put("usage/kept.json", f'{{"pieces": [{{"sha256": "{named}"}}]}}'.encode())
    aged(registry, *(f"usage/{each}.csv.gz" for each in (named, old)), "usage/kept.json")
    soon = store.objects_under("usage")[2].modified.isoformat()
    end(tmp_path, SUCCEEDED, registry, now=soon)
    assert [each.key for each in store.objects_under("usage")] == [
        *(f"usage/{each}.csv.gz" for each in (named, new)),
        "usage/kept.json",
    ]
    store.delete("usage/kept.json")
    end(tmp_path, SUCCEEDED, registry, now="2100-01-01T00:00:00Z")
    assert store.objects_under("usage") == []


def test_archive_describes_its_files_by_digest(tmp_path, registry):
    pointer = archived(registry, tmp_path, 22)
    metadata = json.loads(open_registry(registry).get(f"{run_folder(pointer)}/metadata.json"))
    described = metadata["files"]["source.csv.gz"]
    assert described["bytes"] == 4
    assert described["key"] == "runs/20261122T040000Z-run-22/source.csv.gz"
    assert open_registry(registry).get(described["key"]) == b"rows"
    assert metadata["models"] == pointer["models"]
    assert "prophet" in metadata["versions"]
