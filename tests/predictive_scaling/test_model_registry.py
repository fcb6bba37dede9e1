import boto3
import pytest
from moto.server import ThreadedMotoServer
from predictive_scaling.documents import parse_object
from predictive_scaling.errors import InputError, RegistryError
from predictive_scaling.publishing import Release, publish, require_mode
from predictive_scaling.store import LocalRegistry, open_registry

RECOMMENDATION = {
    "run_id": "r",
    "generated_at": "2026-01-20T00:00:00Z",
    "valid_until": "2026-01-21T12:00:00Z",
}
MODEL = Release("checkout", "cpu", b'{"kind":"last"}')


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="models")
    return client


@pytest.fixture(params=["local", "s3"])
def registry(request, tmp_path):
    if request.param == "local":
        return open_registry(str(tmp_path / "registry"))
    request.getfixturevalue("s3")
    return open_registry("s3://models/team/dev")


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


def test_pointer_is_written_last_so_a_broken_publish_changes_nothing():
    written = []

    class Breaking:
        def put(self, key, data):
            if key.startswith("recommendations/"):
                raise RegistryError("connection lost")
            written.append(key)

    with pytest.raises(RegistryError):
        publish(Breaking(), RECOMMENDATION, [MODEL])
    assert "current.json" not in written


def test_missing_bucket_is_a_registry_error(s3):
    with pytest.raises(RegistryError, match="cannot write"):
        open_registry("s3://no-such-bucket/x").put("a.json", b"")


def test_s3_objects_lie_under_the_prefix(s3):
    open_registry("s3://models/one/two/").put("current.json", b"{}")
    assert s3.get_object(Bucket="models", Key="one/two/current.json")["Body"].read() == b"{}"


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
