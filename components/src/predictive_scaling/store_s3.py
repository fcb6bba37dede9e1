"""The registry in an S3 bucket. boto3 reads endpoint and credentials from the environment, as it always does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from predictive_scaling.errors import RegistryError
from predictive_scaling.store import checked_key

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class S3Registry:
    """Objects under a prefix of one bucket."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = _client()

    def put(self, key: str, data: bytes) -> None:
        """See Registry."""
        with _translated(f"cannot write {key}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + checked_key(key),
                Body=data,
                ContentType="application/json",
            )

    def get(self, key: str) -> bytes:
        """See Registry."""
        with _translated(f"cannot read {key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + checked_key(key))
            data: bytes = answer["Body"].read()
            return data

    def delete_under(self, folder: str) -> int:
        """See Registry. The prefix ends in a slash, so `run-1` does not touch `run-10`."""
        base = f"{self._prefix}{checked_key(folder)}/"
        with _translated(f"cannot delete under {folder}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=base)
            return sum(self._delete([item["Key"] for item in page.get("Contents", [])]) for page in pages)

    def _delete(self, keys: list[str]) -> int:
        for key in keys:  # one by one: DeleteObjects wants checksums that some S3 servers do not know
            self._client.delete_object(Bucket=self._bucket, Key=key)
        return len(keys)


def _client() -> Any:
    """Client with time limits; servers other than AWS rarely resolve buckets as host names, hence the path style."""
    own_server = any(os.environ.get(name) for name in ENDPOINT_VARIABLES)
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"max_attempts": 5, "mode": "standard"},
        s3={"addressing_style": "path" if own_server else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with _translated("cannot reach S3"):
        return boto3.client("s3", config=config)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The one boundary at which botocore's errors become ours."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise RegistryError(f"{what}: {error}") from error
