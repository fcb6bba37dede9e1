"""Our waiting for servers, with urllib3's and botocore's as judges: we wait wherever they would, and why it is ours.

The reasons at the top of `web.py` and `s3.py` are tested as well: once they are no longer so, ours can go.
"""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
import urllib3
from botocore.exceptions import ClientError
from botocore.retries.standard import (
    RetryContext,
    ThrottledRetryableChecker,
    TransientRetryableChecker,
)
from predictive_scaling.base import web
from predictive_scaling.base.web import Server
from predictive_scaling.store import s3
from servers.flaky import CUT, FlakyServer
from urllib3.util import Retry

CODES = sorted(
    {*TransientRetryableChecker._TRANSIENT_ERROR_CODES, *ThrottledRetryableChecker._THROTTLED_ERROR_CODES}
)


class _Reply:
    def __init__(self, status: int) -> None:
        self.status_code = status


def _botocore_waits(status: int, code: str | None) -> bool:
    """Its standard mode."""
    said = {"Error": {"Code": code}} if code else {}
    context = RetryContext(1, parsed_response=said, http_response=_Reply(status))
    return any(
        each().is_retryable(context) for each in (TransientRetryableChecker, ThrottledRetryableChecker)
    )


def _we_wait(status: int, code: str | None) -> bool:
    error = {"Error": {"Code": code}} if code else {}
    return s3._is_transient(
        ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")
    )  # type: ignore[arg-type]  # as much of one as is asked for


@pytest.mark.parametrize("code", [None, "AccessDenied", "InternalError", *CODES])
def test_what_botocore_tries_again_at_a_bucket_we_do_too(code: str | None) -> None:
    for status in range(400, 600):
        assert _we_wait(status, code) or not _botocore_waits(status, code), status


def test_why_waiting_for_a_bucket_is_ours() -> None:
    """A proxy's 429 has no code, and botocore's attempts are over within seconds: they are a count."""
    assert _we_wait(429, None)
    assert not _botocore_waits(429, None)


@pytest.mark.parametrize("status", range(400, 600))
def test_what_urllib3_tries_again_we_do_too(status: int) -> None:
    """But for 413, which says that what was sent is too large: that does not pass."""
    waits = Retry(status_forcelist=[500, 502, 503, 504]).is_retry("GET", status, has_retry_after=True)
    assert status in web._TRANSIENT or not waits or status == web.TOO_LARGE


def test_why_waiting_for_a_server_is_ours() -> None:
    """A body that is read in pieces and comes in part is asked for again; urllib3 is through once the head is there."""
    with FlakyServer(lambda *_: (200, {}, b"0123456789" * 100)) as server:
        server.faults = [CUT]
        with pytest.raises(urllib3.exceptions.ProtocolError):
            pools = urllib3.PoolManager(retries=Retry(5))
            pools.request("GET", server.url, preload_content=False).read()
        assert len(server.asked) == 1
        server.faults = [CUT]
        assert Server("PROMETHEUS", server.url).call("GET")
        assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("7", 7, 7), (" 7 ", 7, 7), ("", 0, 0), ("soon", 0, 0), ("-1", 0, 0), ("²", 0, 0), ("9" * 400, 0, 1e400),
        ("date", 6, 8), ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0), ("Thu, 99 Foo 9999 00:00:00", 0, 0),
    ],
)  # fmt: skip
def test_a_server_may_say_when_to_come_back_in_either_form(said: str, least: float, most: float) -> None:
    """As seconds or as a date, of another time perhaps (RFC 9110, 10.2.3); what is neither costs nothing."""
    text = formatdate(time.time() + 8, usegmt=True) if said == "date" else said
    assert least <= web._retry_after(_Answer(text)) <= most  # type: ignore[arg-type]  # as much of one as is asked for


class _Answer:
    def __init__(self, text: str) -> None:
        self.headers = {"Retry-After": text}
