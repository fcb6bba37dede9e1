"""What an S3 error means: which of key, rights, clock, region, bucket or endpoint is wrong, and what to set.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; MinIO, Ceph, Swift and Garage say the same
ones. An answer to HEAD has no body and so no code: then a GET of the same bucket is asked for its own (`learned`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
)
from botocore.parsers import ResponseParserError

BODILESS = frozenset({"301", "307", "400", "401", "403", "404", "405"})
"""What botocore makes the code of an answer without a body: its status."""
_UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "InvalidAccessKey", "UnrecognizedClientException"})
_TOKEN = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException"})
_SIGNATURE = frozenset({"SignatureDoesNotMatch"})
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_REGION = frozenset({
    "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException",
    "InvalidRegion", "301", "307",
})  # fmt: skip
_REGION_STATUS = frozenset({"400", "301", "307"})
_BUCKET = frozenset({"NoSuchBucket", "InvalidBucketName", "InvalidBucketState"})
_RIGHTS = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "401", "403"})
_NO_S3 = frozenset({"405", "MethodNotAllowed", "NotImplemented", "InvalidRequest", "400", "BadRequest"})
_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or PREDICTIVE_SCALING_S3_ACCESS_KEY and …_SECRET_KEY"


@dataclass(frozen=True)
class Target:
    """What was asked: the bucket, the endpoint without credentials, and the region that requests are signed for."""

    bucket: str
    endpoint: str
    region: str


def learned(error: ClientError, ask: Callable[[], object]) -> ClientError:
    """The error with its code: of an answer to HEAD, what a GET of the bucket answers; itself when that succeeds.

    A GET succeeds with the wrong region, too: its answer has a body that names the right one, and botocore asks again.
    """
    if code(error) not in BODILESS or not error.operation_name.startswith("Head"):
        return error
    try:
        ask()
    except ClientError as told:
        return told if code(told) not in _RIGHTS or code(error) != "404" else error
    except BotoCoreError:
        return error
    return _of_region(error) if code(error) in _REGION_STATUS else error


def _of_region(error: ClientError) -> ClientError:
    said = {
        **error.response,
        "Error": {**error.response.get("Error", {}), "Code": "AuthorizationHeaderMalformed"},
    }
    return ClientError(said, error.operation_name)


def code(error: ClientError) -> str:
    """The error's code, or the status where there is none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def meaning(error: Exception, target: Target) -> str:
    """In words what is wrong and what to set; for what is not known, what the library says."""
    if isinstance(error, ClientError):
        return _refusal(code(error), error, target)
    return _unreached(error, target) or str(error)


def _refusal(found: str, error: ClientError, target: Target) -> str:
    said = f" (the server says {found})" if not found.isdigit() else f" (the server answers {found})"
    for codes, words in _MEANINGS:
        if found in codes:
            return words(error, target) + said
    return f"{error.response.get('Error', {}).get('Message') or 'the server refuses'}{said}"


def _key(_error: ClientError, target: Target) -> str:
    return f"the access key is not known at {target.endpoint}: set {_KEYS}"


def _token(_error: ClientError, _target: Target) -> str:
    return "the session token has expired or does not belong to the key: renew AWS_SESSION_TOKEN, or unset it"


def _signature(_error: ClientError, _target: Target) -> str:
    return (
        f"the secret key does not fit the access key, or the access key is not known: set {_KEYS}; if they are right, "
        "something on the way changes requests, such as a proxy"
    )


def _clock(error: ClientError, _target: Target) -> str:
    here = datetime.now(UTC).replace(microsecond=0)
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        there = parsedate_to_datetime(headers["date"])
        apart = f": it is {there:%Y-%m-%dT%H:%M:%SZ} there and {here:%Y-%m-%dT%H:%M:%SZ} here"
    except (KeyError, TypeError, ValueError):
        apart = f": it is {here:%Y-%m-%dT%H:%M:%SZ} here"
    return f"the clock of this machine is more than 15 minutes off the server's{apart}; set it by NTP"


def _region(error: ClientError, target: Target) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    right = error.response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region", "")
    told = f"it is in {right}" if right else "the server has another one"
    return (
        f"the region is wrong: requests for bucket {target.bucket} are signed for {target.region}, and {told}; set "
        f"AWS_REGION{f'={right}' if right else ''}"
    )


def _bucket(_error: ClientError, target: Target) -> str:
    return (
        f"there is no bucket {target.bucket} at {target.endpoint}: create it, or is its name or the endpoint "
        "(AWS_ENDPOINT_URL_S3) another one?"
    )


def _rights(_error: ClientError, target: Target) -> str:
    return (
        f"the key may not do this in bucket {target.bucket}: its policy must allow s3:ListBucket, s3:GetObject, "
        "s3:PutObject and s3:DeleteObject there (a bucket of somebody else answers the same)"
    )


def _no_s3(_error: ClientError, target: Target) -> str:
    return f"{target.endpoint} does not understand this request: is it an S3 endpoint (AWS_ENDPOINT_URL_S3)?"


_MEANINGS: tuple[tuple[frozenset[str], Callable[[ClientError, Target], str]], ...] = (
    (_UNKNOWN_KEY, _key),
    (_TOKEN, _token),
    (_SIGNATURE, _signature),
    (_CLOCK, _clock),
    (_REGION, _region),
    (_BUCKET, _bucket),
    (_RIGHTS, _rights),
    (_NO_S3, _no_s3),
)


def _unreached(error: Exception, target: Target) -> str:
    words: dict[Any, str] = {
        NoCredentialsError: f"there is no key: set {_KEYS}",
        PartialCredentialsError: f"half of the key is missing: set {_KEYS}",
        NoRegionError: "there is no region: set AWS_REGION (any name, such as us-east-1, where the server has none)",
        ParamValidationError: f"{target.bucket!r} is no name of a bucket",
        SSLError: f"the certificate of {target.endpoint} is not trusted: set PREDICTIVE_SCALING_CA_FILE, or is it "
        "https:// where http:// is spoken?",
        EndpointConnectionError: f"nothing answers at {target.endpoint}: is AWS_ENDPOINT_URL_S3 right?",
        ConnectTimeoutError: f"nothing answers at {target.endpoint}: is AWS_ENDPOINT_URL_S3 right?",
        ConnectionError: f"{target.endpoint} breaks the connection: is AWS_ENDPOINT_URL_S3 right, and http or https?",
        ResponseParserError: f"what answers at {target.endpoint} speaks no S3: is AWS_ENDPOINT_URL_S3 right?",
    }
    return next((text for kind, text in words.items() if isinstance(error, kind)), "")
