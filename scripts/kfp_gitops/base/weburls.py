"""URLs that people write, taken apart: urllib raises ValueError for some, and for a port only when it is asked for."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit


def split(url: str) -> SplitResult | None:
    """The parts of an http(s) URL with a host and a port that there can be (or none); None for anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # «Invalid IPv6 URL», «Port out of range», no number at all
        return None
    return parts if usable else None


def is_loopback(name: str | None) -> bool:
    """Whether a URL's host name is this machine's."""
    try:
        return ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return name == "localhost"
