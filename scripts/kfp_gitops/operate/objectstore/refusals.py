"""What an object store's refusal means: which of key, rights, clock, region, bucket or endpoint to correct.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; MinIO, Ceph and Swift say the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_REGION = "requests are signed for another region: set AWS_REGION to the bucket's"
_RIGHTS = (
    "let these keys do it: s3:GetObject on what is read, s3:PutObject on what is written, s3:ListBucket on "
    "the bucket"
)
_KNOWN = (
    (("NoSuchBucket",), "make it, or correct the bucket's name or AWS_ENDPOINT_URL_S3"),
    (("InvalidBucketName",), "correct the bucket's name"),
    (("InvalidAccessKeyId", "SignatureDoesNotMatch"), f"correct {_KEYS}"),
    (("ExpiredToken", "InvalidToken"), "renew AWS_SESSION_TOKEN, or take it away"),
    (("RequestTimeTooSkewed",), "set this machine's clock"),
    (("AuthorizationHeaderMalformed", "PermanentRedirect", "301", "307"), _REGION),
    (("AccessDenied", "AllAccessDisabled", "403"), _RIGHTS),
    (("404",), "is the bucket there, and is AWS_ENDPOINT_URL_S3 an S3 service?"),
    (("400", "405", "MethodNotAllowed", "NotImplemented"), "is AWS_ENDPOINT_URL_S3 an S3 service?"),
    (
        ("SlowDown", "ServiceUnavailable", "InternalError", "500", "502", "503", "504"),
        "it is asked again later",
    ),
)
_HOW: Mapping[str, str] = {word: todo for words, todo in _KNOWN for word in words}


def told(response: Mapping[str, Any]) -> str:
    """What it says, and what to do where that is known."""
    error = response.get("Error", {})
    said, todo = (
        f"the object store says {error.get('Code')}: {error.get('Message')}",
        _HOW.get(error.get("Code", "")),
    )
    return f"{said}; {todo}" if todo else said


def unreached(error: Exception) -> str:
    """What keeps a request from being sent, or its answer from being read; the library's classes by their names."""
    names = {one.__name__ for one in type(error).__mro__}
    if names & {"NoCredentialsError", "PartialCredentialsError"}:
        return f"no credentials: give {_KEYS}, or a role to the service account"
    if "NoRegionError" in names:
        return "no region: set AWS_REGION"
    if "SSLError" in names:
        return f"{error}; set AWS_CA_BUNDLE, or correct http or https in AWS_ENDPOINT_URL_S3"
    if names & {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
    }:
        return f"{error}; correct AWS_ENDPOINT_URL_S3, or let it be reached (network, proxy)"
    if "ResponseParserError" in names:
        return "what answers speaks no S3; correct AWS_ENDPOINT_URL_S3"
    of_url = "EndpointResolutionError" in names and "custom endpoint" in str(error).lower()
    if of_url or isinstance(error, ValueError):
        return "AWS_ENDPOINT_URL_S3 is no URL of a service; write it as http://minio:9000"
    return f"{error}; correct what the variables AWS_… of this process say, or the files that they name"
