"""One way to an S3 service, for the status page and for triggers on data.

botocore signs, and finds endpoint, region and credentials where it always looks: AWS_ENDPOINT_URL_S3, AWS_REGION,
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SHARED_CREDENTIALS_FILE, AWS_CA_BUNDLE, the role of a service account
(AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE). A command line never holds them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from kfp_gitops.base import replies, waiting
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.operate.objectstore import refusals

_CONNECT, _ANSWER = 5.0, 30.0
"""Seconds to connect, and between two pieces of an answer, where those who wait give no less (`replies`)."""
_LEAST = 0.1
_ATTEMPTS = 5


def client(bucket: str, answer: float = _ANSWER, attempts: int = _ATTEMPTS, at_once: int = 10) -> Any:
    """A client for the bucket, with `answer` seconds for a piece of an answer; of any thread, `at_once` of them.

    Servers other than AWS rarely resolve buckets as host names, hence the path style, nor know newer checksums.

    Raises:
        RemoteError: what is set for it is no way to a service.
    """
    from botocore.config import Config
    from botocore.session import Session

    elsewhere = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    tried = attempts if replies.left() == math.inf else 1  # botocore has no time limit for all of them
    config = Config(
        connect_timeout=max(replies.left_of(_CONNECT), _LEAST),
        read_timeout=max(replies.left_of(answer), _LEAST),
        retries={"total_max_attempts": tried, "mode": "standard"},
        max_pool_connections=at_once,
        s3={"addressing_style": "path" if elsewhere else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with translated(f"cannot reach s3://{bucket}"):
        return Session().create_client("s3", config=config)


def waited() -> AbstractContextManager[None]:
    """Told to whoever waits: a store that accepts and never answers must not look like a command that hangs."""
    return waiting.on("the object store")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """The one boundary at which botocore's errors become ours.

    Raises:
        RemoteError: `what` failed; with what to do about it.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise RemoteError(f"{what}: {refusals.told(error.response)}") from error
    except (BotoCoreError, ResponseParserError, ValueError) as error:
        raise RemoteError(f"{what}: {refusals.unreached(error)}") from error


def code(error: Exception) -> str:
    """The code of a refusal; its status where it has no body, as what answers HEAD."""
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
