"""The registry in an S3 bucket.

Patience is ours, for botocore's retries are a count, leave out a 429 that has no code, and a body that comes in part.

Endpoint, region and credentials come from where boto3 always looks: AWS_ENDPOINT_URL_S3, AWS_REGION,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SHARED_CREDENTIALS_FILE, AWS_CA_BUNDLE; or from the settings S3_ACCESS_KEY
and S3_SECRET_KEY, which may be files of a mounted secret. A parameter never holds them.

Checksums: every request's body is signed with its SHA-256, also over TLS, so any server that checks signatures refuses
a body that changed on its way; this needs none of the newer checksum headers, which older servers do not know. The
SHA-256 of the whole object is kept in its metadata and compared when it is read.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    SSLError,
)
from botocore.parsers import ResponseParserError
from s3transfer.exceptions import RetriesExceededError

from predictive_scaling.base.documents import sha256
from predictive_scaling.base.errors import InputError, MissingObjectError, RegistryError
from predictive_scaling.base.settings import ca_file, seconds, setting
from predictive_scaling.store.registry import MAX_OBJECT_BYTES, Stored, checked_key
from predictive_scaling.store.s3_faults import Target, code, learned, meaning

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
PART_BYTES = 8 << 20
PATIENCE_SECONDS = 60.0
PAUSES_SECONDS = (0.5, 3.0)
DIGEST = "sha256"
MOST_PAGES = 2_000
"""Of one list, of 1,000 objects each; a server's list that has no end has more."""
_AWAY = (ConnectionError, HTTPClientError, IncompleteReadError, RetriesExceededError)
_FINAL_STATUS = frozenset({501, 505})
_PASSING_CODES = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "InternalError", "LimitExceededException",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
"""Some servers say these with 400 or 403; botocore's own, and one more."""
T = TypeVar("T")
BinaryFile = BufferedReader | BufferedRandom
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Registry:
    """Objects under a prefix of one bucket. See Registry for the methods."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = _client(bucket)
        self._target = Target(
            bucket, _without_user(self._client.meta.endpoint_url), self._client.meta.region_name
        )

    def _translated(self, what: str) -> AbstractContextManager[None]:
        return _translated(what, self._target, self._ask)

    def _ask(self) -> None:
        """A GET of the bucket, for the code of what a HEAD was refused with."""
        self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def put(self, key: str, data: bytes) -> None:
        """See Registry."""
        body = {"Body": data, "ContentType": "application/json", "Metadata": {DIGEST: sha256(data)}}
        with self._translated(f"cannot write {key}"):
            _patiently(lambda: self._client.put_object(**self._at(key), **body))

    def get(self, key: str) -> bytes:
        """See Registry."""
        with self._translated(f"cannot read {key}"):
            return _patiently(lambda: self._read(key))

    def _read(self, key: str) -> bytes:
        answer = self._client.get_object(**self._at(key))
        if answer["ContentLength"] > MAX_OBJECT_BYTES:
            raise RegistryError(f"cannot read {key}: larger than {MAX_OBJECT_BYTES} bytes")
        data: bytes = answer["Body"].read()
        _require_digest(key, answer["Metadata"], sha256(data))
        return data

    def put_file(self, key: str, path: Path) -> None:
        """See Registry. Parts are tried again one by one; a transfer that fails leaves no object."""
        with path.open("rb") as file:
            extra = {"Metadata": {DIGEST: _digest(file)}}
        with self._translated(f"cannot write {key}"):
            _patiently(lambda: self._upload(path, self._at(key), extra))

    def _upload(self, path: Path, at: dict[str, str], extra: dict[str, Any]) -> None:
        """Opened for each try: a transfer that fails closes the file that it was given."""
        with path.open("rb") as file:
            self._client.upload_fileobj(file, **at, ExtraArgs=extra, Config=_transfer())

    def get_file(self, key: str, path: Path) -> None:
        """See Registry."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("w+b") as file, self._translated(f"cannot read {key}"):
                _patiently(lambda: self._download(key, file))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _download(self, key: str, file: BinaryFile) -> None:
        file.seek(0)
        file.truncate()
        metadata = self._client.head_object(**self._at(key))["Metadata"]
        self._client.download_fileobj(**self._at(key), Fileobj=file, Config=_transfer())
        _require_digest(key, metadata, _digest(file))

    def objects_under(self, folder: str) -> list[Stored]:
        """See Registry. The prefix ends in a slash, so `run-1` does not touch `run-10`."""
        base = f"{self._prefix}{checked_key(folder)}/"
        with self._translated(f"cannot list {folder}"):
            found = _patiently(lambda: self._list(base))
        return [
            Stored(item["Key"].removeprefix(self._prefix), item["Size"], item["LastModified"])
            for item in found
        ]

    def _list(self, base: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=base)
        found: list[dict[str, Any]] = []
        for number, page in enumerate(pages):
            if number >= MOST_PAGES:
                raise RegistryError(f"cannot list {base}: it gave {MOST_PAGES} pages and no last one")
            found += page.get("Contents", [])
        return found

    def delete(self, key: str) -> None:
        """See Registry."""
        with self._translated(f"cannot delete {key}"):
            _patiently(lambda: self._client.delete_object(**self._at(key)))

    def delete_under(self, folder: str) -> int:
        """See Registry. One by one: DeleteObjects wants checksums that some S3 servers do not know."""
        found = self.objects_under(folder)
        for each in found:
            self.delete(each.key)
        return len(found)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + checked_key(key)}


