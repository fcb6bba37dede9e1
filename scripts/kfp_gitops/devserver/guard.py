"""Who may talk to the server: this machine, whom its owner let in, and no web page that stands elsewhere."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from kfp_gitops.devserver.errors import ForbiddenError, StartError

_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True)
class Door:
    """The address that is bound, and the names beside loopback's by which it may be called."""

    address: str
    port: int
    names: frozenset[str]


def door(host: str, port: int, listen: str | None, names: Iterable[str]) -> Door:
    """`listen`, an IP address of whatever kind, goes before `host`, a loopback address; StartError if neither is."""
    allowed = frozenset(_name(n) for n in names)
    if listen is None:
        return Door(check_address(host), port, allowed)
    try:
        address = str(ipaddress.ip_address(listen))
    except ValueError as error:
        raise StartError(f"--listen {listen}: not an IP address, such as 10.0.0.5") from error
    return Door(address, port, allowed | {address})


def _name(text: str) -> str:
    name = text.lower().rstrip(".")
    if not _HOST_NAME.fullmatch(name):
        raise StartError(f"--allow-host {text}: not a host's name; give it without scheme and port")
    return name


def check_address(host: str) -> str:
    """Only loopback is bound: whoever reaches the server may run code on this machine."""
    if not is_loopback(host):
        raise StartError(
            f"{host}: only a loopback address may be bound, such as 127.0.0.1; for another one, use --listen"
        )
    return host


def check_headers(host: str | None, origin: str | None, names: Collection[str] = ()) -> None:
    """A foreign Host is DNS rebinding; a foreign Origin is another page's script."""
    called = _hostname(f"//{host or ''}")
    if not (is_loopback(called) or called.rstrip(".") in names):
        raise ForbiddenError("the Host header must name a loopback address, or one that --allow-host names")
    if origin is not None and urlsplit(origin).netloc != host:
        raise ForbiddenError("requests from other origins are refused")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def reachable(address: str) -> str:
    """Where this machine reaches what is bound to the address: by loopback if that is every address."""
    bound = ipaddress.ip_address(address)
    if not bound.is_unspecified:
        return address
    return "127.0.0.1" if bound.version == 4 else "::1"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
