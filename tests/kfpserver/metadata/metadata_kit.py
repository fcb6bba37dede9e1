"""A server in the place of ML Metadata."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kfp_gitops.kfpserver.metadata import grpcweb

GRPC = "application/grpc-web+proto"
OK = grpcweb.framed(b"grpc-status:0\r\n", 0x80)


class Answering:
    """A server that answers by a function of method and request, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[Any] = []
        self.answer: Callable[[str, bytes], tuple[int, dict[str, str], bytes]] = lambda _m, _b: (200, {}, OK)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                method = self.path.rpartition("/")[2]
                outer.asked.append(method)
                outer.headers.append(self.headers)
                status, headers, reply = outer.answer(method, body)
                self.send_response(status)
                for name, value in {
                    "Content-Type": GRPC, "Content-Length": str(len(reply)), **headers,
                }.items():  # fmt: skip
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
