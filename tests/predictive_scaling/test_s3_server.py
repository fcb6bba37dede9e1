"""The registry on a real S3 server: signatures, checksums, parts, TLS, and a server that dies in mid-transfer."""

import hashlib
import threading
import time

import pytest
import trustme
from predictive_scaling.base.errors import InputError, MissingObjectError, RegistryError
from predictive_scaling.recommend.publishing import Release, publish
from predictive_scaling.store.opening import open_registry
from predictive_scaling.store.s3 import PART_BYTES
from servers.swift_server import ACCESS_KEY, BUCKET, SECRET_KEY, SwiftServer, make_bucket, s3_client

DOCUMENT = {
    "run_id": "r",
    "generated_at": "2026-01-20T00:00:00Z",
    "valid_until": "2026-01-21T12:00:00Z",
}


def registry(prefix):
    return open_registry(f"s3://{BUCKET}/{prefix}")


@pytest.fixture
def large(tmp_path):
    """A file of three parts, no two of them alike."""
    path = tmp_path / "large"
    path.write_bytes(
        b"".join(hashlib.sha256(bytes([at])).digest() * (PART_BYTES // 32) for at in range(3)) + b"end"
    )
    return path


def test_objects_lie_under_the_prefix_of_the_bucket(swift):
    open_registry(f"s3://{BUCKET}/one/two/").put("current.json", b"{}")
    assert s3_client(swift).get_object(Bucket=BUCKET, Key="one/two/current.json")["Body"].read() == b"{}"


def test_minio_uri_names_the_same_object(swift):
    registry("alias").put("a.json", b"{}")
    assert open_registry(f"minio://{BUCKET}/alias").get("a.json") == b"{}"


def test_wrong_secret_is_refused_and_not_told(swift, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(RegistryError, match="SignatureDoesNotMatch") as caught:
        registry("x").put("a.json", b"")
    assert "not-the-secret" not in str(caught.value)


def test_credentials_come_from_a_mounted_secret(swift, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in {"S3_ACCESS_KEY": ACCESS_KEY, "S3_SECRET_KEY": SECRET_KEY}.items():
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"PREDICTIVE_SCALING_{name}_FILE", str(tmp_path / name))
    registry("mounted").put("a.json", b"{}")
    assert registry("mounted").get("a.json") == b"{}"


def test_secret_that_is_not_mounted_is_told_by_its_variable(swift, monkeypatch, tmp_path):
    monkeypatch.setenv("PREDICTIVE_SCALING_S3_ACCESS_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(InputError, match="PREDICTIVE_SCALING_S3_ACCESS_KEY_FILE"):
        registry("x")


def test_missing_bucket_is_a_registry_error(swift):
    with pytest.raises(RegistryError, match="cannot write"):
        open_registry("s3://no-such-bucket/x").put("a.json", b"")


def _prove_that_bodies_are_signed(store):
    """Change a body after it was signed."""

    def change(request, **_):
        request.body = b'{"replicas": 9}'

    store._client.meta.events.register("before-send.s3.PutObject", change)
    with pytest.raises(RegistryError, match="cannot write"):
        store.put("changed.json", b'{"replicas": 1}')
    with pytest.raises(MissingObjectError):
        store.get("changed.json")


def test_body_that_changes_on_its_way_is_refused(swift):
    _prove_that_bodies_are_signed(registry("changed"))


def test_object_that_changed_in_the_store_is_refused(swift, tmp_path):
    registry("rotten").put("a.json", b"{}")
    s3_client(swift).put_object(Bucket=BUCKET, Key="rotten/a.json", Body=b"[]", Metadata={"sha256": "0" * 64})
    with pytest.raises(RegistryError, match="sha256"):
        registry("rotten").get("a.json")
    with pytest.raises(RegistryError, match="sha256"):
        registry("rotten").get_file("a.json", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_large_file_goes_in_parts(swift, large, tmp_path):
    registry("parts").put_file("large", large)
    found = s3_client(swift).head_object(Bucket=BUCKET, Key="parts/large")
    assert found["ETag"].strip('"').endswith("-4")
    registry("parts").get_file("large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def _restart_later(server: SwiftServer, seconds: float) -> threading.Thread:
    def restart():
        time.sleep(seconds)
        server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    return thread


def _kill_after(server, store, operation, calls, restarts):
    """Kill the server at the given request of the operation, and start it again a second later."""
    seen = iter(range(calls))

    def kill(**_):
        if next(seen, None) == calls - 1:
            server.kill()
            restarts.append(_restart_later(server, 1.0))

    store._client.meta.events.register(f"before-send.s3.{operation}", kill)


def test_server_killed_while_a_file_is_written_loses_nothing(swift, large, tmp_path):
    store, restarts = registry("killed"), []
    _kill_after(swift, store, "UploadPart", 3, restarts)
    store.put_file("large", large)
    restarts[0].join()
    registry("killed").get_file("large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_server_killed_while_a_file_is_read_loses_nothing(swift, large, tmp_path):
    store, restarts = registry("killed"), []
    store.put_file("read", large)
    _kill_after(swift, store, "GetObject", 2, restarts)
    store.get_file("read", tmp_path / "back")
    restarts[0].join()
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_server_that_dies_before_the_pointer_leaves_the_earlier_release_in_force(swift, monkeypatch):
    before = publish(registry("release"), DOCUMENT, [Release("checkout", "cpu", b'{"kind":"last"}')])
    monkeypatch.setenv("PREDICTIVE_SCALING_S3_PATIENCE_SECONDS", "0")
    store = registry("release")

    def kill(request, **_):
        if request.url.endswith("current.json"):
            swift.kill()

    store._client.meta.events.register("before-send.s3.PutObject", kill)
    with pytest.raises(RegistryError, match=r"cannot write current\.json"):
        publish(store, {**DOCUMENT, "run_id": "s"}, [])
    swift.start()
    pointer = registry("release").get("current.json")
    assert before["recommendation"].encode() in pointer
    assert registry("release").get(before["models"]["checkout"]["cpu"]) == b'{"kind":"last"}'


def test_tls_is_checked_against_the_given_authority(tmp_path, monkeypatch):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    (tmp_path / "swift").mkdir()
    server = SwiftServer(tmp_path / "swift", tmp_path / "server.pem")
    server.start()
    try:
        _prove_tls(server, monkeypatch, tmp_path / "ca.pem")
    finally:
        server.kill()


def _prove_tls(server, monkeypatch, authority):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("PREDICTIVE_SCALING_S3_PATIENCE_SECONDS", "0")
    with pytest.raises(RegistryError, match=r"(?i)certificate"):
        open_registry("s3://secure/x").get("a.json")
    monkeypatch.setenv("PREDICTIVE_SCALING_CA_FILE", str(authority))
    store = open_registry("s3://secure/x")
    make_bucket(store._client, "secure")
    store.put("a.json", b"{}")
    assert store.get("a.json") == b"{}"
    _prove_that_bodies_are_signed(store)
