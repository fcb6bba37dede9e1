"""Answers that are here whole in time, however slowly they come.

The time limit of requests is for two pieces of an answer: a server that sends a byte a minute never exceeds it, neither
in its headers nor after them. Ours: neither requests nor urllib3 has a limit for the whole.
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

_end: ContextVar[float] = ContextVar("end", default=math.inf)
"""When, by `time.monotonic()`, the answer that this thread waits for must be here."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Within, answers on POOLS must be here so many seconds from now; after that, reading one is a TimeoutError."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


class _Pieces(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._socket, self._between = sock, sock.gettimeout()
        self._inner: Any = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _end.get() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not here in time")
        if left < math.inf:
            self._socket.settimeout(left if self._between is None else min(left, self._between))
        found: int | None = self._inner.readinto(buffer)
        return found

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        unread, self.fp = self.fp, io.BufferedReader(_Pieces(sock))
        unread.close()


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
"""In the place of a PoolManager's own, by scheme."""
