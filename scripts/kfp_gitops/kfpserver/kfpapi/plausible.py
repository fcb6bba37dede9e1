"""Whether a reply can be KFP's: gateways, logins and proxies answer in its place, also with 200 and JSON. Pure.

The generated client makes a model of any JSON object, and of one without a word that it knows an empty one: an error
would be an empty list, and everything would be made anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from kfp_gitops.kfpserver.kfpapi import failures

ANOTHER = "is this the address of KFP's API, and does nothing before it answer in its place?"
_ERROR = frozenset(
    {"error", "errors", "error_message", "error_details", "code", "status", "message", "details"}
)
"""What errors hold; models of KFP have an `error` too, beside what it is an error of."""
Health = SimpleNamespace(
    attribute_map={name: name for name in ("apiServerReady", "commit_sha", "tag_name", "multi_user")}
)
"""/healthz, which the client has no whole model of (main.go)."""


def read(text: str | bytes) -> dict[str, Any] | str:
    """A reply's JSON object; what is wrong with it, where it holds none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        said = " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split())
        return f"no JSON: {said[:100]!r}"
    return found if isinstance(found, dict) else "no JSON object"


def why_not(found: Mapping[str, Any], model: Any) -> str:
    """Why it cannot be KFP's; empty for `{}`, which is an empty list, and for what has a word of its model."""
    known = frozenset(getattr(model, "attribute_map", {}).values())
    if not found or found.keys() & (known - _ERROR) or not (known or found.keys() & _ERROR):
        return ""
    told = failures.message(json.dumps(found))
    return f"an error with the status of a success: {told[:300]}" if told else "a JSON object of another kind"
