"""Requests and replies as the handlers see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp_gitops.devserver.errors import STACK, ApiError, GatewayError

_STATUS = "type.googleapis.com/google.rpc.Status"


@dataclass(frozen=True)
class Request:
    """One request; `path` is still percent-encoded, `names` are the decoded parts the route names."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    content_type: str = ""
    authorization: str = field(default="", repr=False)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What is sent back."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def message(**fields: Any) -> dict[str, Any]:
    """A protobuf message as JSON: fields at their default are left out, so an empty list is no list at all.

    Facts 4.1: the client gets None for them. What stands inside a field is left as it is.
    """
    return {name: value for name, value in fields.items() if value not in (None, "", 0, False, [], {})}


def ok(body: Mapping[str, Any] | None = None) -> Reply:
    return Reply(body=_encode(body or {}))


def failure(error: ApiError) -> Reply:
    """`googleRpcStatus`, the default reply of every method in the swagger."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if not isinstance(error, GatewayError):
        told = {"@type": _STATUS, "code": error.told_code, "message": error.told}
        body["details"] = [told]
    return Reply(error.status, _encode(body))


def upload_failure(status: int, text: str, *, early: bool = False) -> Reply:
    """pipeline_upload_server.go `writeErrorToResponse`: another shape than all the rest of the API.

    `early`: before the header was set that says JSON, so Go calls it plain text.
    """
    body = _encode({"error_message": text, "error_details": f"{text}\n{STACK}"})
    return Reply(status, body, "text/plain; charset=utf-8" if early else "application/json")


def plain(status: int, text: str) -> Reply:
    return Reply(status, (text + "\n").encode(), "text/plain; charset=utf-8")


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()
