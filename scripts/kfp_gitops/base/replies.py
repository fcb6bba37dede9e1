"""Replies within bounds: all of one is here after so many seconds and has so many bytes, whoever sends it how.

urllib3's time limits are for two pieces of a reply: a server that sends one byte a minute never exceeds them, neither
in its headers nor after them. And what is unpacked may be a thousand times what was sent. Ours: neither urllib3 nor
http.client has a limit for the whole.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

MOST_BYTES = 64 << 20
"""Of one reply, unpacked."""
_CHUNK = 1 << 16
_LEAST = 0.01
"""Seconds; urllib3 takes no less."""
_end: ContextVar[float] = ContextVar("end", default=math.inf)
"""The instant of `time.monotonic()` when the reply that this thread waits for must be here."""


class TooLarge(urllib3.exceptions.HTTPError):
    """A reply has more bytes than anybody reads."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Within, every reply must be here so many seconds from now; after that, reading it is a TimeoutError."""
    before = _end.get()
    token = _end.set(min(before, time.monotonic() + seconds))
    try:
        yield
    finally:
        _end.reset(token)


def left() -> float:
    """Seconds until then."""
    return _end.get() - time.monotonic()


def left_of(seconds: float) -> float:
    """Of so many seconds those that are left until then."""
    return max(0.0, min(seconds, left()))


class Requests:
    """In the place of a urllib3.PoolManager, as the generated clients use one: whole replies, within the bounds."""

    def __init__(self, pools: Any) -> None:
        self._pools = timed(pools)

    def request(self, method: str, url: str, *, preload_content: bool = True, **more: Any) -> Any:
        """As PoolManager.request.

        Raises:
            urllib3.exceptions.HTTPError: no reply, or not within the bounds.
        """
        del preload_content  # it is read here
        if isinstance(found := more.get("timeout"), urllib3.Timeout) and left() < math.inf:
            more["timeout"] = found = found.clone()
            found.total = max(
                _LEAST, left_of(found.total if isinstance(found.total, int | float) else math.inf)
            )
        with self._pools.request(method, url, preload_content=False, **more) as reply:
            body = whole(reply)
        return urllib3.HTTPResponse(
            body=body or io.BytesIO(),  # of no bytes it would make None
            headers={name: text for name, text in reply.headers.items() if name.lower() not in _OF_THE_WIRE},
            status=reply.status,
            reason=reply.reason,
        )

    def streamed(self, method: str, url: str, **more: Any) -> Any:
        """As PoolManager.request, unread: for `pieces`, within a `with`."""
        return self._pools.request(method, url, preload_content=False, redirect=False, **more)


def timed(pools: Any) -> Any:
    """A urllib3.PoolManager whose replies are all here in time."""
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return pools


_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def whole(reply: Any, most: int = MOST_BYTES) -> bytes:
    """The body, unpacked.

    Raises:
        TooLarge: it has more bytes than `most`; the rest is not read.
    """
    parts, size = [], 0
    for part in pieces(reply):
        parts.append(part)
        size += len(part)
        if size > most:
            reply.close()
            raise TooLarge(f"a reply of more than {most >> 20} MB")
    return b"".join(parts)


def pieces(reply: Any) -> Iterator[bytes]:
    """The body as it comes, unpacked."""
    found: Iterator[bytes] = reply.stream(_CHUNK, decode_content=True)
    return found


class _Timed(io.RawIOBase):
    """What comes from a socket, until the end of the time of the one who asked."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._socket, self._between = sock, sock.gettimeout()
        self._pieces: Any = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        most = left()
        if most <= 0:
            raise TimeoutError("it is not here in time")
        if most < math.inf:
            self._socket.settimeout(most if self._between is None else min(most, self._between))
        found: int | None = self._pieces.readinto(buffer)
        return found

    def close(self) -> None:
        self._pieces.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        unread, self.fp = self.fp, io.BufferedReader(_Timed(sock))
        unread.close()


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