def _require_digest(key: str, metadata: dict[str, str], found: str) -> None:
    """Objects that other tools wrote have no digest; those of this package must match theirs."""
    expected = metadata.get(DIGEST, found)
    if found != expected:
        raise RegistryError(f"cannot read {key}: its sha256 is {found}, but {expected} was written")


def _digest(file: BinaryFile) -> str:
    """Hex SHA-256 of a whole file, which is left at its beginning."""
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return found


def _transfer() -> TransferConfig:
    return TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4)


def _client(bucket: str) -> Any:
    """Client with time limits; servers other than AWS rarely resolve buckets as host names, hence the path style."""
    endpoint = next((os.environ[name] for name in ENDPOINT_VARIABLES if os.environ.get(name)), "")
    _require_endpoint(endpoint)
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"max_attempts": 4, "mode": "standard"},
        s3={"addressing_style": "path" if endpoint else "auto", "payload_signing_enabled": True},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    target = Target(
        bucket, _without_user(endpoint) or "AWS", os.environ.get("AWS_REGION", "its default region")
    )
    with _translated("cannot reach S3", target):
        # A session of its own: boto3's default one keeps the credentials that it saw first.
        session, credentials = boto3.Session(), _credentials()
        try:
            return session.client("s3", config=config, verify=ca_file() or None, **credentials)
        except ValueError as error:  # botocore's for an endpoint that a shared configuration file names
            raise InputError(
                "the S3 endpoint of the AWS configuration is no URL; write it as http://minio:9000"
            ) from error


def _require_endpoint(endpoint: str) -> None:
    """Raise InputError for an endpoint that is no URL of a server; botocore raises a bare ValueError for it."""
    try:
        parts = urlsplit(endpoint)
        usable = not endpoint or (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        )
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            "the S3 endpoint of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL must start with http:// or https:// and name a "
            "host, such as http://minio-service.kubeflow:9000"
        )


def _without_user(endpoint: str) -> str:
    """An endpoint for messages: without a password that may stand in it."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme else ""


def _credentials() -> dict[str, str]:
    """Keys of a mounted secret; none leaves boto3 its own ways."""
    access, secret = setting("S3_ACCESS_KEY"), setting("S3_SECRET_KEY")
    return {"aws_access_key_id": access, "aws_secret_access_key": secret} if access and secret else {}


def _patiently(action: Callable[[], T]) -> T:
    """Wait for a server that is away, as one that restarts is; KFP does not try a failed step again (see web.py).

    botocore's own attempts end within seconds, and sooner when parts of one transfer share its quota of retries.
    """
    end = time.monotonic() + seconds("S3_PATIENCE_SECONDS", PATIENCE_SECONDS)
    while True:
        try:
            return action()
        except SSLError:
            raise
        except (*_AWAY, ClientError) as error:
            if time.monotonic() >= end or not _is_transient(error):
                raise
        time.sleep(random.uniform(*PAUSES_SECONDS))  # noqa: S311 -- no secret


def _is_transient(error: Exception) -> bool:
    """All but a refusal: 4xx other than too many requests, and what the server does not do at all."""
    if not isinstance(error, ClientError):
        return True
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    passing = error.response.get("Error", {}).get("Code") in _PASSING_CODES
    return passing or (status >= 500 and status not in _FINAL_STATUS) or status == 429


@contextmanager
def _translated(what: str, target: Target, ask: Callable[[], object] = lambda: None) -> Iterator[None]:
    """The one boundary at which botocore's errors become ours; `ask` is a GET that has a code where HEAD has none."""
    try:
        yield
    except ClientError as found:
        error = learned(found, ask)
        kind = MissingObjectError if code(error) in _ABSENT else RegistryError
        words = "there is no such object" if kind is MissingObjectError else meaning(error, target)
        raise kind(f"{what}: {words}") from found
    except (BotoCoreError, Boto3Error, RetriesExceededError, ResponseParserError) as error:
        raise RegistryError(f"{what}: {meaning(error, target)}") from error
