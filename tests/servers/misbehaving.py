"""A server that speaks HTTP byte by byte as it likes: trickles, bombs, other people's replies, lists without an end."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType

Pieces = Iterable[bytes]


class Misbehaving:
    """`answer(request line)` gives the pieces that are sent as they come; the connection is closed after them."""

    def __init__(self, answer: Callable[[str], Pieces]) -> None:
        self.asked: list[str] = []
        self._answer, self._ended = answer, threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):  # closed: the end
            while not self._ended.is_set():
                connection, _ = self._socket.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            line = lines.readline().decode()
            length = 0
            while header := lines.readline().strip():
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            lines.read(length)
            self.asked.append(line)
            for piece in self._answer(line):
                if self._ended.is_set():
                    return
                connection.sendall(piece)

    def __enter__(self) -> Misbehaving:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def head(length: int | None, *lines: str, status: str = "200 OK") -> bytes:
    """Status line and headers of a reply; without a length it ends with the connection."""
    sized = [f"Content-Length: {length}"] if length is not None else []
    return "\r\n".join(
        [f"HTTP/1.1 {status}", "Content-Type: application/json", "Connection: close", *sized, *lines, "", ""]
    ).encode()


def reply(body: bytes | dict[str, object], *lines: str, status: str = "200 OK") -> Pieces:
    """A whole reply at once."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [head(len(text), *lines, status=status) + text]


def slow_body(seconds: float = 0.2) -> Iterator[bytes]:
    """A byte now and then, and never the last one."""
    yield head(1_000_000)
    yield from _for_ever(b" ", seconds)


def slow_headers(seconds: float = 0.2) -> Iterator[bytes]:
    """The same in a header."""
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    yield from _for_ever(b"x", seconds)


def slow_chunks(seconds: float = 0.2) -> Iterator[bytes]:
    """The same in chunks of one byte."""
    yield head(None, "Transfer-Encoding: chunked")
    yield from _for_ever(b"1\r\n \r\n", seconds)


def slow_interim(seconds: float = 0.2) -> Iterator[bytes]:
    """Interim replies without an end."""
    yield from _for_ever(b"HTTP/1.1 100 Continue\r\n\r\n", seconds)


def bomb(megabytes: int) -> Pieces:
    """So many megabytes of JSON, packed a thousandfold, that nobody asked to be packed."""
    packed = gzip.compress(b'{"a": "' + b"a" * (megabytes << 20) + b'"}')
    return [head(len(packed), "Content-Encoding: gzip") + packed]


def _for_ever(piece: bytes, seconds: float) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(seconds)
