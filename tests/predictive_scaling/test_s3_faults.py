"""Which of key, rights, clock, region, bucket and endpoint is wrong, as an S3 server and what stands before it say."""

from datetime import timedelta

import botocore.auth
import pytest
from predictive_scaling.__main__ import main
from predictive_scaling.base.errors import InputError, MissingObjectError, RegistryError
from predictive_scaling.store.opening import open_registry
from servers.flaky import FlakyServer
from servers.process import free_port
from servers.swift_server import BUCKET

NOW = ["--now", "2026-01-20T00:00:00Z"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_S3_PATIENCE_SECONDS", "0")


def validated(capsys, source=f"s3://{BUCKET}/usage/dev.csv"):
    """Exit code and words of a command that reads a file from the bucket: HEAD comes first, which has no code."""
    code = main(["validate", "--input", source, *NOW])
    return code, capsys.readouterr().err


def both(tmp_path, capsys, *words, source=f"s3://{BUCKET}/usage/dev.csv"):
    """A read by HEAD and one by GET say the same."""
    code, said = validated(capsys, source)
    assert code == 4, said
    with pytest.raises(RegistryError) as caught:
        open_registry(source.rpartition("/")[0]).get("current.json")
    for word in words:
        assert word in said
        assert word in str(caught.value)


def test_unknown_key(swift, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody:here")
    """Swift does not tell an unknown key from a wrong secret."""
    both(tmp_path, capsys, "or the access key is not known", "AWS_ACCESS_KEY_ID")


def test_wrong_secret(swift, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    both(tmp_path, capsys, "the secret key does not fit the access key")


def test_clock_that_is_off(swift, tmp_path, capsys, monkeypatch):
    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: real() - timedelta(hours=3))
    both(tmp_path, capsys, "the clock of this machine", "NTP")


def test_wrong_region(swift, tmp_path, capsys, monkeypatch):
    """A GET finds the right one by itself: its refusal names it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    code, said = validated(capsys)
    assert (code, "the region is wrong" in said, "signed for eu-west-1" in said) == (4, True, True)
    assert "set AWS_REGION" in said


def test_missing_bucket_is_no_missing_object(swift, tmp_path, capsys):
    both(tmp_path, capsys, "there is no bucket nowhere at http://", source="s3://nowhere/usage/dev.csv")


def test_missing_object_is_the_callers_mistake(swift, capsys):
    code, said = validated(capsys)
    assert (code, "no such object" in said) == (2, True)


def test_missing_key(swift, tmp_path, capsys, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    both(tmp_path, capsys, "there is no key", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def stand_in(monkeypatch):
    """A server whose refusals are of choice: (status, code, headers); HEAD has no body."""
    refusal = {"status": 403, "code": "AccessDenied", "headers": {}, "body": None}

    def answer(method, path, headers, body):
        found = f"<Error><Code>{refusal['code']}</Code><Message>no</Message></Error>".encode()
        content = found if refusal["body"] is None else refusal["body"]
        return refusal["status"], {"Content-Type": "application/xml", **refusal["headers"]}, content

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "some-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with FlakyServer(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        yield refusal


@pytest.mark.parametrize(
    ("status", "code", "headers", "words"),
    [
        (403, "AccessDenied", {}, f"the key may not do this in bucket {BUCKET}"),
        (403, "InvalidAccessKeyId", {}, "the access key is not known"),
        (403, "SignatureDoesNotMatch", {}, "the secret key does not fit"),
        (403, "RequestTimeTooSkewed", {}, "the clock of this machine"),
        (400, "AuthorizationHeaderMalformed", {}, "the region is wrong"),
        (400, "ExpiredToken", {}, "the session token has expired"),
        (301, "PermanentRedirect", {"x-amz-bucket-region": "eu-central-1"}, "set AWS_REGION=eu-central-1"),
        (404, "NoSuchBucket", {}, f"there is no bucket {BUCKET}"),
        (405, "MethodNotAllowed", {}, "is it an S3 endpoint"),
    ],
)
def test_codes_of_other_servers(stand_in, tmp_path, capsys, status, code, headers, words):
    stand_in.update(status=status, code=code, headers=headers)
    both(tmp_path, capsys, words)


def test_page_of_something_else_is_told_by_its_endpoint(stand_in, tmp_path, capsys):
    stand_in.update(status=400, body=b"<!doctype html><html><body>Grafana</body></html>")
    both(tmp_path, capsys, "AWS_ENDPOINT_URL_S3")


def test_nobody_at_the_endpoint(stand_in, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    both(tmp_path, capsys, "nothing answers at http://127.0.0.1:", "AWS_ENDPOINT_URL_S3")


@pytest.mark.parametrize(
    "endpoint", ["minio:9000", "127.0.0.1:9000", "s3.example.com", "ftp://minio", "http://", "http://[x"]
)
def test_endpoint_that_is_no_url_is_bad_input(stand_in, capsys, monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    code, said = validated(capsys)
    assert (code, "Traceback" in said) == (2, False)
    assert "must start with http:// or https://" in said
    with pytest.raises(InputError):
        open_registry(f"s3://{BUCKET}/x")


def test_endpoint_of_a_configuration_file_is_held_to_the_same(stand_in, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    (tmp_path / "config").write_text("[default]\nendpoint_url = minio:9000\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    code, said = validated(capsys)
    assert (code, "the S3 endpoint of the AWS configuration is no URL" in said) == (2, True)


def test_password_in_an_endpoint_is_not_told(stand_in, capsys, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://user:hunter2hunter2@127.0.0.1:{free_port()}")
    assert "hunter2" not in validated(capsys)[1]


def test_head_of_a_missing_object_is_still_missing_where_lists_are_refused(stand_in):
    stand_in.update(status=404, code="NoSuchKey")
    with pytest.raises(MissingObjectError):
        open_registry(f"s3://{BUCKET}/x").get("current.json")
