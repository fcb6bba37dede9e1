"""Who may talk to the server: this machine, and no web page that stands elsewhere."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from kfp_gitops.devserver.errors import ForbiddenError, StartError


def check_address(host: str) -> str:
    """Only loopback is bound: whoever reaches the server may run code on this machine."""
    if not _is_loopback(host):
        raise StartError(f"{host}: only a loopback address may be bound, such as 127.0.0.1")
    return host


def check_headers(host: str | None, origin: str | None) -> None:
    """A foreign Host is DNS rebinding; a foreign Origin is another page's script."""
    if not _is_loopback(_hostname(f"//{host or ''}")):
        raise ForbiddenError("the Host header must name a loopback address")
    if origin is not None and urlsplit(origin).netloc != host:
        raise ForbiddenError("requests from other origins are refused")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
