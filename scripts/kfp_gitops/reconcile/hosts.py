"""The address of a KFP API: what may be one, and whether it is this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from kfp_gitops.base import redact, weburls
from kfp_gitops.base.errors import UsageError


def checked_host(host: str) -> str:
    """The URL of a KFP API, which is shown in plans and so may hold no password.

    Raises:
        UsageError: not an http(s) URL, or it holds credentials.
    """
    parts = weburls.split(host)
    if parts is None:
        raise UsageError(
            f"{redact.text(host)!r} is no URL of a KFP API; write one such as http://127.0.0.1:8888"
        )
    if parts.username is not None:
        raise UsageError(
            "the URL of the KFP API holds a user or password; give the token in KFP_TOKEN instead"
        )
    return host.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a URL leads to this machine."""
    return weburls.is_loopback(urlsplit(host if "//" in host else f"//{host}").hostname)
