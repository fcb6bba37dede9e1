"""A prefix of a bucket of an S3 service: the page is put there as two objects, and a browser or a proxy reads them.

botocore signs, and finds endpoint, region and credentials where it always looks: AWS_ENDPOINT_URL_S3, AWS_REGION,
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SHARED_CREDENTIALS_FILE, AWS_CA_BUNDLE, the role of a service account
(AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE). A command line never holds them.

A PUT of an object is atomic (S3: «Amazon S3 never adds partial objects»), so nobody reads half a page.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from kfp_gitops.base import replies, waiting
from kfp_gitops.base.errors import RemoteError, UsageError

_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9_./-]*))?")
_TYPES = {"html": "text/html; charset=utf-8", "json": "application/json"}
_MOST = 64 << 20
_CONNECT, _ANSWER = 5.0, 30.0
"""Seconds to connect, and between two pieces of an answer, where those who wait give no less (`replies`)."""
_LEAST = 0.1
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})


class Bucket:
    """See places.Place."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = _client(bucket)

    @classmethod
    def at(cls, url: str) -> Bucket:
        """The one of a URL.

        Raises:
            UsageError: it is not like s3://bucket/prefix.
        """
        found = _URL.fullmatch(url)
        if found is None:
            raise UsageError(f"{url!r} is no place in a bucket; write s3://BUCKET/PREFIX")
        return cls(found[1], (found[2] or "").strip("/"))

    def read(self, name: str) -> str | None:
        """See places.Place."""
        from botocore.exceptions import ClientError

        with _translated(f"cannot read {self.shown(name)}"), _waited():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _ABSENT:
                    return None
                raise
            if answer["ContentLength"] > _MOST:
                raise RemoteError(f"cannot read {self.shown(name)}: larger than {_MOST} bytes")
            return str(answer["Body"].read().decode("utf-8", "replace"))

    def write(self, name: str, text: str) -> None:
        """See places.Place."""
        of_kind = _TYPES[name.rpartition(".")[2]]
        with _translated(f"cannot write {self.shown(name)}"), _waited():
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + name,
                Body=text.encode(),
                ContentType=of_kind,
                CacheControl="no-cache",
            )

    def shown(self, name: str) -> str:
        """See places.Place."""
        return f"s3://{self._bucket}/{self._prefix}{name}"


def _client(bucket: str) -> Any:
    """Servers other than AWS rarely resolve buckets as host names, hence the path style, nor know newer checksums."""
    from botocore.config import Config
    from botocore.session import Session

    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    attempts = 5 if replies.left() == math.inf else 1  # botocore has no time limit for all of them
    config = Config(
        connect_timeout=max(replies.left_of(_CONNECT), _LEAST),
        read_timeout=max(replies.left_of(_ANSWER), _LEAST),
        retries={"total_max_attempts": attempts, "mode": "standard"},
        s3={"addressing_style": "path" if elsewhere else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with _translated(f"cannot reach s3://{bucket}"):
        return Session().create_client("s3", config=config)


def _waited() -> AbstractContextManager[None]:
    """Told to whoever waits: a store that accepts and never answers must not look like a command that hangs."""
    return waiting.on("the object store")


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The one boundary at which botocore's errors become ours."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        raise RemoteError(
            f"{what}: the object store says {told.get('Code')}: {told.get('Message')}"
        ) from error
    except (BotoCoreError, ResponseParserError, ValueError) as error:
        raise RemoteError(f"{what}: {_todo(error)}") from error


def _todo(error: Exception) -> str:
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError"):
        return "no credentials: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role to the service account"
    if name == "NoRegionError":
        return "no region: set AWS_REGION"
    if isinstance(error, ValueError):
        return "AWS_ENDPOINT_URL_S3 is no URL; write it as http://minio:9000"
    return str(error)
