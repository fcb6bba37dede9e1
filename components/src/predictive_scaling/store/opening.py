"""Which registry a URI names."""

from __future__ import annotations

from pathlib import Path

from predictive_scaling.base.errors import InputError
from predictive_scaling.store.local import LocalRegistry
from predictive_scaling.store.registry import Registry

S3_SCHEMES = ("s3://", "minio://")


def is_s3(uri: str) -> bool:
    """Whether a URI names an object or prefix in a bucket."""
    return uri.startswith(S3_SCHEMES)


def open_registry(uri: str) -> Registry:
    """Open `s3://bucket/prefix` or a folder; raises InputError for another scheme or an empty name."""
    if is_s3(uri):
        from predictive_scaling.store.s3 import S3Registry  # boto3 takes half a second

        bucket, _, prefix = uri.partition("://")[2].partition("/")
        if not bucket:
            raise InputError(f"{uri!r} names no bucket")
        return S3Registry(bucket, prefix.strip("/"))
    if not uri or "://" in uri:
        raise InputError(f"registry {uri!r}: expected s3://bucket/prefix or a folder")
    return LocalRegistry(Path(uri))
