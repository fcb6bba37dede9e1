from datetime import UTC, datetime, timedelta

import pytest
from predictive_scaling.base.documents import parse_object
from predictive_scaling.base.errors import InputError, MissingObjectError, RegistryError
from predictive_scaling.recommend.publishing import Release, publish, require_mode
from predictive_scaling.store.local import LocalRegistry
from predictive_scaling.store.opening import open_registry

RECOMMENDATION = {
    "run_id": "r",
    "generated_at": "2026-01-20T00:00:00Z",
    "valid_until": "2026-01-21T12:00:00Z",
}
MODEL = Release("checkout", "cpu", b'{"kind":"last"}')


@pytest.fixture(params=["local", "s3"])
def registry(request, tmp_path):
    """The same rules for both; the bucket is on a real server."""
    if request.param == "local":
        return open_registry(str(tmp_path / "registry"))
    request.getfixturevalue("swift")
    return open_registry(f"s3://mlpipeline/{tmp_path.name.replace('[', '').replace(']', '')}")


def test_object_is_read_back(registry):
    registry.put("models/a/cpu/x.json", b"{}")
    assert registry.get("models/a/cpu/x.json") == b"{}"


def test_missing_object_is_a_registry_error(registry):
    with pytest.raises(RegistryError, match=r"cannot read none\.json"):
        registry.get("none.json")


def test_deleting_a_run_leaves_its_neighbours(registry):
    for key in ("tmp/run-1/a.json", "tmp/run-1/b/c.json", "tmp/run-10/a.json", "current.json"):
        registry.put(key, b"{}")
    assert registry.delete_under("tmp/run-1") == 2
    assert registry.delete_under("tmp/run-1") == 0
    assert registry.get("tmp/run-10/a.json") == b"{}"
    assert registry.get("current.json") == b"{}"


@pytest.mark.parametrize(
    "key", ["", "../x", "/etc/passwd", "tmp/../current.json", "tmp//x", "tmp/", "a b", "tmp/."]
)
def test_key_cannot_leave_the_registry(registry, key):
    for call in (registry.get, registry.delete_under, lambda name: registry.put(name, b"")):
        with pytest.raises(InputError, match="not a registry key"):
            call(key)


def test_release_is_addressed_by_content_and_pointed_to(registry):
    pointer = publish(registry, RECOMMENDATION, [MODEL])
    assert parse_object(registry.get("current.json"), "current") == pointer
    key = pointer["models"]["checkout"]["cpu"]
    assert key.startswith("models/checkout/cpu/")
    assert registry.get(key) == MODEL.data
    assert parse_object(registry.get(pointer["recommendation"]), "r") == RECOMMENDATION


def test_forecast_that_began_before_a_training_ended_brings_no_older_model_back(tmp_path):
    registry = open_registry(str(tmp_path / "registry"))
    scores = {"accuracy": 0.9, "skill": 0.1, "baseline": "snaive_1d", "over95": 0.05}
    old = Release("checkout", "cpu", b'{"kind":"old"}', {**scores, "trained_at": "2026-11-16T03:00:00Z"})
    new = Release("checkout", "cpu", b'{"kind":"new"}', {**scores, "trained_at": "2026-11-23T03:00:00Z"})
    publish(registry, RECOMMENDATION, [old])
    trained = publish(registry, RECOMMENDATION, [new])
    after = publish(registry, RECOMMENDATION, [old], trained)
    assert after["models"] == {"checkout": {"cpu": new.key}}
    assert after["trained"] == trained["trained"]
    assert publish(registry, RECOMMENDATION, [new], after)["models"] == after["models"]


def test_pointer_is_written_last_so_a_broken_publish_changes_nothing():
    written = []

    class Breaking:
        def get(self, key):
            raise MissingObjectError(key)

        def put(self, key, data):
            if key.startswith("recommendations/"):
                raise RegistryError("connection lost")
            written.append(key)

    with pytest.raises(RegistryError):
        publish(Breaking(), RECOMMENDATION, [MODEL])
    assert "current.json" not in written


def test_objects_of_a_folder_are_listed_with_size_and_time(registry):
    before = datetime.now(UTC) - timedelta(minutes=1)
    registry.put("models/a/cpu/x.json", b"{}")
    registry.put("models/b.json", b"123")
    registry.put("modelsx/c.json", b"")
    first, second = registry.objects_under("models")
    assert (first.key, first.size) == ("models/a/cpu/x.json", 2)
    assert (second.key, second.size) == ("models/b.json", 3)
    assert before < first.modified < datetime.now(UTC) + timedelta(minutes=1)


def test_deleting_an_object_twice_is_no_error(registry):
    registry.put("a.json", b"{}")
    for _ in range(2):
        registry.delete("a.json")
    with pytest.raises(MissingObjectError):
        registry.get("a.json")


def test_file_goes_in_and_out(registry, tmp_path):
    source, target = tmp_path / "usage.csv.gz", tmp_path / "new" / "copy"
    source.write_bytes(bytes(range(256)) * 100)
    registry.put_file("runs/1/usage.csv.gz", source)
    registry.get_file("runs/1/usage.csv.gz", target)
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["copy"]


def test_file_that_is_not_there_leaves_nothing(registry, tmp_path):
    with pytest.raises(MissingObjectError):
        registry.get_file("none", tmp_path / "new" / "copy")
    assert list((tmp_path / "new").iterdir() if (tmp_path / "new").exists() else []) == []


@pytest.mark.parametrize("uri", ["", "gs://bucket/x", "s3://", "http://host/x"])
def test_strange_registry_is_refused(uri):
    with pytest.raises(InputError):
        open_registry(uri)


def test_unwritable_folder_is_a_registry_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError, match="cannot write"):
        LocalRegistry(tmp_path / "file").put("a.json", b"")


@pytest.mark.parametrize(("mode", "registry"), [("dry", "x"), ("publish", "")])
def test_mode_is_checked(mode, registry):
    with pytest.raises(InputError, match="mode is"):
        require_mode(mode, registry)
