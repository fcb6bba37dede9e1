"""What a reply that is a failure means: worth another try, for good, or not known whether it took effect. Pure.

Its texts are those of KFP 2.17.0 and of the proxies before it; the tables say from where.
"""

from __future__ import annotations

import json
import re

import urllib3

from kfp_gitops.base.errors import (
    AlreadyExistsError,
    BrokenError,
    DeniedError,
    NotFoundError,
    RemoteError,
    TemporaryError,
)

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_GIVEN_UP = frozenset({408, 502, 504})
"""A proxy lost its patience or its connection; KFP may still be at work on the request."""
_NEVER_SENT = re.compile(
    r"no healthy upstream|delayed connect error|reset reason: (remote )?connection (failure|timeout)"
    r"|503 Service (Temporarily )?Unavailable|no endpoints available"
)
"""What Envoy, nginx and the Kubernetes API's proxy say when they had nowhere to send a request to."""
_BEFORE = re.compile(
    r"conversion error|error fetching manifest|Failed to fetch a template|invalid pipeline spec manifest"
    r"|Failed to generate the ExecutionSpec|Cannot create a job with an empty pipeline ID|empty namespace"
)
"""Where CreateRun and CreateJob break off before they make anything (resource_manager.go)."""
_TOO_LONG = (
    "a text is longer than KFP's database takes (255 characters for names and descriptions); shorten it"
)
_NO_SUCH_CHARACTER = "KFP's database takes no character above U+FFFF, such as an emoji; take it out"
_FOR_GOOD = (
    (re.compile(r"Error 1406|Data too long|value too long"), _TOO_LONG),
    (re.compile(r"Error 1366|Incorrect string value"), _NO_SUCH_CHARACTER),
    (re.compile(r'scheduledworkflows\S* "\S+" not found'), "its ScheduledWorkflow is gone; delete it in KFP"),
    (re.compile(r"Invalid input error|ResourceNotFoundError"), ""),
)
"""500s that come again however often one asks, and what to do: of the database, and KFP's own checks wrapped anew."""
_UPLOAD = "Failed to create a pipeline version"
_MISSING_RIGHT = (
    "KFP says no more of an upload; on a server with profiles it is most often a missing right "
    "(`create` on pipelines in that namespace: see `doctor`), else the log of ml-pipeline says why"
)


def of_reply(status: int, said: str, text: str, retry_after: float | None, who: str) -> RemoteError:
    """The failure that a status and what the reply says are; `text` is all of it for people."""
    if status in (401, 403):
        return DeniedError(f"{text} (with {who})", status)
    if status == 404:
        return NotFoundError(text)
    if status == 409:
        return AlreadyExistsError(text)
    if status == 400 and said.strip() == _UPLOAD:  # pipeline_upload_server.go: also for 401 and 403
        return DeniedError(f"{text}; {_MISSING_RIGHT} (with {who})", status)
    if status not in _RETRIED:
        return RemoteError(text)
    return _of_trouble(status, said, text, retry_after)


def _of_trouble(status: int, said: str, text: str, retry_after: float | None) -> RemoteError:
    if status == 500:
        if _BEFORE.search(said):
            return RemoteError(text)
        for pattern, todo in _FOR_GOOD:
            if pattern.search(said):
                return BrokenError(f"{text}; {todo}" if todo else text)
    untouched = status in (425, 429) or (status == 503 and bool(_NEVER_SENT.search(said)))
    reason = f"HTTP {status}: {said[:100]}" if said else f"HTTP {status}"
    return TemporaryError(text, retry_after, pending=status in _GIVEN_UP, untouched=untouched, reason=reason)


def of_connection(error: BaseException, host: str, said: str) -> RemoteError:
    """A request without a reply."""
    if isinstance(error, urllib3.exceptions.NameResolutionError) and "Temporary failure" not in str(error):
        return RemoteError(f"{host}: {said}")
    never_made = isinstance(
        error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
    )
    return TemporaryError(f"{host}: {said}", pending=not never_made, untouched=never_made, reason=said)


def message(body: object) -> str:
    """What an error's body says: googleRpcStatus, or the other shape of uploads with its details."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        found = json.loads(text)
        inner = found.get("error")
        found = inner if isinstance(inner, dict) else found  # as HTTP APIs of Google write it
        told = str(found.get("message") or found.get("error_message") or found.get("error") or "")
        more = str(found.get("error_details") or "")
        told, more = (said.split("\n")[0].strip(" …") for said in (told, more))  # a stack trace follows
        return f"{told}: {more}" if more and more not in told else told
    except (ValueError, AttributeError, RecursionError):
        return " ".join(text.split())[:200]


def unreachable(error: BaseException) -> str | None:
    """urllib3's reasons for a connection that was never made, in words; None for other errors."""
    match error:
        case urllib3.exceptions.NameResolutionError():
            return (
                "no address is known for this name; is it right, and does it resolve from here? From outside of its "
                "cluster it takes a port-forward, and that one's address (--host)"
            )
        case urllib3.exceptions.NewConnectionError():  # before its base class, a time-out
            reason = str(error).rpartition("] ")[2].lower() or "no connection"
            return f"cannot be reached ({reason}); is it running there, or does a port-forward?"
        case urllib3.exceptions.ConnectTimeoutError():
            return "did not answer in time; is the address right, and may this machine reach it?"
    return None
