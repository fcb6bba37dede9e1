"""A prefix of a bucket of an S3 service: the page is put there as two objects, and a browser or a proxy reads them.

A PUT of an object is atomic (S3: «Amazon S3 never adds partial objects»), so nobody reads half a page.
"""

from __future__ import annotations

import re

from kfp_gitops.base.errors import RemoteError, UsageError
from kfp_gitops.operate.objectstore.client import client, code, translated, waited

_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9_./-]*))?")
_TYPES = {"html": "text/html; charset=utf-8", "json": "application/json"}
_MOST = 64 << 20
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})


class Bucket:
    """See places.Place."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client(bucket)

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

        with translated(f"cannot read {self.shown(name)}"), waited():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if code(error) in _ABSENT:
                    return None
                raise
            if answer["ContentLength"] > _MOST:
                raise RemoteError(f"cannot read {self.shown(name)}: larger than {_MOST} bytes")
            return str(answer["Body"].read().decode("utf-8", "replace"))

    def write(self, name: str, text: str) -> None:
        """See places.Place."""
        of_kind = _TYPES[name.rpartition(".")[2]]
        with translated(f"cannot write {self.shown(name)}"), waited():
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
