"""A real HTTP server that fails as servers and what stands before them do, then answers: one fault a request."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Reply = tuple[int, dict[str, str], bytes]

DROP, RESET, CUT, STALL = "drop", "reset", "cut", "stall"
"""Close without a word; reset the connection; promise more bytes than come; say nothing for `stall_seconds`."""


class FlakyServer:
    """`answer(method, path, headers, body)` gives what comes once `faults` (statuses or words) are used up."""

    def __init__(self, answer: Callable[[str, str, dict[str, str], bytes], Reply]) -> None:
        self.faults: list[int | str] = []
        self.retry_after = ""
        self.stall_seconds = 2.0
        self.asked: list[tuple[str, str]] = []
        flaky, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    flaky.asked.append((self.command, self.path))
                    fault = flaky.faults.pop(0) if flaky.faults else None
                if isinstance(fault, int):
                    extra = {"Retry-After": flaky.retry_after} if flaky.retry_after else {}
                    self._send((fault, extra, b""))
                elif fault is None or fault == CUT:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    self._send(answer(self.command, self.path, headers, body), cut=fault == CUT)
                else:
                    self._break(fault)

            def _send(self, reply: Reply, *, cut: bool = False) -> None:
                status, headers, body = reply
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body) + (9 if cut else 0)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
                self.close_connection = cut

            def _break(self, fault: str) -> None:
                if fault == STALL:
                    threading.Event().wait(flaky.stall_seconds)
                if fault == RESET:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 the base class's names

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on stderr."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that goes away is none of ours."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FlakyServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
